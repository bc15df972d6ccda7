"""From a caller's fields to an action that can be judged: names, parameters, bytes.

Nothing is changed after this: defaults are filled, text is checked, the schema is applied, and the canonical bytes and their digest are
made. What the schema refuses is still an action, with faults that make it a deny; what is no action at all is refused here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aaf.domain.action_bytes import digest, match_key, plain_name
from aaf.domain.canonical import MAX_DEPTH, Json, canonical
from aaf.domain.errors import Code, InputRefused
from aaf.domain.fragments import members, text
from aaf.domain.reserved import RESERVED, RESERVED_PREFIXES, asserts_authority
from aaf.policy.catalogue import Entry
from aaf.services.core import Caller, Core
from aaf.services.quoting import quotes_a_secret

RUNS = ("no", "now", "when_approved")
_FIELDS = {"action", "tool", "operation", "params", "context", "server", "run"}
MAX_SERVER = 256
MAX_CONTEXT = 65_536
"""Canonical bytes of a context."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What a caller sent: `run` is `no`, `now` (where the answer is allow) or `when_approved`."""

    name: str
    params: dict[str, Json]
    context: dict[str, Json]
    server: str | None = None
    run: str = "no"

    @property
    def body_hash_input(self) -> bytes:
        """The bytes that an idempotency key stands for."""
        return canonical(
            {
                "action": self.name,
                "context": self.context,
                "params": self.params,
                "run": self.run,
                "server": self.server,
            }
        )


def read_submission(value: Json) -> Submission:
    """Read the fields of a submission; `action` is a name, or `tool` and `operation` are its halves.

    Raises:
        InputRefused: a field is unknown, missing, of the wrong type, or asserts an authority that only the firewall has.
    """
    body = _object(value, "$")
    for key in body:
        if key not in _FIELDS:
            raise InputRefused(
                Code.UNKNOWN_FIELD, "There is a field that a submission doesn't have.", hint=_expected(), path="$"
            )
    context = _object(body.get("context", {}), "$.context")
    for key in context:
        if asserts_authority(key):
            raise InputRefused(
                Code.RESERVED_CONTEXT_KEY,
                "The context may not claim approval, roles or ownership: the firewall knows those itself.",
                hint=f"Leave out keys that are or begin with: {', '.join((*RESERVED, *RESERVED_PREFIXES))}.",
                path="$.context",
            )
    server = body.get("server")
    if server is not None and (not isinstance(server, str) or not 0 < len(server) <= MAX_SERVER):
        raise InputRefused(Code.WRONG_TYPE, f"`server` is null or 1 to {MAX_SERVER} characters.", path="$.server")
    return Submission(_name(body), _object(body.get("params", {}), "$.params"), context, server, _run(body.get("run")))


def _expected() -> str:
    """The fields, for a hint."""
    return f"Fields are: {', '.join(sorted(_FIELDS))}."


def _object(value: Json, path: str) -> dict[str, Json]:
    """The value as an object."""
    if not isinstance(value, dict):
        raise InputRefused(Code.WRONG_TYPE, "Here a JSON object is expected.", path=path)
    return value


def _name(body: Mapping[str, Json]) -> str:
    """The action type's plain name."""
    match body.get("action"), body.get("tool"), body.get("operation"):
        case str(name), None, None:
            plain = plain_name(name)
        case None, str(tool), str(operation):
            plain = plain_name(f"{tool}.{operation}")
        case None, None, None:
            raise InputRefused(Code.MISSING_FIELD, "The action is not named.", hint=_expected(), path="$.action")
        case _:
            raise InputRefused(
                Code.WRONG_TYPE, "Name the action by `action`, or by `tool` and `operation`.", path="$.action"
            )
    return plain


def _run(value: Json) -> str:
    """`run` in its three forms; booleans are accepted for `no` and `now`."""
    match value:
        case None | False:
            return "no"
        case True:
            return "now"
        case "no" | "now" | "when_approved":
            return str(value)
        case _:
            raise InputRefused(
                Code.WRONG_TYPE, "`run` is false, true or a word.", hint=f"Words are: {', '.join(RUNS)}.", path="$.run"
            )


@dataclass(frozen=True, slots=True)
class Fault:
    """Why parameters are not what the schema says: a JSON path and a sentence without values."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Formed:
    """An action with its bytes, each value encoded once. `fields` is what is committed to, one by one; `faults` are the schema's."""

    submission: Submission
    entry: Entry | None
    tool: str
    operation: str
    params: dict[str, Json]
    salt: bytes
    action_bytes: bytes
    digest: str
    match_key: str
    params_bytes: bytes
    context_bytes: bytes
    fields: dict[str, bytes]
    faults: tuple[Fault, ...]
    fault_code: Code | None


def form(core: Core, caller: Caller, submission: Submission) -> Formed:
    """Make the action's bytes and digest, and look its parameters up in the schema of this configuration.

    Raises:
        InputRefused: a name that would stand in every list holds a secret: the server's, or that of an unknown action type.
    """
    if submission.server is not None and quotes_a_secret(core, submission.server):
        raise InputRefused(Code.SECRET_DETECTED, "The server's name holds a credential.", path="$.server")
    tool, _, operation = submission.name.rpartition(".")
    entry = caller.known.configuration.catalogue.get(submission.name)
    if entry is None and quotes_a_secret(core, submission.name):
        raise InputRefused(Code.SECRET_DETECTED, "The action's name holds a credential.", path="$.action")
    params = submission.params
    faults: tuple[Fault, ...] = ()
    code: Code | None = None
    if entry is not None:
        params, faults, code = _validated(entry, submission.params)
    principal = caller.principal
    salt = core.ids.salt()
    parts = {key: canonical(value, max_depth=MAX_DEPTH - 2) for key, value in params.items()}
    whole = members(parts)
    context = canonical(submission.context)
    if len(context) > MAX_CONTEXT and code is None:
        code, faults = Code.VALUE_TOO_LONG, (Fault("$.context", f"The context is over {MAX_CONTEXT} bytes."),)
    fields = {"context": context} if submission.context else {}
    if entry is None or faults or any(entry.input.kind(key) is None for key in params):
        # A key that no schema declares is the caller's own word; the ledger holds none of those.
        fields["params"] = whole
    else:
        fields.update({f"params.{key}": part for key, part in parts.items()})
    agent, server = text(principal.id), text(submission.server)
    # The two objects of docs/formats.md section 2, as templates because every decision passes here; a test holds them to `canonical`.
    data = b'{"agent":%b,"operation":%b,"org":%b,"params":%b,"server":%b,"tool":%b,"v":1}' % (
        agent,
        text(operation),
        text(principal.org),
        whole,
        server,
        text(tool),
    )
    alike = b'{"agent":%b,"params":%b,"server":%b,"type":%b}' % (agent, whole, server, text(submission.name))
    return Formed(
        submission=submission,
        entry=entry,
        tool=tool,
        operation=operation,
        params=params,
        salt=salt,
        action_bytes=data,
        digest=digest(salt, data),
        match_key=match_key(core.secrets.match_key(principal.org), alike),
        params_bytes=whole,
        context_bytes=context,
        fields=fields,
        faults=faults,
        fault_code=code,
    )


def _validated(entry: Entry, given: dict[str, Json]) -> tuple[dict[str, Json], tuple[Fault, ...], Code | None]:
    """Fill defaults and check; text that no schema should have to forbid is refused first."""
    refused = entry.input.sanitise(given)
    if refused:
        return given, tuple(Fault(fault.path, fault.message) for fault in refused), Code.TEXT_REFUSED
    filled = entry.input.fill_defaults(given)
    faults = entry.input.check(filled)
    if faults:
        return given, tuple(Fault(fault.path, fault.message) for fault in faults), Code.SCHEMA_VIOLATION
    return filled, (), None
