"""What the routes of configuration, drafts and policies share: shapes, the header `If-Match`, and bodies of up to 2 MiB.

A tag in JSON (`etag`) is without quotes, in a header with them.
"""

from typing import Annotated, Literal, cast

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from typing_extensions import TypedDict

from aaf.domain.errors import Code, InputRefused, Problem
from aaf.domain.instants import instant
from aaf.domain.principal import Permission
from aaf.domain.record import Draft, Release
from aaf.entrypoints.api.answers import Named, closed
from aaf.entrypoints.api.receiving import Call, DoorRoute, headers_of
from aaf.policy.comparing import Changes
from aaf.services.changing import Checked, counted, warnings_of
from aaf.services.core import Caller, Known
from aaf.services.drafts import tag_of, texts_of
from aaf.services.releases import Activated, files_of, tag

MAX_BODY = 2 << 20
"""Bytes of a body here, for those who may write the configuration."""
_MAX_NUMBER = 2**53 - 1
_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_FILES = "Texts by their names in the folder, such as `aaf.yaml` or `actions/mail.send.yaml`."

ReleaseNumber = Annotated[int, Path(ge=1, le=_MAX_NUMBER, description="The release's number.")]
DraftId = Annotated[str, Path(pattern=_UUID, description="The draft's id.")]
PolicyName = Annotated[
    str,
    Path(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,90}$", description="The file's name in `policies`, without `.rego`."),
]
BeforeRelease = Annotated[int | None, Query(ge=1, le=_MAX_NUMBER, description="Only releases with lower numbers.")]
ReleaseLimit = Annotated[int, Query(ge=1, le=50, description="At most so many.")]
IF_MATCH = {
    "parameters": [
        {
            "name": "If-Match",
            "in": "header",
            "required": True,
            "schema": {"type": "string"},
            "description": "The ETag of what the change begins from.",
        }
    ]
}
"""What the document says of a route that needs the header; it is read by hand, so that its lack is answered 428."""
ETAG = {"ETag": {"schema": {"type": "string"}, "description": "To be sent as `If-Match` with a change."}}

_Message = Annotated[str, Field(max_length=1_000, description="Why; it stands in the history.")]
_Files = Annotated[dict[str, str], Field(description=_FILES)]
_Edit = Annotated[
    dict[str, str | None], Field(description=f"{_FILES} A merge patch: null removes a file, what isn't named stays.")
]


class ReleasingRoute(DoorRoute):
    """A route whose body may be larger, for those who may write the configuration."""

    def body_limit(self, caller: Caller, limit: int) -> int:
        """Bytes."""
        return max(limit, MAX_BODY) if caller.principal.may(Permission.ORG_CONFIGURATION_WRITE) else limit


# --- what is sent -----------------------------------------------------------------------------------------------------


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class FilesBody(_Body):
    """A whole configuration."""

    files: _Files


class ConfigurationWantedBody(FilesBody):
    """A whole configuration to activate."""

    message: _Message = ""


class EditBody(_Body):
    """Changes of single files."""

    files: _Edit
    message: _Message = ""


class RollbackBody(_Body):
    """The number of the release whose files shall be active again."""

    release: Annotated[int, Field(ge=1, le=_MAX_NUMBER)]
    message: _Message = ""


class PolicyBody(_Body):
    """The text of a policy module."""

    text: str
    message: _Message = ""


class DraftWantedBody(_Body):
    """A draft to begin from the active release, with changes of single files."""

    files: _Edit = {}
    message: _Message = ""


class DraftFilesBody(FilesBody):
    """All files of a draft; no message keeps the one that is there."""

    message: _Message | None = None


class DraftEditBody(_Body):
    """Changes of single files of a draft."""

    files: _Edit
    message: _Message | None = None


class RebaseBody(_Body):
    """The texts of files that both sides changed; none while there is no conflict."""

    files: _Edit = {}


class ActivateBody(_Body):
    """A message in place of the draft's."""

    message: _Message | None = None


# --- what is answered -------------------------------------------------------------------------------------------------


@closed
class CountsBody(TypedDict):
    """How much stands in a configuration."""

    actions: int
    limits: int
    modules: int
    rules: int


@closed
class ReleaseBody(TypedDict):
    """A release, without its files; `has_files` is false for those of before files were kept."""

    release: int
    etag: str
    source: str
    author: Named
    activated_at: str
    message: str
    managed_by: Literal["api", "file"]
    has_files: bool
    counts: CountsBody


@closed
class ConfigurationBody(ReleaseBody):
    """A release with its files."""

    files: dict[str, str]
    warnings: list[str]


@closed
class ReleaseList(TypedDict):
    """Releases, newest first; `next` is the `before` of the following page, null where there is none."""

    releases: list[ReleaseBody]
    next: int | None


@closed
class ActivatedBody(ReleaseBody):
    """The active release; `new` is false where nothing differed from what was active."""

    new: bool
    warnings: list[str]


@closed
class FaultyPlace(TypedDict):
    """A problem of a file; line and column count from 1, 0 is the whole file."""

    file: str
    line: int
    column: int
    message: str
    hint: str


@closed
class FileChangeBody(TypedDict):
    """A file that differs; `diff` is unified, null where it would be too long."""

    name: str
    change: Literal["added", "changed", "removed"]
    diff: str | None
    added: int
    removed: int


@closed
class NamesBody(TypedDict):
    """Names of members that came, went and became others."""

    added: list[str]
    removed: list[str]
    changed: list[str]


@closed
class ChangesBody(TypedDict):
    """From the release `old` to the release `new`, null for what is none. `parts` is null where it isn't known, because one side doesn't compile."""

    old: int | None
    new: int | None
    files: list[FileChangeBody]
    parts: dict[str, NamesBody] | None


@closed
class CheckedBody(TypedDict):
    """What came of compiling, and what it would change of what is active; `counts` is null where there are problems."""

    valid: bool
    problems: list[FaultyPlace]
    warnings: list[str]
    counts: CountsBody | None
    changes: ChangesBody


@closed
class DraftSummary(TypedDict):
    """A draft, without its files."""

    id: str
    etag: str
    version: int
    base: int
    message: str
    author: Named
    updated_at: str


@closed
class DraftBody(DraftSummary):
    """A draft."""

    files: dict[str, str]


@closed
class DraftList(TypedDict):
    """Every draft, oldest first."""

    drafts: list[DraftSummary]


@closed
class DiscardedBody(TypedDict):
    """A draft that is no more."""

    id: str
    discarded: Literal[True]


def release_body(known: Known, release: Release) -> ReleaseBody:
    """A release in a list."""
    return {
        "release": release.number,
        "etag": tag(release),
        "source": release.source,
        "author": _author(known, release.author),
        "activated_at": instant(release.activated_at),
        "message": release.message,
        "managed_by": release.managed_by.value,
        "has_files": release.files != b"{}",
        "counts": cast("CountsBody", counted(release)),
    }


def configuration_body(known: Known, release: Release) -> ConfigurationBody:
    """A release with its files."""
    files = {name: data.decode() for name, data in files_of(release).items()}
    return {**release_body(known, release), "files": files, "warnings": warnings_of(release)}


def activated_body(known: Known, activated: Activated) -> ActivatedBody:
    """What became of a change."""
    return {
        **release_body(known, activated.release),
        "new": activated.new,
        "warnings": warnings_of(activated.release),
    }


def problem_body(problem: Problem) -> FaultyPlace:
    """A problem of a file."""
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
        "hint": problem.hint,
    }


def changes_body(changes: Changes) -> ChangesBody:
    """What differs."""
    return cast("ChangesBody", changes.to_json())


def checked_body(checked: Checked) -> CheckedBody:
    """What came of compiling."""
    configuration = checked.configuration
    return {
        "valid": configuration is not None,
        "problems": [problem_body(one) for one in checked.problems],
        "warnings": [*configuration.warnings] if configuration else [],
        "counts": cast("CountsBody", checked.counts),
        "changes": changes_body(checked.changes),
    }


def draft_summary(known: Known, draft: Draft) -> DraftSummary:
    """A draft in a list."""
    return {
        "id": draft.id,
        "etag": tag_of(draft),
        "version": draft.version,
        "base": draft.base,
        "message": draft.message,
        "author": _author(known, draft.author),
        "updated_at": instant(draft.updated_at),
    }


def draft_body(known: Known, draft: Draft) -> DraftBody:
    """A draft with its files."""
    return {**draft_summary(known, draft), "files": texts_of(draft)}


def _author(known: Known, actor: str) -> Named:
    """Who an actor of the ledger is."""
    id_ = actor.rpartition(":")[2]
    return {"id": id_, "name": known.name(id_)}


def quoted(etag: str) -> dict[str, str]:
    """The header of an answer."""
    return {"ETag": f'"{etag}"'}


def if_match(call: Call) -> str | None:
    """The tag that a change names, without its quotes; None where there is none.

    Raises:
        InputRefused: several, a weak one, or none by its form.
    """
    given = [value.decode("latin-1").strip() for value in headers_of(call.request).get(b"if-match", ())]
    if not given:
        return None
    if len(given) > 1 or len(given[0]) < len('""') or given[0][0] != '"' or given[0][-1] != '"':
        raise InputRefused(
            Code.BAD_REQUEST, "If-Match is one ETag, as it was read.", hint="Send it once, with its quotes."
        )
    return given[0][1:-1]


def wants_yaml(request: Request) -> bool:
    """Whether `Accept` names YAML."""
    accepted = [value.decode("latin-1").lower() for value in headers_of(request).get(b"accept", ())]
    kinds = {one.partition(";")[0].strip() for value in accepted for one in value.split(",")}
    return "application/yaml" in kinds and "application/json" not in kinds
