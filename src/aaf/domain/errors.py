"""Every error of the product, and every stable code that leaves it.

A code is a promise: once published it keeps its meaning. The message is generic and safe to show an agent; `hint` says what to do
next; `detail` is for the log only and never leaves the process through a door.

    AafError
    ├── InputRefused        the caller's bytes or fields are wrong; no action exists          (an adversary's input)
    │   └── ConfigurationRefused   a configuration that somebody sent has problems; each with its place
    ├── NotAuthenticated    no credential, a wrong one, a revoked one
    ├── NotPermitted        the credential is good and lacks the right
    ├── NotFound            no such thing in this organisation
    ├── StateConflict       the thing exists and its state, digest or key says no
    │   └── ConfigurationConflict   somebody else changed it meanwhile; it carries what changed
    ├── TooMany             a limit was reached; `retry_after` says when to come back
    ├── Unavailable         nothing can be recorded now, so nothing may run
    │   └── StoreFailed     the store's own reason: full, read-only, locked, newer, misplaced
    ├── ConnectorFailed     a run or a dry run did not succeed; the code says why
    ├── PolicyFailed        policy modules gave no answer, so the answer is no; the code says why
    └── ConfigurationInvalid   a file, key, field, rule or operator is wrong; every problem with its place
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique


@unique
class Code(StrEnum):
    """Stable reason codes of decisions, refusals and problems, in alphabetical order."""

    ACTION_CLOSED = "action_closed"
    ACTION_NOT_ALLOWED_FOR_KEY = "action_not_allowed_for_key"
    AGENT_MISMATCH = "agent_mismatch"
    ALREADY_CONSUMED = "already_consumed"
    ALREADY_DECIDED = "already_decided"
    ALREADY_REVIEWED = "already_reviewed"
    AMOUNT_UNKNOWN = "amount_unknown"
    ANSWERED_TOO_SOON = "answered_too_soon"
    APPROVAL_REQUIRED = "approval_required"
    BAD_REQUEST = "bad_request"
    BODY_TOO_LARGE = "body_too_large"
    CANCELLED_BY_REQUESTER = "cancelled_by_requester"
    CLASS_DEFAULT = "class_default"
    CONFIGURATION_CONFLICT = "configuration_conflict"
    CONFIGURATION_INVALID = "configuration_invalid"
    CONNECTOR_FAILED = "connector_failed"
    CONNECTOR_TIMEOUT = "connector_timeout"
    CONNECTOR_UNAVAILABLE = "connector_unavailable"
    CREDENTIAL_IN_REQUEST = "credential_in_request"
    DEADLINE_PASSED = "deadline_passed"
    DEPLOYMENT_VARIABLE = "deployment_variable"
    DIGEST_MISMATCH = "digest_mismatch"
    DRAFT_CONFLICT = "draft_conflict"
    DRY_RUN_FAILED = "dry_run_failed"
    DUPLICATE_KEY = "duplicate_key"
    EFFECT_CHANGED = "effect_changed"
    EGRESS_ADDRESS_REFUSED = "egress_address_refused"
    EGRESS_CONNECT_FAILED = "egress_connect_failed"
    EGRESS_DNS_FAILED = "egress_dns_failed"
    EGRESS_HOST_REFUSED = "egress_host_refused"
    EGRESS_PROTOCOL_ERROR = "egress_protocol_error"
    EGRESS_REDIRECT_REFUSED = "egress_redirect_refused"
    EGRESS_REQUEST_REFUSED = "egress_request_refused"
    EGRESS_TLS_FAILED = "egress_tls_failed"
    EGRESS_TOO_LARGE = "egress_too_large"
    EGRESS_URL_REFUSED = "egress_url_refused"
    EMPTY_POLICY = "empty_policy"
    ENTRY_CHANGED = "entry_changed"
    EXPIRED_CREDENTIAL = "expired_credential"
    EXPIRED_PERMIT = "expired_permit"
    FALLBACK = "fallback"
    FORM_REFUSED = "form_refused"
    HEADERS_TOO_LARGE = "headers_too_large"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    INTERNAL_ERROR = "internal_error"
    INVALID_CREDENTIAL = "invalid_credential"
    KEY_WITHOUT_RIGHT = "key_without_right"
    LONE_SURROGATE = "lone_surrogate"
    MALFORMED_JSON = "malformed_json"
    MANAGED_BY_FILE = "managed_by_file"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    MISSING_CREDENTIAL = "missing_credential"
    MISSING_FIELD = "missing_field"
    MODULE = "module"
    NOT_ANSWERED_IN_TIME = "not_answered_in_time"
    NOT_APPROVED = "not_approved"
    NOT_FOUND = "not_found"
    NOT_PENDING = "not_pending"
    NO_RULE = "no_rule"
    NUMBER_OUT_OF_RANGE = "number_out_of_range"
    OK = "ok"
    OUTCOME_CONFLICT = "outcome_conflict"
    OWN_REQUEST = "own_request"
    PATH_NOT_FOUND = "path_not_found"
    PATH_NOT_PLAIN = "path_not_plain"
    PATH_OUTSIDE_ROOT = "path_outside_root"
    PATH_PROTECTED = "path_protected"
    PERMISSION_DENIED = "permission_denied"
    POLICY_CONFLICT = "policy_conflict"
    POLICY_ENGINE_CRASHED = "policy_engine_crashed"
    POLICY_ENGINE_UNAVAILABLE = "policy_engine_unavailable"
    POLICY_ERROR = "policy_error"
    POLICY_TIMEOUT = "policy_timeout"
    PRECONDITION_REQUIRED = "precondition_required"
    RATE_LIMITED = "rate_limited"
    REASON_REQUIRED = "reason_required"
    REBASE_CONFLICT = "rebase_conflict"
    RECOVERING = "recovering"
    REJECTED_BY_REVIEWER = "rejected_by_reviewer"
    RELEASE_WITHOUT_FILES = "release_without_files"
    REQUEST_TIMEOUT = "request_timeout"
    REQUIREMENT_CHANGED = "requirement_changed"
    RESERVED_CONTEXT_KEY = "reserved_context_key"
    RESULT_TOO_LARGE = "result_too_large"
    RESULT_WITHHELD = "result_withheld"
    REVIEWER_NOT_ELIGIBLE = "reviewer_not_eligible"
    REVOKED_CREDENTIAL = "revoked_credential"
    RULE = "rule"
    RULE_UNKNOWN = "rule_unknown"
    SCHEMA_VIOLATION = "schema_violation"
    SECRET_DETECTED = "secret_detected"  # noqa: S105 - the name of a code
    SECRET_QUOTED = "secret_quoted"  # noqa: S105 - the name of a code
    SECRET_UNAVAILABLE = "secret_unavailable"  # noqa: S105 - the name of a code
    SHUTTING_DOWN = "shutting_down"
    SPEND_EXCEEDED = "spend_exceeded"
    STORE_BUSY = "store_busy"
    STORE_CONFLICT = "store_conflict"
    STORE_FORKED = "store_forked"
    STORE_FULL = "store_full"
    STORE_LOCKED = "store_locked"
    STORE_NEWER = "store_newer"
    STORE_ON_NETWORK = "store_on_network"
    STORE_READ_ONLY = "store_read_only"
    STORE_UNAVAILABLE = "store_unavailable"
    TEXT_REFUSED = "text_refused"
    TOO_DEEP = "too_deep"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    UNKNOWN_ACTION_TYPE = "unknown_action_type"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_PERMIT = "unknown_permit"
    UNOPENED_VALUES = "unopened_values"
    UNUSED_IN_TIME = "unused_in_time"
    VALUE_TOO_LONG = "value_too_long"
    VIEW_CHANGED = "view_changed"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_EFFECT = "wrong_effect"
    WRONG_TYPE = "wrong_type"


class AafError(Exception):
    """The root: a code, a safe sentence, what to do next, and a detail that only the log gets."""

    def __init__(self, code: Code, message: str, *, hint: str = "", detail: str = "", path: str = "") -> None:
        """Keep the parts; `path` is a JSON path such as `$.params.to` where one value is at fault."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.detail = detail
        self.path = path


class InputRefused(AafError):
    """The caller's bytes or fields are wrong; no action exists."""


class NotAuthenticated(AafError):
    """No credential was given, or it is unknown, revoked or expired."""


class NotPermitted(AafError):
    """The credential is good and lacks the right."""


class NotFound(AafError):
    """There is no such thing in this organisation, or the caller may not know of it."""


class StateConflict(AafError):
    """The thing exists; its state, digest or key says no."""


class ConfigurationConflict(StateConflict):
    """Somebody else changed what the caller began from; nothing of the caller's was kept."""

    def __init__(self, code: Code, message: str, *, hint: str, etag: str, changes: Mapping[str, object]) -> None:
        """Keep the tag of what is there now, and as JSON what changed meanwhile."""
        super().__init__(code, message, hint=hint)
        self.etag = etag
        self.changes = changes


class TooMany(AafError):
    """A limit was reached."""

    def __init__(self, code: Code, message: str, *, retry_after: int, hint: str = "") -> None:
        """Keep `retry_after`, whole seconds, at least 1."""
        super().__init__(code, message, hint=hint)
        self.retry_after = retry_after


class Unavailable(AafError):
    """Nothing can be recorded now, so nothing may run."""


class StoreFailed(Unavailable):
    """The store cannot take or answer this; the code says why."""


class ConnectorFailed(AafError):
    """A run or a dry run did not succeed."""


class PolicyFailed(AafError):
    """Policy modules gave no answer, so the answer is no."""

    def __init__(self, code: Code, message: str, *, detail: str = "", module: str = "", line: int = 0) -> None:
        """Keep the module and its line, counted from 1, where they are known; `detail` may quote values, so not even a log gets it unread."""
        super().__init__(code, message, detail=detail)
        self.module = module
        self.line = line


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a configuration file: where it stands, what it is, what to write instead."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """`file:line:column: message (hint)`; lines and columns count from 1, 0 means the whole file."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class ConfigurationInvalid(AafError):
    """The configuration was not loaded; what ran before keeps running."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keep every problem, in the order of their places."""
        super().__init__(
            Code.CONFIGURATION_INVALID,
            "\n".join(str(problem) for problem in problems),
            hint="Correct the file and load it again.",
        )
        self.problems = problems


class ConfigurationRefused(InputRefused):
    """A configuration that somebody sent has problems; nothing of it was activated."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keep every problem, in the order of their places."""
        counted = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(
            Code.CONFIGURATION_INVALID,
            f"The configuration has {counted}; what was active still is.",
            hint="Correct what `problems` names and send it again.",
        )
        self.problems = problems
