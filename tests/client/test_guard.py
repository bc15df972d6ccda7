"""A guarded call: bound to the signature first, judged whole, run with what was judged."""

import asyncio
import inspect
import typing
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Optional
from uuid import UUID

import pytest

from aaf_client import Action, ActionStatus, Consumed
from aaf_client.codecs import Codec
from aaf_client.errors import (
    ActionDenied,
    ActionFailed,
    ActionRejected,
    AgentFirewallError,
    AlreadyConsumed,
    ApprovalPending,
    ApprovalTimeout,
    BadAnswer,
    Conflict,
    Misuse,
    OutcomeNotReported,
    OutcomeUnknown,
    RequestRefused,
    Unavailable,
)
from aaf_client.models import Json
from aaf_client.testing import AsyncScriptedFirewall, ScriptedFirewall, allow, deny, hold


@pytest.fixture
def firewall() -> ScriptedFirewall:
    return ScriptedFirewall({"*": allow()})


def judged(firewall: ScriptedFirewall) -> Any:
    return firewall.asked[-1].params


# --- binding ----------------------------------------------------------------------------------------------------------

CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "by position": (("bob", "hi", 2), {}),
    "by name": ((), {"to": "bob", "body": "hi", "copies": 2}),
    "both": (("bob",), {"copies": 2, "body": "hi"}),
}


@pytest.mark.parametrize("name", CALLS)
def test_every_argument_is_judged_however_it_is_given(firewall: ScriptedFirewall, name: str) -> None:
    args, kwargs = CALLS[name]

    @firewall.guard("mail.send")
    def send(to: str, body: str = "", copies: int = 1, *, urgent: bool = False) -> list[Any]:
        return [to, body, copies, urgent]

    assert send(*args, **kwargs) == ["bob", "hi", 2, False]
    assert judged(firewall) == {"to": "bob", "body": "hi", "copies": 2, "urgent": False}


def test_stars_are_judged_under_their_names(firewall: ScriptedFirewall) -> None:
    @firewall.guard("x.y")
    def do(first: str, /, *rest: int, flag: bool = True, **more: str) -> tuple[Any, ...]:
        return first, rest, flag, more

    assert do("a", 1, 2, flag=False, first="b", z="c") == ("a", (1, 2), False, {"first": "b", "z": "c"})
    assert judged(firewall) == {"first": "a", "rest": [1, 2], "flag": False, "more": {"first": "b", "z": "c"}}
    assert do("a") == ("a", (), True, {})
    assert judged(firewall) == {"first": "a", "rest": [], "flag": True, "more": {}}


def test_a_call_that_does_not_fit_is_the_error_that_it_would_be_unguarded(firewall: ScriptedFirewall) -> None:
    @firewall.guard("x.y")
    def do(a: str) -> None:
        """Nothing."""

    with pytest.raises(TypeError, match="missing a required argument"):
        do()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword"):
        do("a", b=1)  # type: ignore[call-arg]
    assert firewall.asked == []


def test_methods_are_judged_without_their_object(firewall: ScriptedFirewall) -> None:
    class Mailer:
        sender = "me"

        @firewall.guard("mail.send")
        def send(self, to: str) -> str:
            return f"{self.sender} to {to}"

        @classmethod
        @firewall.guard("mail.class")
        def of_class(cls, to: str) -> str:
            return f"{cls.__name__} to {to}"

        @firewall.guard("mail.class")
        @classmethod
        def over_class(cls, to: str) -> str:
            return f"{cls.__name__} to {to}"

        @staticmethod
        @firewall.guard("mail.static")
        def of_nobody(to: str) -> str:
            return to

        @firewall.guard("mail.static")
        @staticmethod
        def over_nobody(to: str) -> str:
            return to

    mailer = Mailer()
    assert mailer.send("bob") == mailer.send(to="bob") == Mailer.send(mailer, "bob") == "me to bob"
    assert Mailer.of_class("bob") == mailer.over_class("bob") == "Mailer to bob"
    assert Mailer.of_nobody("bob") == mailer.over_nobody("bob") == "bob"
    assert all(asked.params == {"to": "bob"} for asked in firewall.asked)
    bound = firewall.guard("x.y")(Unguarded().send)
    assert bound("bob") == "bob"
    assert judged(firewall) == {"to": "bob"}
    with pytest.raises(TypeError, match="without its object"):
        Mailer.send()  # type: ignore[call-arg]


class Unguarded:
    def send(self, to: str) -> str:
        return to


def test_a_plain_function_whose_first_parameter_is_called_self_hides_nothing(firewall: ScriptedFirewall) -> None:
    @firewall.guard("x.y")
    def do(self: str) -> str:
        return self

    assert do("secret") == "secret"
    assert judged(firewall) == {"self": "secret"}


def test_the_function_gets_what_was_judged_and_not_what_the_call_came_with() -> None:
    given: dict[str, Any] = {"to": ["bob"]}
    kept: list[Any] = []

    class Turncoat(ScriptedFirewall):
        def wait_for_approval(self, action: Action | str, *, timeout: float = 0) -> Action:
            given["to"].append("mallory")
            return super().wait_for_approval(action, timeout=timeout)

    firewall = Turncoat({"x.y": hold("approve")})

    @firewall.guard("x.y")
    def do(to: dict[str, Any]) -> None:
        kept.append(to)

    do(given)
    assert kept == [{"to": ["bob"]}]
    assert given == {"to": ["bob", "mallory"]}


def test_what_a_schema_fills_in_reaches_the_function(firewall: ScriptedFirewall) -> None:
    class Filling(ScriptedFirewall):
        def consume_permit(self, jti: str, *, digest: str) -> Consumed:
            consumed = super().consume_permit(jti, digest=digest)
            return Consumed(action=consumed.action, lease=consumed.lease, params={"to": "from the schema"})

    filling = Filling({"*": allow()})

    @filling.guard("x.y")
    def do(to: str = "from the function") -> str:
        return to

    assert do() == "from the schema"


@pytest.mark.parametrize("params", [{}, {"to": "bob", "bcc": "eve"}, {"bcc": "eve"}, {"to": 1}])
def test_what_does_not_fit_the_function_is_not_run(params: dict[str, Json]) -> None:
    class Other(ScriptedFirewall):
        def consume_permit(self, jti: str, *, digest: str) -> Consumed:
            consumed = super().consume_permit(jti, digest=digest)
            return Consumed(action=consumed.action, lease=consumed.lease, params=params)

    other = Other({"*": allow()})
    ran: list[str] = []

    @other.guard("x.y")
    def do(to: str) -> None:
        ran.append(to)

    with pytest.raises(Misuse):
        do("bob")
    assert ran == []
    assert other.actions[0].status is ActionStatus.FAILED


# --- codecs -----------------------------------------------------------------------------------------------------------


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Money:
    amount: str


Paid = Annotated[Money, Codec(lambda money: str(money.amount), Money)]

VALUES: list[tuple[Any, Any, Json]] = [
    (str, "a", "a"),
    (int, -5, -5),
    (float, 1.5, 1.5),
    (float, 2, 2),
    (bool, True, True),
    (None, None, None),
    (list, [1, "a", None], [1, "a", None]),
    (dict, {"a": {"b": []}}, {"a": {"b": []}}),
    (list[int], [1, 2], [1, 2]),
    (dict[str, list[float]], {"a": [0.5]}, {"a": [0.5]}),
    (tuple[int, ...], (1, 2), [1, 2]),
    (str | None, None, None),
    (Optional[int], 3, 3),  # noqa: UP045 - the older spelling is a type of its own
    (int | str, "3", "3"),
    (Literal["a", 1], 1, 1),
    (Colour, Colour.BLUE, "blue"),
    (Decimal, Decimal("100.10"), "100.10"),
    (date, date(2026, 1, 31), "2026-01-31"),
    (datetime, datetime.fromisoformat("2026-01-31T12:00:00+00:00"), "2026-01-31T12:00:00+00:00"),
    (UUID, UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (Path, Path("a/b"), "a/b"),
    (Any, {"a": [1]}, {"a": [1]}),
    (Json, [None], [None]),
    (Annotated[str, "a note"], "a", "a"),
    (Paid, Money("5.00"), "5.00"),
]


def taking(annotation: Any) -> Callable[..., Any]:
    def take(value: Any) -> Any:
        return value

    take.__annotations__["value"] = annotation
    return take


@pytest.mark.parametrize(("annotation", "value", "sent"), VALUES, ids=range(len(VALUES)))
def test_a_declared_type_comes_back_as_it_went(
    firewall: ScriptedFirewall, annotation: Any, value: Any, sent: Json
) -> None:
    back = firewall.guard("x.y")(taking(annotation))(value)
    assert (back, type(back)) == (value, float if annotation is float else type(value))
    assert judged(firewall) == {"value": sent}


UNFIT: list[tuple[Any, Any]] = [
    (str, 1),
    (str, "\ud800"),
    (int, True),
    (int, 1.0),
    (int, 2**53),
    (float, float("nan")),
    (float, float("inf")),
    (float, "1"),
    (bool, 1),
    (None, 0),
    (list, (1,)),
    (list[int], ["1"]),
    (dict, [("a", 1)]),
    (dict[str, int], {1: 1}),
    (tuple[int, ...], [1]),
    (str | None, 1),
    (date | str, "2026-01-31"),
    (str | date, date.fromisoformat("2026-01-31")),
    (Path | str, "a//b/./c"),
    (Decimal | str, "1e5"),
    (list[str] | tuple[str, ...], ("a",)),
    (Literal["a", 1], True),
    (Colour, "blue"),
    (Decimal, "1"),
    (Decimal, Decimal("NaN")),
    (date, datetime.fromisoformat("2026-01-31T12:00:00")),
    (Path, "a"),
    (Any, object()),
    (Any, {1: 2}),
    (Any, (1,)),
]


@pytest.mark.parametrize(("annotation", "value"), UNFIT, ids=range(len(UNFIT)))
def test_a_value_that_is_not_of_its_type_is_refused_before_anybody_is_asked(
    firewall: ScriptedFirewall, annotation: Any, value: Any
) -> None:
    with pytest.raises(Misuse, match="value"):
        firewall.guard("x.y")(taking(annotation))(value)
    assert firewall.asked == []


def test_a_value_that_is_too_deep_is_refused(firewall: ScriptedFirewall) -> None:
    deep: Any = []
    for _ in range(40):
        deep = [deep]
    with pytest.raises(Misuse):
        firewall.guard("x.y")(taking(list))(deep)


@pytest.mark.parametrize(
    "annotation", [object, set[int], bytes, Callable[[], None], dict[int, str], tuple[int, str], Money, type, "Nowhere"]
)
def test_a_type_without_a_codec_is_refused_at_decoration(firewall: ScriptedFirewall, annotation: Any) -> None:
    with pytest.raises(Misuse):
        firewall.guard("x.y")(taking(annotation))


def test_a_parameter_without_a_type_is_refused_at_decoration(firewall: ScriptedFirewall) -> None:
    def do(a, b: int = 1):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - that is what is refused
        """Nothing."""

    with pytest.raises(Misuse, match="a of do declares no type"):
        firewall.guard("x.y")(do)


def test_a_default_that_no_call_could_send_is_refused_at_decoration(firewall: ScriptedFirewall) -> None:
    def do(a: int = 2**60) -> None:
        """Nothing."""

    with pytest.raises(Misuse):
        firewall.guard("x.y")(do)


def test_a_string_that_is_more_than_a_string_arrives_as_one(firewall: ScriptedFirewall) -> None:
    class Sly(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "harmless"

    back = firewall.guard("x.y")(taking(str))(Sly("harmful"))
    assert (back, type(back)) == ("harmful", str)
    assert judged(firewall) == {"value": "harmful"}


# --- what can't be guarded --------------------------------------------------------------------------------------------


def generator() -> Iterator[int]:
    yield 1


async def async_generator() -> AsyncIterator[int]:
    yield 1


async def async_function() -> None:
    """Nothing."""


class Acting:
    def __call__(self) -> None:
        """Nothing."""


@pytest.mark.parametrize("function", [generator, async_generator, async_function, print, Acting(), int, len])
def test_what_cannot_be_guarded_is_refused_at_decoration(firewall: ScriptedFirewall, function: Any) -> None:
    with pytest.raises(Misuse):
        firewall.guard("x.y")(function)


@pytest.mark.parametrize("function", [generator, async_generator, Unguarded().send])
def test_an_async_gate_refuses_what_is_not_async(function: Any) -> None:
    with pytest.raises(Misuse):
        AsyncScriptedFirewall().guard("x.y")(function)


def test_a_function_that_hides_its_signature_is_refused(firewall: ScriptedFirewall) -> None:
    guarded = firewall.guard("x.y")(taking(str))
    with pytest.raises(Misuse, match="hides its signature"):
        firewall.guard("x.y")(guarded)


@pytest.mark.parametrize("later", [generator, async_generator, async_function])
def test_a_result_that_runs_later_is_no_run(firewall: ScriptedFirewall, later: Callable[[], Any]) -> None:
    @firewall.guard("x.y")
    def do() -> Any:
        return later()

    with pytest.raises(Misuse, match="runs later"):
        do()
    assert firewall.actions[0].status is ActionStatus.FAILED


def test_a_guarded_function_looks_like_itself_and_hides_no_way_round(firewall: ScriptedFirewall) -> None:
    def send(to: str, copies: int = 1) -> str:
        """Send it."""
        return to * copies

    guarded = firewall.guard("mail.send")(send)
    assert (guarded.__name__, guarded.__doc__) == ("send", "Send it.")
    assert inspect.signature(guarded) == inspect.signature(send)
    assert typing.get_type_hints(guarded) == typing.get_type_hints(send)
    assert inspect.unwrap(guarded) is guarded
    assert not inspect.iscoroutinefunction(guarded)


# --- the answers ------------------------------------------------------------------------------------------------------


def counting(firewall: ScriptedFirewall) -> tuple[Callable[[], str], list[str]]:
    ran: list[str] = []

    @firewall.guard("x.y")
    def do() -> str:
        ran.append("ran")
        return "done"

    return do, ran


def test_a_hold_that_people_approve_runs_once() -> None:
    firewall = ScriptedFirewall({"x.y": hold("approve")})
    do, ran = counting(firewall)
    assert do() == "done"
    assert (ran, firewall.ran) == (["ran"], ["x.y"])
    assert firewall.actions[0].status is ActionStatus.SUCCEEDED
    assert firewall.actions[0].result == "done"


@pytest.mark.parametrize(
    ("verdict", "kind"),
    [(deny(), ActionDenied), (hold("reject"), ActionRejected), (hold(), ApprovalTimeout)],
)
def test_a_no_runs_nothing(verdict: Any, kind: type[Exception]) -> None:
    firewall = ScriptedFirewall({"x.y": verdict})
    do, ran = counting(firewall)
    with pytest.raises(kind):
        do()
    assert (ran, firewall.ran) == ([], [])


@pytest.mark.parametrize("verdict", [allow(result=1), hold(result=1)])
def test_what_a_connector_runs_is_not_run_by_a_function_and_bothers_nobody(verdict: Any) -> None:
    firewall = ScriptedFirewall({"x.y": verdict})
    do, ran = counting(firewall)
    with pytest.raises(Misuse) as caught:
        do()
    assert (ran, caught.value.code) == ([], "wrong_effect")
    assert firewall.actions[0].status is ActionStatus.CANCELLED


def test_a_result_that_json_cannot_hold_or_that_is_too_long_is_reported_as_nothing(firewall: ScriptedFirewall) -> None:
    for result in (object(), {1, 2}, "a" * 600_000):
        returned = giving(firewall, result)()
        assert returned is result
        assert (firewall.actions[-1].status, firewall.actions[-1].result) == (ActionStatus.SUCCEEDED, None)


def giving(firewall: ScriptedFirewall, result: Any) -> Callable[[], Any]:
    @firewall.guard("x.y")
    def give() -> Any:
        return result

    return give


class Faulty(ScriptedFirewall):
    """Fails once, or always, in one of its calls."""

    failing: typing.ClassVar[dict[str, list[AgentFirewallError]]] = {}

    def _fail(self, name: str) -> None:
        errors = self.failing.get(name)
        if errors:
            raise errors.pop(0)

    def request_permit(self, action: Action, *, audience: str) -> Any:
        self._fail("permit")
        return super().request_permit(action, audience=audience)

    def consume_permit(self, jti: str, *, digest: str) -> Consumed:
        self._fail("consume")
        consumed = super().consume_permit(jti, digest=digest)
        self._fail("consumed")
        return consumed

    def report_outcome(self, action: Action | str, *, lease: str, succeeded: bool, result: Json = None) -> Action:
        self._fail("report")
        return super().report_outcome(action, lease=lease, succeeded=succeeded, result=result)

    def cancel_action(self, action: Action | str) -> Action:
        self._fail("cancel")
        return super().cancel_action(action)


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Faulty:
    monkeypatch.setattr(Faulty, "failing", {})
    return Faulty({"*": allow()})


def lost() -> OutcomeUnknown:
    return OutcomeUnknown("Lost.", action_id="")


def test_a_lost_consume_is_followed_by_a_new_permit(faulty: Faulty) -> None:
    do, ran = counting(faulty)
    faulty.failing["consume"] = [lost(), lost()]
    assert do() == "done"
    assert ran == ["ran"]


def test_a_permit_that_was_used_up_unseen_runs_nothing_and_closes_the_action(faulty: Faulty) -> None:
    do, ran = counting(faulty)
    faulty.failing["consumed"] = [lost()]
    with pytest.raises(Unavailable) as caught:
        do()
    assert (ran, caught.value.code) == ([], "permit_lost")
    assert faulty.actions[0].status is ActionStatus.FAILED


def test_permits_that_are_lost_again_and_again_are_given_up(faulty: Faulty) -> None:
    do, ran = counting(faulty)
    faulty.failing["consume"] = [lost() for _ in range(9)]
    with pytest.raises(Unavailable):
        do()
    assert (ran, len(faulty.failing["consume"])) == ([], 6)


@pytest.mark.parametrize("error", [Conflict("No."), AlreadyConsumed("No."), Unavailable("No.")])
def test_a_permit_that_is_refused_runs_nothing(faulty: Faulty, error: AgentFirewallError) -> None:
    do, ran = counting(faulty)
    faulty.failing["permit"] = [error]
    with pytest.raises(type(error)):
        do()
    assert ran == []


def test_an_action_that_goes_back_to_people_is_waited_for_again(faulty: Faulty) -> None:
    do, ran = counting(faulty)
    held = faulty.submit_action("x.y", {})
    faulty.failing["permit"] = [ApprovalPending(held)]
    assert do() == "done"
    assert ran == ["ran"]


def test_an_answer_about_another_action_runs_nothing(faulty: Faulty) -> None:
    other = faulty.submit_action("x.y", {"other": True})

    class Mixed(Faulty):
        def consume_permit(self, jti: str, *, digest: str) -> Consumed:
            consumed = super().consume_permit(jti, digest=digest)
            return Consumed(action=other, lease=consumed.lease, params=consumed.params)

    do, ran = counting(Mixed({"*": allow()}))
    with pytest.raises(BadAnswer):
        do()
    assert ran == []


def test_a_report_that_is_refused_for_its_result_is_made_without(faulty: Faulty) -> None:
    do, _ = counting(faulty)
    faulty.failing["report"] = [RequestRefused("Too large.", status=413)]
    assert do() == "done"
    assert (faulty.actions[0].status, faulty.actions[0].result) == (ActionStatus.SUCCEEDED, None)


@pytest.mark.parametrize("errors", [[Unavailable("No.")], [RequestRefused("No."), RequestRefused("No.")]])
def test_a_run_that_cannot_be_reported_says_so_with_its_result(
    faulty: Faulty, errors: list[AgentFirewallError]
) -> None:
    do, ran = counting(faulty)
    faulty.failing["report"] = errors
    with pytest.raises(OutcomeNotReported) as caught:
        do()
    assert (ran, caught.value.result, caught.value.code) == (["ran"], "done", "outcome_not_reported")


def test_a_failure_that_cannot_be_reported_is_raised_with_a_note(faulty: Faulty) -> None:
    @faulty.guard("x.y")
    def do() -> None:
        raise ValueError("mine")

    faulty.failing["report"] = [Unavailable("No.")]
    with pytest.raises(ValueError, match="mine") as caught:
        do()
    assert caught.value.__notes__ == ["The firewall could not be told that this run failed."]


def test_a_result_that_the_catalogue_does_not_declare_is_not_handed_out(faulty: Faulty) -> None:
    class Withholding(ScriptedFirewall):
        def report_outcome(self, action: Action | str, *, lease: str, succeeded: bool, result: Json = None) -> Action:
            return super().report_outcome(action, lease=lease, succeeded=False)

    do, ran = counting(Withholding({"*": allow()}))
    with pytest.raises(ActionFailed):
        do()
    assert ran == ["ran"]


def test_what_cannot_be_taken_back_lapses_by_itself(faulty: Faulty) -> None:
    gate = Faulty({"*": allow(result=1)})
    do, ran = counting(gate)
    gate.failing["cancel"] = [Unavailable("No.")]
    with pytest.raises(Misuse):
        do()
    assert ran == []


def test_an_interrupt_is_not_reported_because_nobody_knows_the_end(firewall: ScriptedFirewall) -> None:
    @firewall.guard("x.y")
    def do() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        do()
    assert firewall.actions[0].status is ActionStatus.EXECUTING


def test_an_async_function_is_guarded_by_an_async_gate() -> None:
    firewall = AsyncScriptedFirewall({"x.y": hold("approve"), "x.bad": allow()})

    @firewall.guard("x.y")
    async def do(to: str, times: int = 2) -> str:
        await asyncio.sleep(0)
        return to * times

    @firewall.guard("x.bad")
    async def fail() -> None:
        raise ValueError("mine")

    assert inspect.iscoroutinefunction(do)
    assert asyncio.run(do("a")) == "aa"
    assert firewall.scripted.asked[0].params == {"to": "a", "times": 2}
    with pytest.raises(ValueError, match="mine"):
        asyncio.run(fail())  # type: ignore[arg-type]
    assert [action.status for action in firewall.scripted.actions] == [ActionStatus.SUCCEEDED, ActionStatus.FAILED]


def test_a_cancelled_task_is_not_reported_because_nobody_knows_the_end() -> None:
    firewall = AsyncScriptedFirewall({"x.y": allow()})

    @firewall.guard("x.y")
    async def do() -> None:
        raise asyncio.CancelledError

    async def work() -> None:
        with pytest.raises(asyncio.CancelledError):
            await do()

    asyncio.run(work())
    assert firewall.scripted.actions[0].status is ActionStatus.EXECUTING


# --- what looks like an object and isn't ------------------------------------------------------------------------------


def test_a_value_in_the_place_of_a_methods_object_is_never_left_unjudged(firewall: ScriptedFirewall) -> None:
    ran = []

    class Files:
        @staticmethod
        @firewall.guard("files.delete")
        def delete(self: str, force: bool = False) -> None:  # noqa: PLW0211 - what is tried here
            ran.append(self)

        @firewall.guard("files.list")
        def listed(self, path: str) -> str:
            return path

    class Meta(type):
        @firewall.guard("files.make")
        def make(cls, path: str) -> str:
            return f"{cls.__name__} {path}"

    class Beneath(Files, metaclass=Meta):
        pass

    with pytest.raises(Misuse, match="would not be judged"):
        Files.delete("/etc/passwd")
    with pytest.raises(Misuse, match="would not be judged"):
        Files.listed("/etc/passwd", "a")  # type: ignore[arg-type]
    assert (ran, firewall.asked) == ([], [])
    assert Beneath().listed("a") == "a"
    assert Beneath.make("a") == "Beneath a"


def test_a_number_that_is_none_is_misuse_however_it_is_written(firewall: ScriptedFirewall) -> None:
    @firewall.guard("x.pay")
    def pay(amount: Decimal) -> None:
        """Nothing."""

    for text in ("NaN", "sNaN"):
        with pytest.raises(Misuse, match="amount"):
            pay(Decimal(text))
    assert firewall.asked == []
