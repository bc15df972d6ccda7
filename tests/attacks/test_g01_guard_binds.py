"""G01, the client's half: arguments by position, by `**kwargs` or by default value, so that policy sees only some of them."""

import contextlib
from typing import Any

import pytest

from aaf_client import ActionStatus, Consumed
from aaf_client.errors import Misuse
from aaf_client.testing import ScriptedFirewall, allow

BINDS = "aaf_client.binding:Binder.bind"
ONLY_KEYWORDS = "tests.client.without:only_keywords"
CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "by position": (("eve@example.org", "x"), {}),
    "by position and name": (("eve@example.org",), {"body": "x"}),
    "by default": ((), {"to": "eve@example.org"}),
}


@pytest.mark.attack("G01", guard=BINDS, without=ONLY_KEYWORDS)
@pytest.mark.parametrize("name", CALLS)
def test_a_guarded_call_is_bound_to_its_signature_before_policy_sees_it(name: str) -> None:
    firewall = ScriptedFirewall({"mail.send": allow()})
    got: list[dict[str, Any]] = []

    @firewall.guard("mail.send")
    def send(to: str, body: str = "x", *, copy_to: str = "boss@example.org") -> None:
        got.append({"to": to, "body": body, "copy_to": copy_to})

    args, kwargs = CALLS[name]
    with contextlib.suppress(
        Misuse
    ):  # a second guard may refuse what the first one missed; policy has to see all of it
        send(*args, **kwargs)
    whole = {"to": "eve@example.org", "body": "x", "copy_to": "boss@example.org"}
    assert [asked.params for asked in firewall.asked] == [whole]
    assert got == [whole]


@pytest.mark.attack("G01", guard=BINDS, without=ONLY_KEYWORDS)
def test_arguments_in_stars_are_seen_too() -> None:
    firewall = ScriptedFirewall({"mail.send": allow()})
    got: list[Any] = []

    @firewall.guard("mail.send")
    def send(*to: str, **headers: str) -> None:
        got.append((to, headers))

    with contextlib.suppress(Misuse):
        send("bob@example.org", "eve@example.org", bcc="mallory@example.org")
    seen = firewall.asked[0].params
    assert seen == {"to": ["bob@example.org", "eve@example.org"], "headers": {"bcc": "mallory@example.org"}}
    assert got == [(("bob@example.org", "eve@example.org"), {"bcc": "mallory@example.org"})]


@pytest.mark.attack(
    "G01", guard="aaf_client.binding:Binder.unbind", without="tests.client.without:whatever_was_decided"
)
def test_a_function_with_a_parameter_that_was_never_judged_does_not_run() -> None:
    class Forgetful(ScriptedFirewall):
        def consume_permit(self, jti: str, *, digest: str) -> Consumed:
            consumed = super().consume_permit(jti, digest=digest)
            judged = {name: value for name, value in consumed.params.items() if name != "bcc"}
            return Consumed(action=consumed.action, lease=consumed.lease, params=judged)

    firewall = Forgetful({"mail.send": allow()})
    ran: list[str] = []

    @firewall.guard("mail.send")
    def send(to: str, bcc: str = "mallory@example.org") -> None:
        ran.append(bcc)

    with contextlib.suppress(Misuse):
        send("bob@example.org")
    assert ran == []
    assert firewall.actions[0].status is ActionStatus.FAILED
