"""A firewall in process, through the client's own interface."""

import logging
import os
import re
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import aaf
from aaf import Firewall, Reviewer
from aaf.adapters.clock import SystemClock
from aaf.adapters.connectors.files import FilesConnector
from aaf.bootstrap import DATABASE, inspect
from aaf.domain.errors import Code, StoreFailed
from aaf.services.access import list_keys, revoke_key
from aaf.settings import Settings
from aaf_client import errors
from aaf_client.gate import Gate
from aaf_client.models import Action, ActionStatus
from tests.embedded.material import Place, write_configuration


def held(firewall: Firewall, path: str = "new.txt") -> Action:
    action = firewall.submit_action("files.write", {"path": path, "content": "x\n"})
    assert action.status is ActionStatus.PENDING_APPROVAL
    return action


def approve(reviewer: Reviewer, action: Action) -> None:
    assert reviewer.approve(reviewer.see(action.id)).status is ActionStatus.APPROVED


# --- the gate ---------------------------------------------------------------------------------------------------------


def test_a_firewall_is_a_gate(firewall: Firewall) -> None:
    gate: Gate = firewall
    assert gate.submit_action("note.take", {"text": "x"}).status is ActionStatus.ALLOWED


@pytest.mark.requirement("R01")
def test_what_is_allowed_runs_and_its_result_comes_back(firewall: Firewall) -> None:
    done = firewall.perform_action("files.read", {"path": "today.txt"})
    assert (done.status, done.outcome and done.outcome.source) == (ActionStatus.SUCCEEDED, "connector")
    assert isinstance(done.result, dict)
    assert done.result["content"] == "Monday\n"
    assert firewall.get_action(done) == done


@pytest.mark.requirement("R01")
def test_what_is_denied_raises_with_a_stable_code_and_what_to_do(firewall: Firewall) -> None:
    with pytest.raises(errors.ActionDenied) as caught:
        firewall.perform_action("files.read", {"path": "../secret.txt"})
    assert (caught.value.code, caught.value.hint) == ("path_outside_root", "Stay beneath the root.")
    assert caught.value.action.status is ActionStatus.DENIED
    assert firewall.submit_action("files.read", {"path": "../secret.txt"}).status is ActionStatus.DENIED


def test_wrong_parameters_are_named(firewall: Firewall) -> None:
    with pytest.raises(errors.ActionDenied) as caught:
        firewall.perform_action("files.read", {"path": 7})
    assert list(caught.value.faults) == ["$.params.path"]


def test_tool_and_operation_name_an_action_too(firewall: Firewall) -> None:
    action = firewall.submit_action(None, {"text": "x"}, tool="note", operation="take")
    assert action.type == "note.take"
    for name, tool, operation in ((None, "note", None), ("note.take", "note", "take"), (None, None, None)):
        with pytest.raises(errors.Misuse):
            firewall.submit_action(name, {"text": "x"}, tool=tool, operation=operation)


@pytest.mark.requirement("R57")
def test_what_is_held_waits_for_a_person_and_runs_once(firewall: Firewall, reviewer: Reviewer, place: Place) -> None:
    action = held(firewall)
    with pytest.raises(errors.ApprovalTimeout) as late:
        firewall.wait_for_approval(action, timeout=0)
    assert late.value.action == action
    assert "`wait_for_approval`" in late.value.hint
    with pytest.raises(errors.ApprovalPending):
        firewall.execute(action)
    approve(reviewer, action)
    assert firewall.wait_for_approval(action).status is ActionStatus.APPROVED
    assert firewall.execute(action).status is ActionStatus.SUCCEEDED
    assert (place.root / "new.txt").read_text() == "x\n"
    with pytest.raises(errors.AlreadyConsumed):
        firewall.execute(action)


def test_who_waits_is_told_while_another_thread_answers(firewall: Firewall, reviewer: Reviewer) -> None:
    with ThreadPoolExecutor(1) as threads:
        performed = threads.submit(firewall.perform_action, "files.write", {"path": "n.txt", "content": "x"})
        while not (waiting := reviewer.waiting()):
            assert not performed.done()
        reviewer.approve(reviewer.see(waiting[0]))
        assert performed.result(60).status is ActionStatus.SUCCEEDED


def test_a_rejection_raises_with_the_reason(firewall: Firewall, reviewer: Reviewer) -> None:
    action = held(firewall)
    reviewer.reject(reviewer.see(action.id), "Not on a Monday")
    with pytest.raises(errors.ActionRejected) as caught:
        firewall.execute(action)
    assert caught.value.rejection == "Not on a Monday"
    assert firewall.wait_for_approval(action).rejection == "Not on a Monday"


def test_what_was_taken_back_is_closed(firewall: Firewall, reviewer: Reviewer) -> None:
    action = held(firewall)
    assert firewall.cancel_action(action).status is ActionStatus.CANCELLED
    assert firewall.cancel_action(action.id).status is ActionStatus.CANCELLED
    with pytest.raises(errors.ActionClosed):
        firewall.execute(action)
    other = held(firewall)
    reviewer.reject(reviewer.see(other.id), "No")
    with pytest.raises(errors.Conflict) as caught:
        firewall.cancel_action(other)
    assert caught.value.code == "action_closed"


def test_another_digest_is_refused(firewall: Firewall) -> None:
    action = firewall.submit_action("files.read", {"path": "today.txt"})
    forged = Action.from_json({**action.raw, "digest": "0" * 64})
    with pytest.raises(errors.DigestMismatch):
        firewall.execute(forged)


def test_a_run_that_fails_raises(firewall: Firewall, place: Place) -> None:
    action = firewall.submit_action("files.read", {"path": "today.txt"})
    (place.root / "today.txt").unlink()
    with pytest.raises(errors.ActionFailed) as caught:
        firewall.execute(action)
    assert caught.value.action.status is ActionStatus.FAILED


def test_an_idempotency_key_leads_to_the_same_action(firewall: Firewall) -> None:
    first = firewall.submit_action("note.take", {"text": "x"}, idempotency_key="one")
    assert firewall.submit_action("note.take", {"text": "x"}, idempotency_key="one") == first
    with pytest.raises(errors.Conflict) as caught:
        firewall.submit_action("note.take", {"text": "y"}, idempotency_key="one")
    assert caught.value.code == "idempotency_mismatch"
    with pytest.raises(errors.RequestRefused):
        firewall.submit_action("note.take", {"text": "x"}, idempotency_key="")


def test_an_action_that_the_caller_runs_is_not_performed_and_waits_for_nobody(firewall: Firewall) -> None:
    for name, params in (("mail.send", {"to": "bob@example.org"}), ("note.take", {"text": "x"})):
        with pytest.raises(errors.Misuse) as caught:
            firewall.perform_action(name, params, idempotency_key=name)
        assert caught.value.code == "wrong_effect"
        again = firewall.submit_action(name, params, run=True, idempotency_key=name)
        assert again.status is ActionStatus.CANCELLED
    with pytest.raises(errors.Misuse):
        firewall.execute(firewall.submit_action("note.take", {"text": "x"}))


def test_what_is_judged_stricter_before_it_runs_waits_for_people_again(
    firewall: Firewall, reviewer: Reviewer, place: Place
) -> None:
    with ThreadPoolExecutor(1) as threads:
        performed = threads.submit(firewall.perform_action, "files.write", {"path": "n.txt", "content": "x"})
        while not (waiting := reviewer.waiting()):
            assert not performed.done()
        text = (place.config / "aaf.yaml").read_text()
        (place.config / "aaf.yaml").write_text(text.replace("quorum: 1", "quorum: 2"))
        place.open().close()
        first = reviewer.see(waiting[0])
        reviewer.approve(first)
        while not reviewer.waiting():
            assert not performed.done()
        again = reviewer.see(first)
        assert again.view_digest != first.view_digest
        reviewer.reject(again, "Two of us have to agree")
        with pytest.raises(errors.ActionRejected):
            performed.result(60)


def test_a_run_that_goes_on_elsewhere_is_waited_for_and_never_begun_again(
    firewall: Firewall, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, ran = threading.Event(), threading.Event(), []
    real = FilesConnector.run

    async def slow(self: FilesConnector, **asked: Any) -> Any:
        ran.append(asked["operation"])
        begun.set()
        assert go_on.wait(60)
        return await real(self, **asked)

    monkeypatch.setattr(FilesConnector, "run", slow)

    def perform() -> Action:
        """No time for people, which is no time for a run."""
        return firewall.perform_action("files.read", {"path": "today.txt"}, timeout=0, idempotency_key="one")

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(perform)
        assert begun.wait(60)
        monkeypatch.setattr("aaf.embedded.firewall.RUN_TIMEOUT", 0)
        with pytest.raises(errors.OutcomeUnknown, match="still runs"):
            perform()
        monkeypatch.setattr("aaf.embedded.firewall.RUN_TIMEOUT", 60)
        second = threads.submit(perform)
        go_on.set()
        assert [one.result(60).status for one in (first, second)] == [ActionStatus.SUCCEEDED] * 2
    assert ran == ["read"]


@pytest.mark.parametrize("before", [True, False], ids=["before the run", "during the run"])
def test_a_store_that_fails_leaves_no_doubt_about_what_is_in_doubt(
    place: Place, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    firewall = place.open()
    action = firewall.submit_action("files.read", {"path": "today.txt"})
    real = FilesConnector.run

    async def and_then_the_store_fails(self: FilesConnector, **asked: Any) -> Any:
        firewall.close()
        return await real(self, **asked)

    monkeypatch.setattr(FilesConnector, "run", and_then_the_store_fails)
    if before:
        firewall.close()
    with pytest.raises(errors.Unavailable if before else errors.OutcomeUnknown):
        firewall.execute(action)
    with place.open() as later:
        assert later.get_action(action).status is (ActionStatus.ALLOWED if before else ActionStatus.EXECUTING)


def test_a_store_that_takes_nothing_new_leaves_the_action_as_it_was(firewall: Firewall) -> None:
    action = firewall.submit_action("files.read", {"path": "today.txt"})
    product = firewall._opened._product
    product.run(product.core.store.set_recovering("for a test"))
    with pytest.raises(errors.Unavailable) as caught:
        firewall.execute(action)
    assert caught.value.code == "recovering"
    product.run(product.core.store.set_recovering(None))
    assert firewall.execute(action).status is ActionStatus.SUCCEEDED


def test_what_can_not_be_taken_back_is_still_a_misuse(place: Place) -> None:
    class Stubborn(Firewall):
        def cancel_action(self, action: Action | str) -> Action:
            raise errors.Unavailable("Not now.")

    opened = Stubborn.open(place.data, agent="bot", config=place.config, root=place.root)
    with opened as firewall, pytest.raises(errors.Misuse):
        firewall.perform_action("note.take", {"text": "x"})


# --- permits and guard ------------------------------------------------------------------------------------------------


def test_a_permit_is_used_once_and_its_report_is_the_outcome(firewall: Firewall) -> None:
    action = firewall.submit_action("note.take", {"text": "hello"})
    permit = firewall.request_permit(action, audience="notes")
    assert permit.action == action.id
    with pytest.raises(errors.DigestMismatch):
        firewall.consume_permit(permit.jti, digest="0" * 64)
    consumed = firewall.consume_permit(permit.jti, digest=permit.digest)
    assert (consumed.params, consumed.lease) == ({"text": "hello"}, permit.jti)
    assert consumed.action.status is ActionStatus.EXECUTING
    with pytest.raises(errors.AlreadyConsumed):
        firewall.consume_permit(permit.jti, digest=permit.digest)
    with pytest.raises(errors.AlreadyConsumed):
        firewall.request_permit(action, audience="notes")
    done = firewall.report_outcome(action, lease=permit.jti, succeeded=True, result={"kept": "hello"})
    assert (done.status, done.result) == (ActionStatus.SUCCEEDED, {"kept": "hello"})
    again = firewall.report_outcome(action, lease=permit.jti, succeeded=True, result={"kept": "hello"})
    assert again.status is ActionStatus.SUCCEEDED
    with pytest.raises(errors.Conflict):
        firewall.report_outcome(action, lease=permit.jti, succeeded=False)


def test_a_permit_for_what_a_person_rejected_is_refused_with_their_reason(
    firewall: Firewall, reviewer: Reviewer
) -> None:
    action = firewall.submit_action("mail.send", {"to": "bob@example.org"})
    with pytest.raises(errors.ApprovalPending):
        firewall.request_permit(action, audience="mail")
    reviewer.reject(reviewer.see(action.id), "No")
    with pytest.raises(errors.ActionRejected):
        firewall.request_permit(action, audience="mail")


@pytest.mark.requirement("R01")
def test_a_guarded_function_runs_with_what_was_decided(firewall: Firewall) -> None:
    seen: list[str] = []

    @firewall.guard("note.take")
    def take(text: str) -> dict[str, str]:
        seen.append(text)
        return {"kept": text}

    assert take("hello") == {"kept": "hello"}
    assert seen == ["hello"]


def test_a_guarded_function_that_is_not_allowed_does_not_run(firewall: Firewall, reviewer: Reviewer) -> None:
    seen: list[str] = []

    @firewall.guard("mail.send", timeout=60)
    def send(to: str) -> None:
        seen.append(to)

    with ThreadPoolExecutor(1) as threads:
        sent = threads.submit(send, "bob@example.org")
        while not (waiting := reviewer.waiting()):
            assert not sent.done()
        reviewer.reject(reviewer.see(waiting[0]), "No")
        with pytest.raises(errors.ActionRejected):
            sent.result(60)
    assert seen == []


# --- what comes in ----------------------------------------------------------------------------------------------------


def _deep() -> Any:
    value: Any = "x"
    for _ in range(40):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({1, 2}, "wrong_type"),
        ((1, 2), "wrong_type"),
        (b"x", "wrong_type"),
        ({1: "a", "1": "b"}, "wrong_type"),
        ("\ud800", "lone_surrogate"),
        (float("nan"), "number_out_of_range"),
        (2**53, "number_out_of_range"),
        (_deep(), "too_deep"),
    ],
)
def test_values_that_json_does_not_hold_are_refused_before_anything_is_recorded(
    firewall: Firewall, value: Any, code: str
) -> None:
    with pytest.raises(errors.Misuse, match=r"\$\.params\.text") as caught:
        firewall.submit_action("note.take", {"text": value})
    assert caught.value.code == code


def test_a_submission_has_an_end(firewall: Firewall) -> None:
    with pytest.raises(errors.Misuse):
        firewall.submit_action("note.take", {"text": "x" * 1_048_576})


def test_a_context_that_claims_authority_is_refused(firewall: Firewall) -> None:
    with pytest.raises(errors.RequestRefused) as caught:
        firewall.submit_action("note.take", {"text": "x"}, context={"pre_approved": True})
    assert caught.value.code == "reserved_context_key"


def test_what_a_program_changes_after_submitting_changes_nothing(firewall: Firewall) -> None:
    params = {"text": "before"}
    action = firewall.submit_action("note.take", params)
    params["text"] = "after"
    permit = firewall.request_permit(action, audience="notes")
    assert firewall.consume_permit(permit.jti, digest=permit.digest).params == {"text": "before"}


def test_the_rate_limit_says_when_to_come_back(tmp_path: Path) -> None:
    config = write_configuration(tmp_path / "config", rate="1/m, burst: 1")
    place = Place(tmp_path / "data", config, tmp_path / "workspace")
    with place.open() as firewall:
        firewall.submit_action("note.take", {"text": "x"})
        with pytest.raises(errors.RateLimited) as caught:
            firewall.submit_action("note.take", {"text": "x"})
    assert 0 < caught.value.retry_after <= 60


# --- opening ----------------------------------------------------------------------------------------------------------


def test_everything_lies_in_one_folder_of_this_user_only(place: Place, firewall: Firewall) -> None:
    assert stat.S_IMODE(place.data.stat().st_mode) == 0o700
    inside = {one for one in place.data.rglob("*") if one.is_file()}
    assert {stat.S_IMODE(one.stat().st_mode) for one in inside} == {0o600}
    assert firewall.agent_id in repr(firewall)


def test_the_database_file_names_its_folder(place: Place, firewall: Firewall) -> None:
    with Firewall.open(place.data / DATABASE, agent="bot", root=place.root) as other:
        assert other.agent_id == firewall.agent_id


@pytest.mark.parametrize("path", [":memory:", "config/aaf.yaml", "a\0b"])
def test_a_path_that_is_no_folder_is_refused(
    place: Place, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.Misuse) as caught:
        Firewall.open(path, agent="bot")
    assert caught.value.hint


def test_the_same_agent_is_the_same_principal_and_another_is_another(place: Place, firewall: Firewall) -> None:
    action = firewall.submit_action("note.take", {"text": "x"})
    with place.open() as same, place.open("other") as other:
        assert (same.agent_id, same.get_action(action)) == (firewall.agent_id, action)
        assert other.agent_id != firewall.agent_id
        with pytest.raises(errors.NotFound):
            other.get_action(action)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 121])
def test_an_agent_has_a_name(place: Place, name: str) -> None:
    with pytest.raises(errors.RequestRefused):
        place.open(name)


def test_a_broken_configuration_is_refused_with_its_places_even_where_an_earlier_one_is_active(place: Place) -> None:
    (place.config / "aaf.yaml").write_text("version: 1\nrulez: []\n")
    for _ in range(2):
        with pytest.raises(errors.Misuse, match=r"aaf\.yaml:2:1") as caught:
            place.open()
        assert caught.value.code == "configuration_invalid"
        assert f"\n{place.config}/aaf.yaml:2:1: " in str(caught.value)
        assert str(caught.value).splitlines()[-1] == "Correct the file and load it again."
        write_configuration(place.config)
        place.open().close()
        (place.config / "aaf.yaml").write_text("version: 1\nrulez: []\n")


def test_the_places_of_a_broken_configuration_are_seen_from_the_working_directory(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.config.parent)
    (place.config / "aaf.yaml").write_text("version: 1\nrulez: []\n")
    with pytest.raises(errors.Misuse, match=f"\n{place.config.name}/aaf.yaml:2:1: "):
        place.open()


def test_a_changed_configuration_is_active_once_it_is_opened(place: Place, firewall: Firewall) -> None:
    text = (
        (place.config / "aaf.yaml")
        .read_text()
        .replace("decision: allow\n    reason: Nobody", "decision: deny\n    reason: Nobody")
    )
    (place.config / "aaf.yaml").write_text(text)
    assert firewall.submit_action("note.take", {"text": "x"}).status is ActionStatus.ALLOWED
    with place.open():
        assert firewall.submit_action("note.take", {"text": "x"}).status is ActionStatus.DENIED


def test_without_a_folder_what_is_active_stays(place: Place, firewall: Firewall) -> None:
    with Firewall.open(place.data, agent="bot", root=place.root) as other:
        assert other.submit_action("note.take", {"text": "x"}).status is ActionStatus.ALLOWED


# --- who --------------------------------------------------------------------------------------------------------------


def test_opening_for_an_agent_makes_no_key_that_an_agent_could_use(
    place: Place, firewall: Firewall, capfd: pytest.CaptureFixture[str]
) -> None:
    key = Firewall.first_key(place.data)
    assert key.startswith("aaf_live_")
    for file in place.data.rglob("*"):
        assert not file.is_file() or key.encode() not in file.read_bytes()
    assert not hasattr(firewall, "approve")
    assert capfd.readouterr() == ("", "")


def test_the_first_key_is_made_once(place: Place, firewall: Firewall) -> None:
    Firewall.first_key(place.data)
    with pytest.raises(errors.Conflict):
        Firewall.first_key(place.data)
    with pytest.raises(errors.Misuse, match="no installation"):
        Firewall.first_key(place.root)


def test_an_agent_with_a_key_of_its_own_is_entered_with_it(
    place: Place, firewall: Firewall, reviewer: Reviewer
) -> None:
    key = reviewer.create_key("clerk", kind="agent")
    with pytest.raises(errors.NotAuthenticated) as caught:
        place.open("clerk")
    assert "key=" in caught.value.hint
    with place.open("clerk", key=key) as clerk:
        assert clerk.submit_action("note.take", {"text": "x"}).status is ActionStatus.ALLOWED
    for agent, other in (("bot", key), ("clerk", key[:-1] + ("y" if key.endswith("x") else "x")), ("clerk", "")):
        with pytest.raises(errors.NotAuthenticated):
            place.open(agent, key=other)


def test_a_key_that_was_revoked_is_told_with_what_a_program_in_process_does_next(
    place: Place, firewall: Firewall, reviewer: Reviewer
) -> None:
    with place.open("clerk", key=reviewer.create_key("clerk", kind="agent")) as clerk:
        action = clerk.submit_action("note.take", {"text": "x"})
        (key,) = [key.id for key, _ in reviewer._ask(list_keys) if key.name == "clerk"]
        reviewer._ask(lambda core, caller: revoke_key(core, caller, key))
        calls: tuple[Callable[[], Action], ...] = (
            lambda: clerk.submit_action("note.take", {"text": "y"}),
            lambda: clerk.get_action(action),
        )
        for call in calls:
            with pytest.raises(errors.NotAuthenticated) as caught:
                call()
            assert (caught.value.code, "open with `key=`" in str(caught.value)) == ("invalid_credential", True)


def test_a_persons_key_opens_no_agents_firewall(place: Place, firewall: Firewall, reviewer: Reviewer) -> None:
    with pytest.raises(errors.Misuse, match="person"):
        place.open("ada", key=reviewer.create_key("ada", roles=("admin",)))


# --- threads and the end ----------------------------------------------------------------------------------------------


def test_threads_share_one_firewall(firewall: Firewall, place: Place) -> None:
    begin = threading.Barrier(8)

    def work(number: int) -> list[ActionStatus]:
        begin.wait(30)
        done = [firewall.perform_action("files.read", {"path": "today.txt"}) for _ in range(5)]
        return [one.status for one in done]

    with ThreadPoolExecutor(8) as threads:
        found = [status for answer in threads.map(work, range(8)) for status in answer]
    assert found == [ActionStatus.SUCCEEDED] * 40


def test_of_many_threads_one_consumes_a_permit(firewall: Firewall) -> None:
    action = firewall.submit_action("note.take", {"text": "x"})
    permit = firewall.request_permit(action, audience="notes")
    begin = threading.Barrier(8)

    def work(number: int) -> str:
        begin.wait(30)
        try:
            firewall.consume_permit(permit.jti, digest=permit.digest)
        except errors.Conflict as conflict:
            return conflict.code
        return "consumed"

    with ThreadPoolExecutor(8) as threads:
        found = sorted(threads.map(work, range(8)))
    assert found.count("consumed") == 1
    assert set(found) <= {"already_consumed", "consumed", "store_conflict"}


CALLS: dict[str, Callable[[Firewall], object]] = {
    "submit": lambda firewall: firewall.submit_action("note.take", {"text": "x"}),
    "read": lambda firewall: firewall.get_action("0"),
    "wait": lambda firewall: firewall.wait_for_approval("0"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_closed_firewall_says_so_and_closing_twice_is_closing(
    place: Place, call: Callable[[Firewall], object]
) -> None:
    firewall = place.open()
    firewall.close()
    firewall.close()
    with pytest.raises(errors.Unavailable, match="closed"):
        call(firewall)


def test_closing_ends_a_wait(firewall: Firewall) -> None:
    action = held(firewall)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(firewall.wait_for_approval, action, timeout=600)
        firewall.close()
        with pytest.raises(errors.Unavailable):
            waiting.result(60)


def test_the_end_of_an_opening_leaves_a_signed_checkpoint(place: Place) -> None:
    with place.open() as firewall:
        firewall.submit_action("note.take", {"text": "x"})
    assert (place.data / "checkpoints.json").stat().st_size > 2


def test_each_of_many_short_runs_leaves_everything_signed(place: Place) -> None:
    for _ in range(3):
        with place.open() as firewall:
            firewall.submit_action("note.take", {"text": "x"})
        signed = [check.text for check in inspect(Settings(data=place.data)) if check.name == "ledger"]
        assert all(re.fullmatch(r"\S.*: (\d+) events?, \1 signed", one) for one in signed), signed


def test_a_key_of_another_installation_is_refused_with_advice_for_a_program_that_has_the_files(
    place: Place, firewall: Firewall, tmp_path: Path
) -> None:
    key = Firewall.first_key(place.data)
    with Firewall.open(tmp_path / "other"):
        pass
    for wrong in (key, "", "x"):
        for call in (
            lambda wrong=wrong: Firewall.open(tmp_path / "other", key=wrong),
            lambda wrong=wrong: Firewall.reviewer(tmp_path / "other", key=wrong),
        ):
            with pytest.raises(errors.NotAuthenticated) as caught:
                call()
            assert "another installation" in caught.value.hint
            assert "Authorization" not in str(caught.value)


def test_ids_that_are_none_are_not_found(firewall: Firewall) -> None:
    for id_ in ("", "x", "../..", "\0"):
        with pytest.raises(errors.NotFound):
            firewall.get_action(id_)


def test_the_host_program_hears_causes_on_its_own_log(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="aaf"), place.open() as firewall:
        action = firewall.submit_action("files.read", {"path": "today.txt"})
        (place.root / "today.txt").unlink()
        with pytest.raises(errors.ActionFailed):
            firewall.execute(action)
    assert any("run_failed" in record.message for record in caplog.records)
    assert os.sep not in "".join(record.message for record in caplog.records)


def test_a_configuration_that_is_missing_is_said(place: Place) -> None:
    with pytest.raises(errors.Misuse, match="no such folder"):
        Firewall.open(place.data, agent="bot", config=place.root / "nowhere", root=place.root)


def test_a_checkpoint_that_can_not_be_signed_does_not_keep_the_files_open(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(core: object) -> None:
        raise StoreFailed(Code.STORE_FULL, "The store has no room.")

    monkeypatch.setattr("aaf.embedded.opening.last_checkpoint", refuse)
    with caplog.at_level("INFO", logger="aaf"):
        place.open().close()
    assert any("checkpoint_not_signed" in record.message for record in caplog.records)
    place.open().close()

    class Closing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            firewall.close()

    handler, firewall = Closing(), place.open()
    logging.getLogger("aaf").addHandler(handler)
    try:
        ending = threading.Thread(target=firewall.close, daemon=True)
        ending.start()
        ending.join(20)
        assert not ending.is_alive()
    finally:
        logging.getLogger("aaf").removeHandler(handler)


def test_the_package_offers_what_it_names_and_nothing_else() -> None:
    assert [getattr(aaf, name).__name__ for name in aaf.__all__] == aaf.__all__
    with pytest.raises(AttributeError, match="nothing"):
        _ = aaf.nothing


def test_waiting_ends_though_the_wall_clock_is_set_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[BaseException] = []
    wall = SystemClock.wall
    with place.open() as firewall:
        held = firewall.submit_action("mail.send", {"to": "ann"})

        def wait() -> None:
            try:
                firewall.wait_for_approval(held, timeout=0.5)
            except errors.AgentFirewallError as error:
                ended.append(error)

        monkeypatch.setattr(SystemClock, "wall", lambda clock: wall(clock) - 3_600_000_000)
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(10)
    thread.join(10)
    assert [type(error) for error in ended] == [errors.ApprovalTimeout]


@pytest.mark.parametrize("path", ["", "~nobody-of-that-name/aaf", "a" * 5000, ":memory:", "a\0b"])
def test_a_path_that_names_no_folder_is_misuse(path: str) -> None:
    with pytest.raises(errors.Misuse, match="names no folder"):
        Firewall.open(path)


def test_one_agent_needs_no_name(tmp_path: Path) -> None:
    with Firewall.open(tmp_path / "aaf.db") as first, Firewall.open(tmp_path / "aaf.db", agent="agent") as second:
        assert first.agent_id == second.agent_id
