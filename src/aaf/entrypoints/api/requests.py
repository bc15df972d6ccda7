"""What the routes take: strict, bounded, and with no field that isn't named here. Bodies are parsed before they get here."""

from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from aaf.domain.approval import ReviewVerdict
from aaf.domain.principal import Kind
from aaf.domain.states import State
from aaf.services.replay import MAX_EXAMPLES, Against

_ID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_MAX_LIFETIME = 10 * 366 * 24 * 3600
_MAX_SIZE = 2**53 - 1

ActionId = Annotated[str, Path(pattern=_ID, description="The action's id.")]
KeyId = Annotated[str, Path(pattern=_ID, description="The key's id.")]
PermitId = Annotated[str, Path(pattern=_ID, description="The permit's id, its `jti`.")]
Index = Annotated[int, Path(ge=0, le=10_000, description="The long value's number, from 0.")]

Before = Annotated[str | None, Query(pattern=_ID, description="Only actions older than this id.")]
Limit = Annotated[int, Query(ge=1, le=200, description="At most so many.")]
InState = Annotated[State | None, Query(description="Only actions in this state.")]
Wait = Annotated[
    int, Query(ge=0, description="Seconds to wait, 60 at most, while the action is `pending_approval` or `executing`.")
]
After = Annotated[int, Query(ge=0, le=_MAX_SIZE, description="Only events after this sequence number.")]
EventLimit = Annotated[int, Query(ge=1, le=1_000, description="At most so many.")]
OfAction = Annotated[str | None, Query(pattern=_ID, description="Only events of this action or about it.")]
OfType = Annotated[
    str | None,
    Query(pattern=r"^[a-z_]+\.[a-z_]*$", max_length=64, description="Only this type, or a family such as `key.`."),
]
Size = Annotated[int, Query(ge=1, le=_MAX_SIZE, description="The size of a tree, in events.")]

_Digest = Annotated[str, Field(max_length=128, description="SHA-256 in hex.")]
_Short = Annotated[str, Field(min_length=1, max_length=128)]


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class ExecuteBody(_Body):
    """Names the bytes to run."""

    digest: _Digest


class PermitBody(_Body):
    """Names the bytes to run and the tool server that will run them."""

    digest: _Digest
    audience: Annotated[str, Field(max_length=1_000, description="Who will consume the permit.")]


class ConsumeBody(_Body):
    """Names the bytes that are about to run."""

    digest: _Digest


class OutcomeBody(_Body):
    """How a run ended; `lease` is the id of the permit that was consumed."""

    lease: _Short
    succeeded: bool
    result: Any = None


class ResolveBody(_Body):
    """A person's word on how a run ended."""

    succeeded: bool
    reason: Annotated[str, Field(max_length=10_000)]


class ReviewBody(_Body):
    """An answer, and the digests of what it answers."""

    verdict: Annotated[ReviewVerdict, Field(strict=False)]
    digest: _Digest
    view_digest: _Digest
    reason: Annotated[str, Field(max_length=10_000, description="Required to reject; the agent is told.")] = ""


class KeyWantedBody(_Body):
    """A key to make; a known kind and name adds a key to that principal. `lifetime` is in seconds."""

    name: Annotated[str, Field(max_length=1_000)]
    kind: Annotated[Kind, Field(strict=False)]
    roles: Annotated[list[_Short], Field(max_length=20)] = []
    action_types: Annotated[
        list[_Short], Field(max_length=100, description="`files.read` or `files.*`; none is all.")
    ] = []
    lifetime: Annotated[int, Field(le=_MAX_LIFETIME)] | None = None


class CandidateBody(_Body):
    """What a dry run asks about: exactly one of the files of a folder by their names in it, a draft or an earlier release."""

    files: Annotated[dict[str, str], Field(max_length=500)] | None = None
    draft: _Short | None = None
    release: Annotated[int, Field(ge=1, le=_MAX_SIZE)] | None = None


_Since = Annotated[str, Field(max_length=64, description="RFC 3339, or how long ago: `90s`, `30m`, `12h`, `7d`, `4w`.")]
_Types = Annotated[list[_Short], Field(max_length=100, description="`files.read` or `files.*`; none is all.")]


class DryRunBody(_Body):
    """A dry run over recorded actions; without `since`, over all of them."""

    candidate: CandidateBody
    since: _Since | None = None
    until: _Since | None = None
    agent: _Short | None = None
    actions: _Types = []
    against: Annotated[Against, Field(strict=False)] = Against.ACTIVE
    limit: Annotated[int, Field(ge=1, le=_MAX_SIZE, description="Look at no more than so many.")] | None = None
    examples: Annotated[int, Field(ge=0, le=MAX_EXAMPLES, description="Ids that each group names.")] = 3


class SuggestBody(_Body):
    """An agent by name or id, and what of its history to look at; without `since`, all of it."""

    agent: _Short
    since: _Since | None = None
    until: _Since | None = None
    actions: _Types = []
    payments: Annotated[bool, Field(description="Also allow payments that people approved.")] = False


class SubmissionBody(_Body):
    """An action to decide: named by `action`, or by `tool` and `operation`.

    The door reads submissions by hand, because this is the hot route; this class is its description.
    """

    action: Annotated[str, Field(description="`files.read`")] | None = None
    tool: str | None = None
    operation: str | None = None
    params: dict[str, Any] = {}
    context: Annotated[dict[str, Any], Field(description="Claims of the caller; never authority.")] = {}
    server: Annotated[str, Field(min_length=1, max_length=256, description="Identity of the tool's server.")] | None = (
        None
    )
    run: Annotated[
        bool | Literal["no", "now", "when_approved"],
        Field(description="Run in the same request where the answer is allow."),
    ] = False
