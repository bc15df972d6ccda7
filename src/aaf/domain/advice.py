"""What a code means to whoever meets it, and what they may do next: one short pair of sentences for every code.

The sentences are generic on purpose. They name no rule, no value and no cause, because an explanation is also a map of what
to try instead; the cause is in the ledger and in the log, for people with the right to read them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from aaf.domain.errors import Code
from aaf.domain.states import State


@dataclass(frozen=True, slots=True)
class Advice:
    """What happened, and what to do next."""

    message: str
    next: str


_NEW_ACTION = "Submit a new action if it is still wanted."
_OTHER_WAY = "Do it another way, or tell whoever runs the agent: nobody can approve what policy denies."
_ADMINISTRATOR = "Ask an administrator."
_NEW_KEY = "Ask an administrator for a new key."
_CORRECT = "Correct the request and send it again."
_LATER = "Try again in a few seconds, with the same idempotency key if you sent one."
_OPERATOR = "An operator has to look at the store; until then nothing runs."
_WAIT = "Wait for the approval: read the action with `wait`."
_READ = "Read the action to see where it stands."
_LOOK_AGAIN = "Read the approval again before answering."

ADVICE: Mapping[Code, Advice] = MappingProxyType(
    {
        Code.ACTION_CLOSED: Advice("This action is closed.", _NEW_ACTION),
        Code.ACTION_NOT_ALLOWED_FOR_KEY: Advice("This key is not scoped to actions of this type.", _ADMINISTRATOR),
        Code.AGENT_MISMATCH: Advice("The key belongs to another agent.", "Send the key's own agent id, or none."),
        Code.ALREADY_CONSUMED: Advice(
            "This was used before.", "Read the action's outcome; to do it again, submit it again."
        ),
        Code.ALREADY_DECIDED: Advice("This request is decided.", "Nothing: the first final answer counts."),
        Code.ALREADY_REVIEWED: Advice("You have answered this request.", "Nothing: one person counts once."),
        Code.AMOUNT_UNKNOWN: Advice(
            "What this would spend can't be counted.",
            "Send the amount as a plain decimal string such as 12.50, in a currency that has a ceiling.",
        ),
        Code.ANSWERED_TOO_SOON: Advice("The answer came before the request could be read.", _LOOK_AGAIN),
        Code.APPROVAL_REQUIRED: Advice("A person has to approve this action.", _WAIT),
        Code.BAD_REQUEST: Advice("The request is not one that this interface knows.", _CORRECT),
        Code.BODY_TOO_LARGE: Advice("The body is too large.", "Send less, or send a reference to the data."),
        Code.CANCELLED_BY_REQUESTER: Advice("The requester took this action back.", _NEW_ACTION),
        Code.CLASS_DEFAULT: Advice("The default for this class of action decided.", _OTHER_WAY),
        Code.CONFIGURATION_CONFLICT: Advice(
            "Somebody else changed the configuration meanwhile.",
            "Look at what changed, then begin from what is active.",
        ),
        Code.CONFIGURATION_INVALID: Advice("The configuration is not valid.", "An operator has to correct it."),
        Code.CONNECTOR_FAILED: Advice("The run did not succeed.", "Check the target, then submit a new action."),
        Code.CONNECTOR_TIMEOUT: Advice(
            "Nobody knows how the run ended.", "Look at the target first; it is never tried again by itself."
        ),
        Code.CONNECTOR_UNAVAILABLE: Advice("Nothing is configured to run this action.", _ADMINISTRATOR),
        Code.CREDENTIAL_IN_REQUEST: Advice(
            "The request carries a credential.", "Leave it out: the firewall adds the destination's own."
        ),
        Code.DEADLINE_PASSED: Advice("The time for this is over.", _NEW_ACTION),
        Code.DEPLOYMENT_VARIABLE: Advice(
            "The action reads or sets a variable of a deployment.",
            "Leave it out: connectors are configured and given secrets by themselves.",
        ),
        Code.DIGEST_MISMATCH: Advice(
            "These are not the bytes that were decided on.", "A changed action is a new action: submit it."
        ),
        Code.DRAFT_CONFLICT: Advice(
            "Somebody else saved this draft meanwhile.", "Read the draft again, then save on top of that."
        ),
        Code.DRY_RUN_FAILED: Advice(
            "Trying it without effect did not succeed.", "Check the target and the parameters."
        ),
        Code.DUPLICATE_KEY: Advice("An object has the same key twice.", "Send every key once."),
        Code.EFFECT_CHANGED: Advice("What the action would do has changed since it was approved.", _WAIT),
        Code.EGRESS_ADDRESS_REFUSED: Advice(
            "The address is not one that may be called.", "Call a public address, or ask an administrator."
        ),
        Code.EGRESS_CONNECT_FAILED: Advice(
            "The server could not be reached; nothing was sent.", "Check the target, then submit a new action."
        ),
        Code.EGRESS_DNS_FAILED: Advice(
            "The host's address could not be found; nothing was sent.", "Check the host name."
        ),
        Code.EGRESS_HOST_REFUSED: Advice(
            "The host is not one that may be called.", "Call a host of the allowlist, or ask an administrator."
        ),
        Code.EGRESS_PROTOCOL_ERROR: Advice(
            "The server's answer is not valid HTTP.", "Check the target, then submit a new action."
        ),
        Code.EGRESS_REDIRECT_REFUSED: Advice(
            "The server's redirect was not followed.", "Call the final address itself, as a new action."
        ),
        Code.EGRESS_REQUEST_REFUSED: Advice(
            "The method, a header or the body is not one that may be sent.",
            "Correct the request and submit a new action.",
        ),
        Code.EGRESS_TLS_FAILED: Advice(
            "The server's certificate or encryption is not acceptable; nothing was sent.",
            "Tell whoever runs the server.",
        ),
        Code.EGRESS_TOO_LARGE: Advice("The server's answer is too large.", "Ask for less at once."),
        Code.EGRESS_URL_REFUSED: Advice(
            "The URL is not one that can be read in one way only.", "Write it plainly: https, a host, a path."
        ),
        Code.EMPTY_POLICY: Advice("There is no policy to decide by.", "An operator has to activate a configuration."),
        Code.ENTRY_CHANGED: Advice("The catalogue's entry has changed since this was decided.", _NEW_ACTION),
        Code.EXPIRED_CREDENTIAL: Advice("The key has expired.", _NEW_KEY),
        Code.EXPIRED_PERMIT: Advice("This permit has expired.", "Ask for a new one; a permit lasts at most a minute."),
        Code.FALLBACK: Advice("The catalogue has no such type of action, so people decide.", _WAIT),
        Code.FORM_REFUSED: Advice("The form is not one that the console made for you.", "Open the page again."),
        Code.HEADERS_TOO_LARGE: Advice("The address, the headers or the trailers are too large.", "Send less of them."),
        Code.IDEMPOTENCY_MISMATCH: Advice(
            "This idempotency key stands for another body.", "Use a new key for a new action."
        ),
        Code.INTERNAL_ERROR: Advice(
            "Something failed inside the firewall.",
            "Tell an operator the incident id, and read the action before trying again.",
        ),
        Code.INVALID_CREDENTIAL: Advice("The credential is not valid.", _NEW_KEY),
        Code.KEY_WITHOUT_RIGHT: Advice("The key lacks the right to this.", _ADMINISTRATOR),
        Code.LONE_SURROGATE: Advice("A string is no Unicode text.", "Send whole characters in UTF-8."),
        Code.MALFORMED_JSON: Advice("The body is not JSON in UTF-8.", "Send one JSON value (RFC 8259)."),
        Code.MANAGED_BY_FILE: Advice(
            "A folder that the server reads manages this configuration.", "Change the files in that folder."
        ),
        Code.METHOD_NOT_ALLOWED: Advice("This address has no such method.", "Use a method that `Allow` names."),
        Code.MISSING_CREDENTIAL: Advice("No key was sent.", "Send `Authorization: Bearer <key>`."),
        Code.MISSING_FIELD: Advice("A field is missing.", _CORRECT),
        Code.MODULE: Advice("A policy of the organisation decided this.", _OTHER_WAY),
        Code.NOT_ANSWERED_IN_TIME: Advice("Nobody answered in time, so the answer is no.", _NEW_ACTION),
        Code.NOT_APPROVED: Advice("Nobody has approved this action yet.", _WAIT),
        Code.NOT_FOUND: Advice("There is no such thing, or not for this key.", "Check the address and the id."),
        Code.NOT_PENDING: Advice("Nothing waits for an answer here.", _READ),
        Code.NO_RULE: Advice("No rule lets this action through.", _OTHER_WAY),
        Code.NUMBER_OUT_OF_RANGE: Advice(
            "A number is not finite or lies beyond 2^53 - 1.", "Write large numbers and money as strings."
        ),
        Code.OK: Advice("All is as it should be.", _READ),
        Code.OUTCOME_CONFLICT: Advice("The end of this run is known already, or not open to a report.", _READ),
        Code.OWN_REQUEST: Advice("Nobody reviews what they asked for themselves.", "Ask another reviewer."),
        Code.PATH_NOT_FOUND: Advice("There is no such file or folder.", "Check the path."),
        Code.PATH_NOT_PLAIN: Advice("The path does not lead to a plain file or folder.", "Name a plain one."),
        Code.PATH_OUTSIDE_ROOT: Advice(
            "The path leads outside of what this action may touch.", "Stay beneath the root."
        ),
        Code.PATH_PROTECTED: Advice("The path is protected from every action.", "Name another path."),
        Code.PERMISSION_DENIED: Advice("This key may not do that.", _ADMINISTRATOR),
        Code.POLICY_CONFLICT: Advice("Policy contradicts itself, so the answer is no.", "Tell an operator."),
        Code.POLICY_ENGINE_CRASHED: Advice("Policy could not decide, so the answer is no.", "Tell an operator."),
        Code.POLICY_ENGINE_UNAVAILABLE: Advice(
            "Policy could not be asked, so the answer is no.", "Submit a new action later, or tell an operator."
        ),
        Code.POLICY_ERROR: Advice("Policy could not decide, so the answer is no.", "Tell an operator."),
        Code.POLICY_TIMEOUT: Advice("Policy took too long to decide, so the answer is no.", "Tell an operator."),
        Code.PRECONDITION_REQUIRED: Advice(
            "A change has to name what it begins from.", "Read it first, and send its ETag as `If-Match`."
        ),
        Code.RATE_LIMITED: Advice("A rate limit is reached.", "Wait as long as `Retry-After` or `retry_after` says."),
        Code.REASON_REQUIRED: Advice("A reason is needed.", "Give one in a sentence."),
        Code.REBASE_CONFLICT: Advice(
            "The draft and the active release changed the same file.", "Send the text that each such file shall have."
        ),
        Code.RECOVERING: Advice("The store was restored and waits for a person.", _OPERATOR),
        Code.REJECTED_BY_REVIEWER: Advice(
            "A person rejected this action.", "Read the reason in `rejection` before asking again."
        ),
        Code.RELEASE_WITHOUT_FILES: Advice("The files of this release were not kept.", "Send whole files instead."),
        Code.REQUEST_TIMEOUT: Advice("The request did not arrive in time.", _LATER),
        Code.REQUIREMENT_CHANGED: Advice("More approval is asked for now than when this was decided.", _READ),
        Code.RESERVED_CONTEXT_KEY: Advice(
            "The context claims an authority that only the firewall has.", "Leave out approval, roles and ownership."
        ),
        Code.RESULT_TOO_LARGE: Advice("The result is too large to return.", "Ask for less at once."),
        Code.RESULT_WITHHELD: Advice(
            "The result is not what the catalogue declares, so it is withheld.", _ADMINISTRATOR
        ),
        Code.REVIEWER_NOT_ELIGIBLE: Advice("The rule asks for other reviewers.", "Leave it to one of them."),
        Code.REVOKED_CREDENTIAL: Advice("The key was revoked.", _NEW_KEY),
        Code.RULE: Advice("A rule of the organisation decided this.", _OTHER_WAY),
        Code.RULE_UNKNOWN: Advice(
            "A rule decided this because a value was missing.", "Send the optional values too, as a new action."
        ),
        Code.SCHEMA_VIOLATION: Advice(
            "The parameters are not what the catalogue declares.",
            "Correct what `faults` names and submit a new action.",
        ),
        Code.SECRET_DETECTED: Advice(
            "What looks like a credential stands in the action.",
            "Leave it out; connectors are given secrets by themselves, and programs read them where they run.",
        ),
        Code.SECRET_QUOTED: Advice(
            "A secret of the firewall is quoted in the action.",
            "Leave it out; connectors are given secrets by themselves.",
        ),
        Code.SECRET_UNAVAILABLE: Advice("A credential that this action needs can't be had.", "Tell an operator."),
        Code.SHUTTING_DOWN: Advice("The server is ending.", _LATER),
        Code.SPEND_EXCEEDED: Advice(
            "This would spend more than is allowed now.", "Wait as long as `retry_after` says, or spend less."
        ),
        Code.STORE_BUSY: Advice("The store is busy.", _LATER),
        Code.STORE_CONFLICT: Advice("Too much changed at the same time.", _LATER),
        Code.STORE_FORKED: Advice("The store was opened before the process was copied.", _OPERATOR),
        Code.STORE_FULL: Advice("The store has no room.", _OPERATOR),
        Code.STORE_LOCKED: Advice("Another program holds the store.", _LATER),
        Code.STORE_NEWER: Advice("The store is of a newer version.", _OPERATOR),
        Code.STORE_ON_NETWORK: Advice("The store lies on a network file system.", _OPERATOR),
        Code.STORE_READ_ONLY: Advice("The store can only be read.", _OPERATOR),
        Code.STORE_UNAVAILABLE: Advice("The store does not answer.", _LATER),
        Code.TEXT_REFUSED: Advice(
            "A text holds characters that could deceive.", "Send plain text; `faults` names the places."
        ),
        Code.TOO_DEEP: Advice("The value is nested too deeply.", "Nest less."),
        Code.TOO_MANY_CONNECTIONS: Advice("The server has no place for another connection.", _LATER),
        Code.UNKNOWN_ACTION_TYPE: Advice(
            "The catalogue has no such type of action.", "Check the name, or ask an administrator."
        ),
        Code.UNKNOWN_FIELD: Advice("There is a field that this request does not have.", "Leave it out."),
        Code.UNKNOWN_PERMIT: Advice("There is no such permit for this key.", "Ask for a permit first."),
        Code.UNOPENED_VALUES: Advice(
            "A long value of this request has not been opened.", "Open every long value first."
        ),
        Code.UNUSED_IN_TIME: Advice("The action was not run in time.", _NEW_ACTION),
        Code.VALUE_TOO_LONG: Advice("A value is too long.", "Send a shorter one."),
        Code.VIEW_CHANGED: Advice("What you answered is not what waits here.", _LOOK_AGAIN),
        Code.WRONG_AUDIENCE: Advice("The permit is for another tool server.", "Use it where it was issued for."),
        Code.WRONG_EFFECT: Advice(
            "This action is run in the other way.", "Execute it, or ask for a permit, as `effect` says."
        ),
        Code.WRONG_TYPE: Advice("A value is not of the form that is expected.", _CORRECT),
    }
)
"""Every code with its sentences, in the order of `Code`."""

_OPEN: Mapping[State, Advice] = MappingProxyType(
    {
        State.ALLOWED: Advice(
            "The action may run.", "Execute it, or ask for a permit where `effect` is `caller`, before the deadline."
        ),
        State.APPROVED: Advice(
            "The action is approved.",
            "Execute it, or ask for a permit where `effect` is `caller`, before the deadline.",
        ),
        State.EXECUTING: Advice("The action is running.", _READ),
        State.PENDING_APPROVAL: Advice("A person has to approve this action.", _WAIT),
        State.SUCCEEDED: Advice("The action was run.", "Nothing is left to do."),
        State.UNKNOWN: Advice(
            "Nobody knows how the run ended.",
            "Report the outcome if you know it, or ask a person to close it; don't repeat it.",
        ),
    }
)

_ONLY_WHO = frozenset(
    {Code.APPROVAL_REQUIRED, Code.CLASS_DEFAULT, Code.FALLBACK, Code.MODULE, Code.OK, Code.RULE, Code.RULE_UNKNOWN}
)
"""Codes that say who decided, and leave it to the state what that means."""


@cache
def advise(state: State, code: Code) -> Advice:
    """Return what to tell about an action in `state` that got there with `code`.

    The code says what happened unless it only says who decided; while something can still be done, the state says what.
    """
    of_code, of_state = ADVICE[code], _OPEN.get(state)
    if of_state is None:
        return of_code
    return Advice(of_state.message if code in _ONLY_WHO else of_code.message, of_state.next)
