"""Nothing runs twice and nothing hangs, wherever a connection to a real server is cut."""

from collections.abc import Callable, Iterator

import pytest

from aaf_client import ActionStatus, AgentFirewallClient
from aaf_client.errors import AgentFirewallError, OutcomeNotReported, OutcomeUnknown, Unavailable
from aaf_client.testing import ScriptedServer
from aaf_client.testing.weather import Step, close, forward, problem, reset
from tests.client.conftest import Server

REQUESTS = range(0, 400, 23)
ANSWERS = range(1, 1400, 61)


def cuts(port: int) -> Iterator[Step]:
    """Every kind of break: before, within and after the request, within the answer."""
    yield close
    yield reset
    yield problem(503, "store_busy", headers={"Retry-After": "1"})
    for at in REQUESTS:
        yield forward(port, request=at)
    for at in ANSWERS:
        yield forward(port, answer=at)


def through(server: Server, storm: ScriptedServer) -> AgentFirewallClient:
    return AgentFirewallClient(server.world.key("agent"), base_url=storm.base_url, timeout=20, run_timeout=20)


@pytest.mark.requirement("R57")
def test_a_submission_whose_connection_is_cut_anywhere_is_one_action(
    server: Server, hasty: Callable[[], float]
) -> None:
    forwarded = forward(server.port)
    count = 0
    with ScriptedServer(forwarded) as storm, through(server, storm) as client:
        for cut in cuts(server.port):
            server.world.clock.advance(60)
            storm.script = [cut, forwarded]
            action = client.submit_action("note.take", {"text": f"{count}"})
            count += 1
            assert action.status is ActionStatus.ALLOWED
    assert len(server.events("action.allowed")) == count


@pytest.mark.requirement("R57")
def test_an_execution_whose_connection_is_cut_anywhere_runs_once(server: Server, hasty: Callable[[], float]) -> None:
    forwarded = forward(server.port)
    (server.world.root / "a.txt").write_text("hello")
    count = 0
    with ScriptedServer(forwarded) as storm, through(server, storm) as client:
        for cut in cuts(server.port):
            server.world.clock.advance(60)
            storm.script = [forwarded, cut, forwarded]
            action = client.submit_action("files.read", {"path": "a.txt"})
            ran = client.execute(action)
            count += 1
            assert ran.status is ActionStatus.SUCCEEDED
            assert isinstance(ran.result, dict)
    assert len(server.events("action.executing")) == len(server.events("action.succeeded")) == count


@pytest.mark.requirement("R57")
@pytest.mark.parametrize("step", range(4), ids=["submit", "permit", "consume", "report"])
def test_a_guarded_function_whose_connection_is_cut_anywhere_runs_at_most_once(
    server: Server, hasty: Callable[[], float], step: int
) -> None:
    forwarded = forward(server.port)
    took: list[str] = []
    with ScriptedServer(forwarded) as storm, through(server, storm) as client:

        @client.guard("note.take")
        def take(text: str) -> str:
            took.append(text)
            return text

        for number, cut in enumerate(cuts(server.port)):
            server.world.clock.advance(60)
            storm.script = [*[forwarded] * step, cut, forwarded]
            took.clear()
            assert ended(take, f"{number}") == ("" if took else "permit_lost")
            assert took in ([], [f"{number}"])
    closed = len(server.events("action.succeeded")) + len(server.events("action.failed"))
    assert len(server.events("action.executing")) == closed


def ended(take: Callable[[str], str], text: str) -> str:
    """The code of the error that a call ended with, if it did."""
    try:
        take(text)
    except Unavailable as failure:
        return failure.code
    return ""


@pytest.mark.requirement("R57")
def test_a_function_whose_report_never_arrives_has_run_once_and_says_so(
    server: Server, hasty: Callable[[], float]
) -> None:
    forwarded = forward(server.port)
    took: list[str] = []
    with ScriptedServer(forwarded) as storm, through(server, storm) as client:

        @client.guard("note.take")
        def take(text: str) -> str:
            took.append(text)
            return text.upper()

        storm.script = [forwarded, forwarded, forwarded, reset]
        with pytest.raises(OutcomeNotReported) as caught:
            take("a")
        assert (took, caught.value.result) == (["a"], "A")
        storm.script = [forwarded]
        closed = client.report_outcome(caught.value.action_id, lease=caught.value.lease, succeeded=True)
        assert closed.status is ActionStatus.SUCCEEDED


@pytest.mark.requirement("R57")
def test_an_execution_that_nobody_can_be_asked_about_is_unknown(server: Server, hasty: Callable[[], float]) -> None:
    forwarded = forward(server.port)
    (server.world.root / "a.txt").write_text("hello")
    with ScriptedServer(forwarded) as storm, through(server, storm) as client:
        action = client.submit_action("files.read", {"path": "a.txt"})
        storm.script = [forward(server.port, answer=5), reset]
        with pytest.raises(OutcomeUnknown) as caught:
            client.execute(action)
        assert caught.value.action_id == action.id
        storm.script = [forwarded]
        assert client.get_action(action).status is ActionStatus.SUCCEEDED


@pytest.mark.requirement("R57")
def test_a_submission_that_never_arrives_can_be_continued_under_its_key(
    server: Server, hasty: Callable[[], float]
) -> None:
    forwarded = forward(server.port)
    with ScriptedServer(forward(server.port, answer=3)) as storm, through(server, storm) as client:
        with pytest.raises(Unavailable) as caught:
            client.submit_action("note.take", {"text": "x"})
        storm.script = [forwarded]
        action = client.submit_action("note.take", {"text": "x"}, idempotency_key=caught.value.idempotency_key)
        assert client.get_action(action.id) == action
    assert len(server.events("action.allowed")) == 1


def test_a_permit_whose_answer_was_lost_is_never_consumed_again(server: Server, hasty: Callable[[], float]) -> None:
    forwarded = forward(server.port)
    with ScriptedServer(forwarded) as storm, through(server, storm) as client:
        action = client.submit_action("note.take", {"text": "x"})
        permit = client.request_permit(action, audience="here")
        storm.script = [forward(server.port, answer=9), forwarded]
        before = len(storm.received)
        with pytest.raises(OutcomeUnknown):
            client.consume_permit(permit.jti, digest=action.digest)
        assert len(storm.received) == before + 1
        with pytest.raises(AgentFirewallError, match="used before"):
            client.consume_permit(permit.jti, digest=action.digest)
