"""Errors cross to other processes whole: one that can't leaves a pool of processes waiting for ever."""

import copy
import pickle
from collections.abc import Callable

import pytest

from aaf_client import errors
from aaf_client.errors import AgentFirewallError, refusal_of
from aaf_client.testing import ScriptedFirewall, deny, hold


def raised(call: Callable[[], object]) -> AgentFirewallError:
    with pytest.raises(AgentFirewallError) as found:
        call()
    return found.value


def every_kind() -> list[AgentFirewallError]:
    firewall = ScriptedFirewall({"a.deny": deny(faults={"$.x": "No."}), "a.reject": hold("reject", reason="Not now.")})
    held = ScriptedFirewall({"*": hold()})
    pending = refusal_of(held.submit_action("a.hold"))
    assert pending is not None
    return [
        raised(lambda: firewall.perform_action("a.deny")),
        raised(lambda: firewall.perform_action("a.reject")),
        pending,
        errors.OutcomeUnknown("Who knows?", action_id="a"),
        errors.OutcomeNotReported(action_id="a", lease="l", result=[1]),
        errors.Conflict("Too late.", code="too_late", status=409, path="$.x"),
        errors.RateLimited("Slow down.", retry_after=7.0),
        errors.Unavailable("Nobody there.", retry_after=3.0),
        errors.BadAnswer("Rubbish."),
        errors.PermitRefused("No."),
        errors.Misuse("No."),
    ]


def pickled(error: AgentFirewallError) -> AgentFirewallError:
    found: AgentFirewallError = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    return found


@pytest.mark.parametrize("index", range(11))
@pytest.mark.parametrize("again", [copy.copy, pickled])
def test_an_error_is_the_same_in_another_process(
    index: int, again: Callable[[AgentFirewallError], AgentFirewallError]
) -> None:
    error = every_kind()[index]
    error.add_note("noted")
    found = again(error)
    assert type(found) is type(error)
    assert (str(found), found.args, vars(found)) == (str(error), error.args, vars(error))
