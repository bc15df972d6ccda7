"""What every gate does, held to the same suite: over HTTP to the real server, scripted, and asynchronous."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from aaf_client import Action, ActionStatus, AsyncAgentFirewallClient, AsyncGate, Gate
from aaf_client.errors import (
    ActionClosed,
    ActionDenied,
    ActionFailed,
    ActionRejected,
    AlreadyConsumed,
    ApprovalPending,
    ApprovalTimeout,
    Conflict,
    DigestMismatch,
    Misuse,
    NotFound,
)
from aaf_client.models import Json
from aaf_client.testing import AsyncScriptedFirewall, ScriptedFirewall, allow, deny, hold
from aaf_client.testing.scripted import Script
from tests.client.conftest import Server
from tests.embedded.material import embedded

SCRIPT: dict[str, Script] = {
    "files.read": lambda _, params: allow(result={"content": "hello"}, fails=params["path"] == "gone.txt"),
    "files.write": hold(result={"bytes": 1}),
    "note.take": allow(),
    "mail.send": hold(),
    "nothing.known": deny("unknown_action_type"),
}


@dataclass
class Stand:
    """A gate, and people who answer."""

    gate: Gate
    answer: Callable[[Action, str], None]


class Awaiting:
    """An async gate driven call by call, so that one suite serves both forms."""

    def __init__(self, gate: AsyncGate, runner: asyncio.Runner) -> None:
        self._gate = gate
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._gate, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            return self._runner.run(method(*args, **kwargs))

        return call

    def guard(self, name: str, **options: Any) -> Any:
        decorate = self._gate.guard(name, **options)

        def dress(function: Any) -> Any:
            async def later(text: str) -> Any:
                return function(text)

            guarded = decorate(later)
            return lambda *args, **kwargs: self._runner.run(guarded(*args, **kwargs))  # type: ignore[arg-type]

        return dress


@pytest.fixture(params=["http", "http-async", "scripted", "scripted-async", "embedded"])
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    def say(scripted: ScriptedFirewall) -> Callable[[Action, str], None]:
        def answer(action: Action, verdict: str) -> None:
            scripted.approve(action) if verdict == "approve" else scripted.reject(action, "Not today.")

        return answer

    if request.param == "scripted":
        scripted = ScriptedFirewall(SCRIPT)
        yield Stand(scripted, say(scripted))
        return
    if request.param == "embedded":
        with embedded(request.getfixturevalue("tmp_path")) as (firewall, answers):
            yield Stand(firewall, answers)
        return
    with asyncio.Runner() as runner:
        if request.param == "scripted-async":
            gate = AsyncScriptedFirewall(SCRIPT)
            yield Stand(Awaiting(gate, runner), say(gate.scripted))
            return
        server: Server = request.getfixturevalue("server")
        (server.world.root / "a.txt").write_text("hello")
        people = lambda action, verdict: server.answer(action, verdict, "Not today.")  # noqa: E731
        if request.param == "http":
            with server.client() as client:
                yield Stand(client, people)
            return
        made = AsyncAgentFirewallClient(server.world.key("agent"), base_url=server.base_url)
        yield Stand(Awaiting(made, runner), people)
        runner.run(made.aclose())


def mail(gate: Gate) -> Action:
    return gate.submit_action("mail.send", {"to": "bob@example.org"})


@pytest.mark.requirement("R17")
def test_submitting_answers_whatever_the_answer_is(stand: Stand) -> None:
    assert stand.gate.submit_action("note.take", {"text": "x"}).status is ActionStatus.ALLOWED
    assert mail(stand.gate).status is ActionStatus.PENDING_APPROVAL
    denied = stand.gate.submit_action("nothing.known", {})
    assert (denied.status, denied.code) == (ActionStatus.DENIED, "unknown_action_type")


def test_tool_and_operation_name_an_action_too(stand: Stand) -> None:
    assert stand.gate.submit_action(tool="note", operation="take", params={"text": "x"}).type == "note.take"


@pytest.mark.parametrize("names", [{}, {"name": "a.b", "tool": "a"}, {"tool": "a"}, {"operation": "b"}])
def test_an_action_is_named_in_one_way(stand: Stand, names: dict[str, str]) -> None:
    with pytest.raises(Misuse):
        stand.gate.submit_action(**names)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1: 2}, "\ud800", {1, 2}])
def test_what_json_cannot_hold_is_never_sent(stand: Stand, value: object) -> None:
    with pytest.raises(Misuse):
        stand.gate.submit_action("note.take", {"text": value})


@pytest.mark.requirement("R57")
def test_one_key_is_one_action(stand: Stand) -> None:
    first = stand.gate.submit_action("note.take", {"text": "x"}, idempotency_key="k")
    assert stand.gate.submit_action("note.take", {"text": "x"}, idempotency_key="k").id == first.id
    assert stand.gate.submit_action("note.take", {"text": "x"}).id != first.id
    with pytest.raises(Conflict) as caught:
        stand.gate.submit_action("note.take", {"text": "y"}, idempotency_key="k")
    assert caught.value.code == "idempotency_mismatch"


def test_performing_runs_and_answers_the_result(stand: Stand) -> None:
    done = stand.gate.perform_action("files.read", {"path": "a.txt"})
    assert done.status is ActionStatus.SUCCEEDED
    assert isinstance(done.result, dict)
    assert done.result["content"] == "hello"


def test_performing_what_policy_denies_raises_its_no(stand: Stand) -> None:
    with pytest.raises(ActionDenied) as caught:
        stand.gate.perform_action("nothing.known")
    assert caught.value.code == "unknown_action_type"
    assert caught.value.action.status is ActionStatus.DENIED


@pytest.mark.requirement("R57")
def test_waiting_has_an_end_and_the_action_goes_on_waiting(stand: Stand) -> None:
    held = mail(stand.gate)
    with pytest.raises(ApprovalTimeout) as caught:
        stand.gate.wait_for_approval(held, timeout=0.05)
    assert (caught.value.code, caught.value.action.id) == ("approval_timeout", held.id)
    stand.answer(held, "approve")
    assert stand.gate.wait_for_approval(held.id).status is ActionStatus.APPROVED


@pytest.mark.requirement("R57")
def test_a_rejection_is_told_with_its_reason(stand: Stand) -> None:
    held = mail(stand.gate)
    stand.answer(held, "reject")
    rejected = stand.gate.wait_for_approval(held)
    assert (rejected.status, rejected.rejection) == (ActionStatus.REJECTED, "Not today.")
    with pytest.raises(ActionRejected) as caught:
        stand.gate.request_permit(rejected, audience="here")
    assert caught.value.rejection == "Not today."


def test_executing_runs_once(stand: Stand) -> None:
    action = stand.gate.submit_action("files.read", {"path": "a.txt"})
    assert stand.gate.execute(action).status is ActionStatus.SUCCEEDED
    with pytest.raises(AlreadyConsumed):
        stand.gate.execute(action)


def test_executing_what_waits_for_people_is_too_early(stand: Stand) -> None:
    held = stand.gate.submit_action("files.write", {"path": "new.txt", "content": "x"})
    with pytest.raises(ApprovalPending):
        stand.gate.execute(held)


def test_another_digest_runs_nothing(stand: Stand) -> None:
    action = stand.gate.submit_action("files.read", {"path": "a.txt"})
    with pytest.raises(DigestMismatch):
        stand.gate.execute(replace(action, digest="0" * 64))
    assert stand.gate.get_action(action).status is ActionStatus.ALLOWED


def test_what_the_caller_runs_is_not_executed(stand: Stand) -> None:
    with pytest.raises(Misuse) as caught:
        stand.gate.execute(stand.gate.submit_action("note.take", {"text": "x"}))
    assert caught.value.code == "wrong_effect"
    with pytest.raises(Misuse):
        stand.gate.perform_action("mail.send", {"to": "bob@example.org"})


def test_an_action_taken_back_never_runs(stand: Stand) -> None:
    action = stand.gate.submit_action("files.read", {"path": "a.txt"})
    assert stand.gate.cancel_action(action).status is ActionStatus.CANCELLED
    assert stand.gate.cancel_action(action.id).status is ActionStatus.CANCELLED
    with pytest.raises(ActionClosed):
        stand.gate.execute(action)


def test_what_has_run_is_not_taken_back(stand: Stand) -> None:
    action = stand.gate.perform_action("files.read", {"path": "a.txt"})
    with pytest.raises(Conflict):
        stand.gate.cancel_action(action)


def test_a_permit_is_used_once_and_its_run_reported(stand: Stand) -> None:
    action = stand.gate.submit_action("note.take", {"text": "x"})
    void = stand.gate.request_permit(action, audience="here")
    permit = stand.gate.request_permit(action, audience="here")
    with pytest.raises((AlreadyConsumed, NotFound)):
        stand.gate.consume_permit(void.jti, digest=action.digest)
    with pytest.raises(DigestMismatch):
        stand.gate.consume_permit(permit.jti, digest="0" * 64)
    consumed = stand.gate.consume_permit(permit.jti, digest=action.digest)
    assert (dict(consumed.params), consumed.action.status) == ({"text": "x"}, ActionStatus.EXECUTING)
    with pytest.raises(AlreadyConsumed):
        stand.gate.consume_permit(permit.jti, digest=action.digest)
    with pytest.raises(NotFound):
        stand.gate.report_outcome(action, lease="another", succeeded=True)
    done = stand.gate.report_outcome(action, lease=consumed.lease, succeeded=True, result={"kept": True})
    assert (done.status, done.result) == (ActionStatus.SUCCEEDED, {"kept": True})


def test_a_failed_run_is_told_as_one(stand: Stand) -> None:
    action = stand.gate.submit_action("note.take", {"text": "x"})
    permit = stand.gate.request_permit(action, audience="here")
    consumed = stand.gate.consume_permit(permit.jti, digest=action.digest)
    told = stand.gate.report_outcome(action.id, lease=consumed.lease, succeeded=False, result={"half": "done"})
    assert (told.status, told.result, told.outcome) == (
        ActionStatus.FAILED,
        None,
        stand.gate.get_action(action).outcome,
    )


@pytest.mark.requirement("R57")
@pytest.mark.parametrize("succeeded", [True, False])
def test_a_report_may_be_repeated_and_only_another_one_is_refused(stand: Stand, succeeded: bool) -> None:
    action = stand.gate.submit_action("note.take", {"text": "x"})
    permit = stand.gate.request_permit(action, audience="here")
    stand.gate.consume_permit(permit.jti, digest=action.digest)
    result: Json = {"kept": True} if succeeded else None
    first = stand.gate.report_outcome(action, lease=permit.jti, succeeded=succeeded, result=result)
    again = stand.gate.report_outcome(action.id, lease=permit.jti, succeeded=succeeded, result=result)
    assert (again.status, again.result) == (first.status, first.result)
    with pytest.raises(Conflict) as caught:
        stand.gate.report_outcome(action, lease=permit.jti, succeeded=not succeeded)
    assert caught.value.code == "outcome_conflict"
    assert stand.gate.get_action(action).status is first.status


def test_what_the_caller_is_running_is_not_performed_and_goes_on(stand: Stand) -> None:
    params = {"text": "x"}
    action = stand.gate.submit_action("note.take", params, run=True, idempotency_key="k")
    permit = stand.gate.request_permit(action, audience="here")
    stand.gate.consume_permit(permit.jti, digest=action.digest)
    with pytest.raises(Misuse) as caught:
        stand.gate.perform_action("note.take", params, idempotency_key="k")
    assert caught.value.code == "wrong_effect"
    assert stand.gate.get_action(action).status is ActionStatus.EXECUTING


def test_performing_what_was_done_under_the_same_key_answers_its_end(stand: Stand) -> None:
    done = stand.gate.perform_action("files.read", {"path": "a.txt"}, idempotency_key="k")
    again = stand.gate.perform_action("files.read", {"path": "a.txt"}, idempotency_key="k", timeout=0)
    assert (again.id, again.status, again.result) == (done.id, ActionStatus.SUCCEEDED, done.result)


def test_an_unknown_action_is_not_found(stand: Stand) -> None:
    with pytest.raises(NotFound):
        stand.gate.get_action("00000000-0000-0000-0000-000000000000")


def test_a_guarded_function_runs_with_what_was_decided_and_is_reported(stand: Stand) -> None:
    @stand.gate.guard("note.take")
    def take(text: str) -> str:
        return text.upper()

    assert take("a") == take(text="a") == "A"


def test_a_guarded_function_that_is_denied_never_runs(stand: Stand) -> None:
    ran: list[str] = []
    guarded = stand.gate.guard("nothing.known")(_appending(ran))
    with pytest.raises(ActionDenied):
        guarded("a")
    assert ran == []


def _appending(ran: list[str]) -> Callable[[str], None]:
    def append(text: str) -> None:
        ran.append(text)

    return append


def test_a_guarded_function_that_fails_is_reported_and_its_error_is_raised(stand: Stand) -> None:
    @stand.gate.guard("note.take")
    def take(text: str) -> str:
        raise ValueError(text)

    with pytest.raises(ValueError, match=r"^a$"):
        take("a")


def test_a_connector_that_fails_is_told_as_a_failed_run(stand: Stand) -> None:
    with pytest.raises((ActionFailed, ActionDenied)):
        stand.gate.perform_action("files.read", {"path": "gone.txt"})
