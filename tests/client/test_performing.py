"""From submitting to the end of a run, over any gate: people have one time, and what goes back to them is waited for again."""

from collections.abc import Callable

import pytest

from aaf_client import Action, ActionStatus, Permit, clock
from aaf_client.awaiting import drive
from aaf_client.errors import AlreadyConsumed, ApprovalPending, ApprovalTimeout, OutcomeUnknown, Unavailable
from aaf_client.performing import ended
from aaf_client.testing import ScriptedFirewall, allow, hold


class Asking(ScriptedFirewall):
    """People take ten seconds for each answer, and what they approved goes back to them, as often as it is told."""

    def __init__(self, times: int, *, by_connector: bool, wait: Callable[[float], None]) -> None:
        super().__init__({"x.y": hold("approve", result="done" if by_connector else None)})
        self._left = times
        self._wait = wait
        self.waited: list[float] = []

    def wait_for_approval(self, action: Action | str, *, timeout: float = 300.0) -> Action:
        self.waited.append(timeout)
        self._wait(10)
        if timeout < 10:
            raise ApprovalTimeout(self.get_action(action))
        return super().wait_for_approval(action, timeout=timeout)

    def _once_more(self, action: Action) -> None:
        self._left -= 1
        if self._left >= 0:
            raise ApprovalPending(self._move(self._find(action), ActionStatus.PENDING_APPROVAL, "approval_required"))

    def execute(self, action: Action, *, timeout: float | None = None) -> Action:
        self._once_more(action)
        return super().execute(action, timeout=timeout)

    def request_permit(self, action: Action, *, audience: str) -> Permit:
        self._once_more(action)
        return super().request_permit(action, audience=audience)


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = [0.0]

    def later(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(clock, "now", lambda: now[0])
    return later


def perform(firewall: Asking) -> object:
    return firewall.perform_action("x.y", timeout=25).result


def call_guarded(firewall: Asking) -> object:
    @firewall.guard("x.y", timeout=25)
    def do() -> str:
        return "done"

    return do()


WAYS = pytest.mark.parametrize("way", [perform, call_guarded])


@WAYS
def test_what_goes_back_to_people_is_waited_for_again(
    wait: Callable[[float], None], way: Callable[[Asking], object]
) -> None:
    firewall = Asking(1, by_connector=way is perform, wait=wait)
    assert (way(firewall), firewall.waited, firewall.ran) == ("done", [25, 15], ["x.y"])


@WAYS
def test_people_have_one_time_however_often_they_are_asked(
    wait: Callable[[float], None], way: Callable[[Asking], object]
) -> None:
    firewall = Asking(9, by_connector=way is perform, wait=wait)
    with pytest.raises(ApprovalTimeout) as caught:
        way(firewall)
    assert (firewall.waited, firewall.ran, caught.value.code) == ([25, 15, 5], [], "approval_timeout")


class Answered(Asking):
    """Somebody has always approved by the time that the answer is looked at, however long that takes."""

    def wait_for_approval(self, action: Action | str, *, timeout: float = 300.0) -> Action:
        self._wait(10)
        return ScriptedFirewall.wait_for_approval(self, action, timeout=timeout)


@WAYS
def test_asking_people_again_ends_also_where_they_have_always_answered(
    wait: Callable[[float], None], way: Callable[[Asking], object]
) -> None:
    firewall = Answered(9, by_connector=way is perform, wait=wait)
    with pytest.raises(ApprovalTimeout):
        way(firewall)
    assert firewall.ran == []


class Overtaken(ScriptedFirewall):
    """Another program has used the action up by the time that we ask for the run; `ran_there` says whether it did run."""

    def __init__(self, *, ran_there: bool = True, readable: bool = True) -> None:
        super().__init__({"x.y": allow(result="done")})
        self._ran_there, self._readable = ran_there, readable

    def execute(self, action: Action, *, timeout: float | None = None) -> Action:
        if self._ran_there:
            super().execute(action, timeout=timeout)
        raise AlreadyConsumed("This was used before.", code="already_consumed", status=409)

    def submit_action(self, *args: object, run: object = False, **more: object) -> Action:
        return super().submit_action(*args, **more)  # type: ignore[arg-type]

    def get_action(self, action: Action | str) -> Action:
        if not self._readable:
            raise Unavailable("Gone.")
        return super().get_action(action)


def test_a_run_that_another_program_began_meanwhile_is_the_one_that_was_wanted() -> None:
    firewall = Overtaken()
    assert (firewall.perform_action("x.y").result, firewall.ran) == ("done", ["x.y"])


def test_an_action_that_was_used_up_without_a_run_is_told_as_that() -> None:
    with pytest.raises(AlreadyConsumed):
        Overtaken(ran_there=False).perform_action("x.y")


def test_a_run_of_another_program_that_can_not_be_seen_is_unknown() -> None:
    with pytest.raises(OutcomeUnknown):
        Overtaken(readable=False).perform_action("x.y")


def test_what_is_followed_to_no_end_is_unknown_and_not_done() -> None:
    firewall = ScriptedFirewall({"x.y": allow()})
    action = firewall.submit_action("x.y")
    firewall.consume_permit(firewall.request_permit(action, audience="here").jti, digest=action.digest)

    async def follow(_: Action) -> Action:
        return action

    with pytest.raises(OutcomeUnknown) as caught:
        drive(ended(firewall.get_action(action), follow))
    assert caught.value.action_id == action.id
