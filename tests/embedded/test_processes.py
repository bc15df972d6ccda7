"""Several processes on one folder: agents, a person, a server."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aaf import Firewall, Reviewer
from aaf.entrypoints.cli.demonstration.stage import READY
from aaf.entrypoints.cli.terminal.client import Client
from aaf.services.access import list_keys, revoke_key
from aaf.services.local_agents import LOCAL
from aaf_client import errors
from aaf_client.models import ActionStatus
from tests.embedded.material import Place, ended, said, start

WAITS = """
with opened() as firewall:
    action = firewall.submit_action("files.write", {"path": "new.txt", "content": "hello"})
    print(action.id, flush=True)
    try:
        firewall.wait_for_approval(action, timeout=60)
        print(firewall.execute(action).status)
    except errors.ActionRejected as no:
        print("rejected:", no.rejection)
"""


@pytest.mark.requirement("R57")
@pytest.mark.parametrize(
    ("verdict", "outcome"), [("approve", "succeeded"), ("reject", "rejected: Not today")], ids=["approve", "reject"]
)
def test_an_agents_process_waits_while_a_person_answers_in_another(place: Place, verdict: str, outcome: str) -> None:
    agent = start(WAITS, place)
    action = said(agent)
    with place.reviewer() as person:
        (waiting,) = person.waiting()
        assert waiting.id == action
        approval = person.see(waiting)
        if verdict == "approve":
            person.approve(approval)
        else:
            person.reject(approval, "Not today")
    assert ended(agent) == outcome
    assert (place.root / "new.txt").exists() == (verdict == "approve")


CONSUMES = """
with opened() as firewall:
    ready()
    try:
        firewall.consume_permit(rest[0], digest=rest[1])
        print("consumed")
    except errors.Conflict as conflict:
        print(conflict.code)
"""


def test_of_many_processes_one_consumes_a_permit(place: Place) -> None:
    with place.open() as firewall:
        action = firewall.submit_action("note.take", {"text": "x"})
        permit = firewall.request_permit(action, audience="notes")
        racers = [start(CONSUMES, place, permit.jti, permit.digest) for _ in range(4)]
        assert [said(racer) for racer in racers] == ["ready"] * 4
        found = sorted(map(ended, racers))
        assert found.count("consumed") == 1
        assert set(found) <= {"already_consumed", "consumed", "store_conflict"}
        assert firewall.get_action(action).status is ActionStatus.EXECUTING


OPENS = """
ready()
with opened() as firewall:
    firewall.submit_action("note.take", {"text": "x"})
    print(firewall.agent_id)
"""


def test_processes_that_open_a_new_folder_at_once_are_one_agent(place: Place) -> None:
    racers = [start(OPENS, place) for _ in range(4)]
    assert [said(racer) for racer in racers] == ["ready"] * 4
    assert len(set(map(ended, racers))) == 1
    with place.reviewer() as person:
        keys = person._ask(list_keys)
    assert sorted(key.hint == LOCAL for key, _ in keys) == [False, True]


FORKS = """
import os
firewall = opened()
action = firewall.submit_action("note.take", {"text": "x"})
child = os.fork()
if child == 0:
    codes = []
    for call in (lambda: firewall.get_action(action), lambda: firewall.submit_action("note.take", {"text": "x"})):
        try:
            call()
        except errors.Unavailable as refusal:
            codes.append((refusal.code, "each process" in refusal.hint))
    firewall.close()
    os._exit(0 if codes == [("store_forked", True)] * 2 else 1)
status = os.waitpid(child, 0)[1]
print(os.waitstatus_to_exitcode(status), firewall.get_action(action).status)
firewall.close()
"""


def test_use_after_a_fork_is_refused_and_the_parent_goes_on(place: Place) -> None:
    agent = start("import warnings; warnings.simplefilter('ignore', DeprecationWarning)" + FORKS, place)
    assert ended(agent) == "0 allowed"


@contextmanager
def serving(place: Place, folder: Path, *more: str) -> Iterator[tuple[str, str]]:
    """A server on the same folder; its address, and the first administrator's key."""
    key = folder / "admin.key"
    command = [
        sys.executable,
        "-m",
        "aaf",
        "serve",
        "--port",
        "0",
        "--data",
        str(place.data),
        "--root",
        str(place.root),
    ]
    command += ["--write-key", str(key), *more]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AAF_")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.startswith(READY):
                    yield line.removeprefix(READY).decode().strip(), key.read_text().strip()
                    break
            else:
                raise AssertionError("the server did not start")
        finally:
            process.terminate()
            process.wait(30)


@pytest.mark.requirement("R57")
def test_a_server_on_the_same_folder_answers_for_an_embedded_agent(place: Place, tmp_path: Path) -> None:
    with place.open() as firewall, serving(place, tmp_path) as (url, key), Client(url, key) as person:
        action = firewall.submit_action("files.write", {"path": "new.txt", "content": "hello"})
        held = person.get(f"/v1/approvals/{action.id}")
        answer = {"verdict": "approve", "digest": held["digest"], "view_digest": held["view_digest"]}
        person.post(f"/v1/approvals/{action.id}/reviews", answer)
        assert firewall.wait_for_approval(action).status is ActionStatus.APPROVED
        assert firewall.execute(action).status is ActionStatus.SUCCEEDED
        assert person.get("/v1/audit/verify")["ok"] is True


def test_a_server_that_keeps_its_configuration_is_not_overruled(place: Place, tmp_path: Path) -> None:
    place.open().close()
    other = tmp_path / "other"
    other.mkdir()
    for file in place.config.rglob("*"):
        target = other / file.relative_to(place.config)
        target.mkdir(exist_ok=True) if file.is_dir() else target.write_bytes(file.read_bytes() + b"# changed\n")
    with serving(place, tmp_path, "--config", str(other)):
        with pytest.raises(errors.Unavailable, match="Another configuration") as caught:
            place.open()
        assert "leave `config` out" in caught.value.hint
        Firewall.open(place.data, agent="bot", root=place.root).close()
    place.open().close()


def test_an_agent_that_an_administrator_shut_out_stays_out_everywhere(place: Place, tmp_path: Path) -> None:
    with place.open() as firewall, serving(place, tmp_path) as (url, key), Client(url, key) as person:
        action = firewall.submit_action("note.take", {"text": "x"})
        found = person.get("/v1/api-keys")["keys"]
        assert isinstance(found, list)
        (local,) = [one for one in found if isinstance(one, dict) and one["hint"] == "-"]
        person.post(f"/v1/api-keys/{local['id']}/revoke")
        with pytest.raises(errors.NotAuthenticated):
            firewall.submit_action("note.take", {"text": "x"})
        with pytest.raises(errors.NotAuthenticated):
            firewall.request_permit(action, audience="notes")
        with pytest.raises(errors.NotAuthenticated, match="shut out") as caught:
            place.open()
        assert "key=" in caught.value.hint
        made = person.post("/v1/api-keys", {"name": "bot", "kind": "agent"})
        with place.open(key=str(made["key"])) as again:
            assert again.agent_id == firewall.agent_id


def test_a_key_that_is_revoked_ends_a_reviewers_session(place: Place, reviewer: Reviewer) -> None:
    ada = reviewer.create_key("ada", roles=("approver",))
    with Firewall.reviewer(place.data, key=ada) as person:
        assert person.waiting() == []
        (key,) = [key.id for key, _ in reviewer._ask(list_keys) if key.name == "ada"]
        reviewer._ask(lambda core, caller: revoke_key(core, caller, key))
        with pytest.raises(errors.NotAuthenticated):
            person.waiting()
