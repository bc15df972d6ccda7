"""What can go wrong, as a tree. Catch a branch; read `code` for the leaf, `hint` for what may be done next.

    AgentFirewallError
    ├── ActionRefused                 an action exists, and it is not to run (.action)
    │   ├── ActionDenied              policy's no
    │   ├── ActionRejected            a person's no (.rejection)
    │   └── ActionClosed              nobody answered or used it in time, or it was taken back
    ├── ApprovalPending               a person has still to answer (.action)
    │   └── ApprovalTimeout           and this call has waited as long as it may
    ├── ActionFailed                  it was run, and it failed (.action)
    ├── OutcomeUnknown                it may have run; never repeat it blindly (.action_id)
    ├── OutcomeNotReported            it ran, and the firewall could not be told (.result, .lease)
    ├── RequestRefused                a request did nothing (.status)
    │   ├── NotAuthenticated          401
    │   ├── NotPermitted              403
    │   ├── NotFound                  404
    │   ├── Conflict                  409
    │   │   ├── AlreadyConsumed
    │   │   └── DigestMismatch
    │   └── RateLimited               429 (.retry_after)
    ├── Unavailable                   no firewall to ask, so nothing may run (.retry_after)
    ├── BadAnswer                     what came back is no answer of a firewall
    ├── PermitRefused                 a permit that was checked offline is not good
    └── Misuse                        the program asks in a way that can't be right

No error holds a credential, a parameter or a header.
"""

from collections.abc import Mapping

from aaf_client._root import AgentFirewallError, BadAnswer
from aaf_client.models import Action, ActionStatus

__all__ = [
    "ActionClosed",
    "ActionDenied",
    "ActionFailed",
    "ActionRefused",
    "ActionRejected",
    "AgentFirewallError",
    "AlreadyConsumed",
    "ApprovalPending",
    "ApprovalTimeout",
    "BadAnswer",
    "Conflict",
    "DigestMismatch",
    "Misuse",
    "NotAuthenticated",
    "NotFound",
    "NotPermitted",
    "OutcomeNotReported",
    "OutcomeUnknown",
    "PermitRefused",
    "RateLimited",
    "RequestRefused",
    "Unavailable",
    "refusal_of",
]


_GO_ON = "It goes on waiting until its deadline: call `wait_for_approval` with this action."


class _AboutAction(AgentFirewallError):
    """An error that says what an action's own answer says."""

    def __init__(self, action: Action, message: str = "", *, code: str = "", hint: str = "") -> None:
        super().__init__(
            message or action.message or f"The action is {action.status}.",
            code=code or action.code,
            hint=hint or action.next,
        )
        self.action = action


class ActionRefused(_AboutAction):
    """The action is not to run."""


class ActionDenied(ActionRefused):
    """Policy's no."""

    @property
    def faults(self) -> Mapping[str, str]:
        """What is wrong with the parameters, by JSON path."""
        return {fault.path: fault.message for fault in self.action.faults}


class ActionRejected(ActionRefused):
    """A person's no."""

    @property
    def rejection(self) -> str:
        """The reason that the person gave."""
        return self.action.rejection or ""


class ActionClosed(ActionRefused):
    """Nobody answered or used it in time, or its requester took it back."""


class ApprovalPending(_AboutAction):
    """A person has still to answer."""

    def __init__(self, action: Action, message: str = "", *, code: str = "", hint: str = "") -> None:
        waits = action.status is ActionStatus.PENDING_APPROVAL
        super().__init__(action, message, code=code, hint=hint or (_GO_ON if waits else ""))


class ApprovalTimeout(ApprovalPending):
    """A person has still to answer, and this call has waited as long as it may; the action goes on waiting."""

    default_code = "approval_timeout"

    def __init__(self, action: Action, message: str = "", *, code: str = "", hint: str = "") -> None:
        still = "It still runs." if action.status is ActionStatus.EXECUTING else "Nobody has answered yet."
        super().__init__(action, message or still, code=code or self.default_code, hint=hint)


class ActionFailed(_AboutAction):
    """It was run, and it failed."""


class OutcomeUnknown(AgentFirewallError):
    """It may have run. Look at the target, or read the action again; don't repeat it blindly.

    Attributes:
        action_id: which action.
        action: as it was last seen, if it was.
    """

    default_code = "outcome_unknown"

    def __init__(self, message: str, *, action_id: str, action: Action | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint or "Read the action to see where it stands; don't repeat it blindly.")
        self.action_id = action_id
        self.action = action


class OutcomeNotReported(AgentFirewallError):
    """A guarded function ran, and the firewall could not be told.

    Attributes:
        action_id: which action.
        lease: what to report it with.
        result: what the function returned.
    """

    default_code = "outcome_not_reported"

    def __init__(self, *, action_id: str, lease: str, result: object) -> None:
        super().__init__(
            "The action was run, but its outcome could not be reported.",
            hint="Don't run it again; report the outcome with the same lease.",
        )
        self.action_id = action_id
        self.lease = lease
        self.result = result


class RequestRefused(AgentFirewallError):
    """A request did nothing.

    Attributes:
        status: of HTTP; 0 where there was no HTTP.
        path: where in the request, if one value is at fault.
    """

    def __init__(self, message: str, *, code: str = "", hint: str = "", status: int = 0, path: str = "") -> None:
        super().__init__(message, code=code, hint=hint)
        self.status = status
        self.path = path


class NotAuthenticated(RequestRefused):
    """The key is not good, or belongs to another agent."""


class NotPermitted(RequestRefused):
    """The key is good, and may not do this."""


class NotFound(RequestRefused):
    """There is no such thing, or not for this key."""


class Conflict(RequestRefused):
    """It is too late, too early or something else for this."""


class AlreadyConsumed(Conflict):
    """The action or the permit was used before."""


class DigestMismatch(Conflict):
    """These are not the bytes that were decided on."""


class RateLimited(RequestRefused):
    """This agent submits more than its rate limit.

    Attributes:
        retry_after: seconds.
    """

    def __init__(self, message: str, *, code: str = "", hint: str = "", retry_after: float = 1.0) -> None:
        super().__init__(message, code=code or "rate_limited", hint=hint, status=429)
        self.retry_after = retry_after


class Unavailable(AgentFirewallError):
    """There is no firewall to ask, so nothing may run.

    Attributes:
        retry_after: seconds, if the firewall said so.
    """

    default_code = "unavailable"

    def __init__(self, message: str, *, code: str = "", hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, code=code, hint=hint or "Nothing may run without the firewall. Try again later.")
        self.retry_after = retry_after


class PermitRefused(AgentFirewallError):
    """A permit that was checked offline is not good; run nothing."""

    default_code = "permit_refused"


class Misuse(AgentFirewallError):
    """The program asks in a way that can't be right; nothing was asked or run."""

    default_code = "misuse"


def refusal_of(action: Action) -> ActionRefused | ActionFailed | OutcomeUnknown | ApprovalPending | None:
    """The error that says why `action` is not to run or did not succeed; None while it may run, runs, or succeeded."""
    match action.status:
        case ActionStatus.DENIED:
            return ActionDenied(action)
        case ActionStatus.REJECTED:
            return ActionRejected(action)
        case ActionStatus.CANCELLED | ActionStatus.EXPIRED | ActionStatus.LAPSED:
            return ActionClosed(action)
        case ActionStatus.FAILED:
            return ActionFailed(action)
        case ActionStatus.UNKNOWN:
            return OutcomeUnknown(action.message, action_id=action.id, action=action, hint=action.next)
        case ActionStatus.PENDING_APPROVAL:
            return ApprovalPending(action)
        case _:
            return None
