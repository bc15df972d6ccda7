"""The connector `files`: read, list, write and delete beneath one root.

A dry run says what stands there and what would stand there afterwards, as digests and a diff; a run compares both again before it
touches anything. Directories are neither made nor removed, and files beyond `max_bytes` are left alone. Nothing is said to an agent about where
the root is.
"""

import base64
import errno
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import assert_never

from aaf.adapters.connectors.files_request import Delete, List, Read, Write, request_of
from aaf.adapters.openat import NEW_MODE, Changed, Content, Entry, Reason, Refused, Root, RootMissing, Unsettled
from aaf.analysis.diff import Diff, unified
from aaf.analysis.path import CleanPath
from aaf.domain.canonical import Json
from aaf.domain.effect import Effect
from aaf.domain.errors import Code, ConnectorFailed
from aaf.domain.finding import Analysis, Finding, Severity

MAX_BYTES = 1 << 20
"""Bytes of the largest file that is read, written, compared or deleted."""

MAX_DIFF = 256 << 10
"""Characters of the longest diff that an approver is asked to read."""

MAX_ENTRIES = 1_000
"""Names of the largest directory that is listed."""


def analysed(operation: str, params: Mapping[str, Json], *, protect: Iterable[str], max_bytes: int) -> Analysis:
    """What the letters of a request say, for which no root is needed."""
    try:
        request = request_of(operation, params, protect=protect, max_bytes=max_bytes)
    except ConnectorFailed as refused:
        field = refused.path.removeprefix("$.")
        return Analysis((Finding(str(refused.code), Severity.HIGH, field, refused.message, refused.code),))
    return Analysis(target=_name(request.path))


class FilesConnector:
    """Runs `read`, `list`, `write` and `delete`; `protect` adds patterns to the protected names (`analysis.path.protected`)."""

    name = "files"

    def __init__(
        self, root: Path, *, max_bytes: int = MAX_BYTES, force_walk: bool = False, protect: Iterable[str] = ()
    ) -> None:
        self._root = Root(root, max_bytes=max_bytes, force_walk=force_walk)
        self._max_bytes = max_bytes
        self._protect = tuple(protect)

    def close(self) -> None:
        """Let go of the root."""
        self._root.close()

    def analyse(self, *, operation: str, params: Mapping[str, Json]) -> Analysis:
        """Judge the path by its letters; a path that leads out of the root, isn't plain or is protected is a deny."""
        return analysed(operation, params, protect=self._protect, max_bytes=self._max_bytes)

    async def dry_run(self, *, operation: str, params: Mapping[str, Json]) -> Effect:
        """Look at the target and say what a run would change."""
        request = request_of(operation, params, protect=self._protect, max_bytes=self._max_bytes)
        with _named_failures():
            match request:
                case List():
                    self._root.entries(request.path, most=MAX_ENTRIES)
                    return _listing(request)
                case Write():
                    now = self._root.look(request.path)
                    _writable(request, now)
                    return _writing(request, now)
                case Read():
                    now = _there(self._root.look(request.path))
                    _read_result(request, now)
                    return _touching("read", request.path, now)
                case Delete():
                    return _touching("delete", request.path, _there(self._root.look(request.path)))
                case _:
                    assert_never(request)

    async def run(self, *, operation: str, params: Mapping[str, Json], expected: Effect | None) -> Json:
        """Do it, if the target is still what `expected` says; None expects nothing."""
        request = request_of(operation, params, protect=self._protect, max_bytes=self._max_bytes)
        with _named_failures():
            match request:
                case List():
                    _compare(expected, "list", request.path, {})
                    return _list_result(self._root.entries(request.path, most=MAX_ENTRIES))
                case Write():
                    return self._write(request, expected)
                case Read():
                    now = _there(self._root.look(request.path), expected)
                    _compare(expected, "read", request.path, _before(now))
                    return _read_result(request, now)
                case Delete():
                    return self._delete(request, expected)
                case _:
                    assert_never(request)

    def _write(self, request: Write, expected: Effect | None) -> Json:
        found: list[Content | None] = []

        def check(now: Content | None) -> None:
            _compare(expected, "write", request.path, _before(now) | _after(request, now))
            _writable(request, now)
            found.append(now)

        self._root.replace(request.path, request.data, check=check)
        return {"bytes": len(request.data), "created": found == [None], "sha256": _sha256(request.data)}

    def _delete(self, request: Delete, expected: Effect | None) -> Json:
        found: list[Content] = []

        def check(now: Content | None) -> None:
            there = _there(now, expected)
            _compare(expected, "delete", request.path, _before(there))
            found.append(there)

        self._root.delete(request.path, check=check)
        return {"deleted": True, "sha256": _sha256(found[0].data)}


# --- what is bound ----------------------------------------------------------------------------------------------------


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _name(path: CleanPath | None) -> str:
    return "." if path is None else str(path)


def _before(now: Content | None) -> dict[str, Json]:
    """What stands at the path."""
    return {
        "exists": now is not None,
        "mode_before": None if now is None else f"{now.mode:04o}",
        "sha256_before": None if now is None else _sha256(now.data),
        "size_before": None if now is None else len(now.data),
    }


def _after(request: Write, now: Content | None) -> dict[str, Json]:
    """What would stand there."""
    return {
        "mode_after": f"{NEW_MODE if now is None else now.mode:04o}",
        "sha256_after": _sha256(request.data),
        "size_after": len(request.data),
    }


def _compare(expected: Effect | None, kind: str, path: CleanPath | None, facts: Mapping[str, Json]) -> None:
    """Refuse where what was promised to the approver isn't what would happen."""
    if expected is None:
        return
    same = (expected.kind, expected.target) == (kind, _name(path))
    if not same or any(name not in expected.facts or expected.facts[name] != value for name, value in facts.items()):
        raise _changed()


def _changed() -> ConnectorFailed:
    return ConnectorFailed(
        Code.EFFECT_CHANGED,
        "The file is no longer what the dry run saw; nothing was done.",
        hint="Submit the action again, so that it is judged on what stands there now.",
    )


def _there(now: Content | None, expected: Effect | None = None) -> Content:
    if now is None and expected is not None:
        raise _changed()
    if now is None:
        raise FileNotFoundError(errno.ENOENT, "no such file")
    return now


def _writable(request: Write, now: Content | None) -> None:
    if now is None and not request.create:
        raise FileNotFoundError(errno.ENOENT, "no such file")
    if now is not None and not request.overwrite:
        raise ConnectorFailed(
            Code.CONNECTOR_FAILED, "The file exists and overwriting was not asked for.", path="$.params.overwrite"
        )


# --- what is shown ----------------------------------------------------------------------------------------------------


def _listing(request: List) -> Effect:
    name = _name(request.path)
    return Effect("list", name, f"List the directory {name}", {"exists": True})


def _touching(kind: str, path: CleanPath, now: Content) -> Effect:
    return Effect(kind, str(path), f"{kind.capitalize()} {path} ({len(now.data)} bytes)", _before(now))


def _writing(request: Write, now: Content | None) -> Effect:
    diff, said = _difference(request, now)
    if len(diff.text) > MAX_DIFF:
        raise ConnectorFailed(
            Code.VALUE_TOO_LONG,
            f"The change is longer than {MAX_DIFF} characters, more than anybody can be asked to read.",
            hint="Make the change in smaller steps.",
            path="$.params.content",
        )
    facts = _before(now) | _after(request, now) | {"lines_added": diff.added, "lines_removed": diff.removed}
    return Effect("write", str(request.path), said, facts, diff.text)


def _difference(request: Write, now: Content | None) -> tuple[Diff, str]:
    """The diff, and one sentence; content that is no text is named in the diff's first line instead of being compared."""
    path, size = str(request.path), len(request.data)
    if now is None:
        diff = unified("", request.text, old_name="/dev/null", new_name=f"b/{path}")
        return diff, f"Create {path} ({size} bytes, {_lines(diff.added)})"
    try:
        old = now.data.decode()
    except UnicodeDecodeError:
        was = f"{len(now.data)} bytes that are no text"
        diff = unified("", request.text, old_name=f"a/{path} ({was})", new_name=f"b/{path}")
        return diff, f"Replace {path}: {was} by {size} bytes, {_lines(diff.added)}"
    diff = unified(old, request.text, old_name=f"a/{path}", new_name=f"b/{path}")
    change = f"+{diff.added} -{diff.removed} lines, {len(now.data)} to {size} bytes" if diff.text else "no change"
    return diff, f"Replace {path}: {change}"


def _lines(count: int) -> str:
    return f"{count} line{'' if count == 1 else 's'}"


def _read_result(request: Read, now: Content) -> Json:
    if request.as_base64:
        content, encoding = base64.b64encode(now.data).decode("ascii"), "base64"
    else:
        try:
            content, encoding = now.data.decode(), "utf-8"
        except UnicodeDecodeError:
            raise ConnectorFailed(
                Code.WRONG_TYPE,
                "The file is no UTF-8 text.",
                hint="Ask for it with encoding base64.",
                path="$.params.encoding",
            ) from None
    return {"bytes": len(now.data), "content": content, "encoding": encoding, "sha256": _sha256(now.data)}


def _list_result(entries: Iterable[Entry]) -> Json:
    """Bytes of names that are no Unicode text are shown as backslash escapes."""
    return {
        "entries": [
            {
                "bytes": entry.size,
                "name": entry.name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"),
                "type": entry.kind,
            }
            for entry in entries
        ],
        "truncated": False,
    }


# --- what went wrong --------------------------------------------------------------------------------------------------

_REFUSALS: dict[Reason, tuple[Code, str]] = {
    Reason.LINK: (Code.PATH_NOT_PLAIN, "The path leads through a link."),
    Reason.NOT_A_DIRECTORY: (Code.PATH_NOT_PLAIN, "A part of the path is no directory."),
    Reason.NOT_A_FILE: (Code.PATH_NOT_PLAIN, "What stands at the path is no plain file."),
    Reason.OTHER_DEVICE: (Code.PATH_OUTSIDE_ROOT, "The path leads out of the root."),
    Reason.SET_ID: (Code.PATH_NOT_PLAIN, "The file runs with another user's rights."),
    Reason.SEVERAL_NAMES: (Code.PATH_NOT_PLAIN, "The file has several names, perhaps also outside the root."),
    Reason.TOO_LARGE: (Code.RESULT_TOO_LARGE, "The file is larger than the connector handles."),
    Reason.TOO_MANY: (Code.RESULT_TOO_LARGE, f"The directory has more than {MAX_ENTRIES} names."),
    Reason.UPWARDS: (Code.PATH_OUTSIDE_ROOT, "The path leads out of the root."),
}

_NOT_ALLOWED = (Code.CONNECTOR_FAILED, "The operating system doesn't allow it.")
_NO_ROOM = (Code.CONNECTOR_FAILED, "There is no room for it; nothing was changed.")
_OS_ERRORS: dict[int, tuple[Code, str]] = {
    errno.EACCES: _NOT_ALLOWED,
    errno.EDQUOT: _NO_ROOM,
    errno.EFBIG: _NO_ROOM,
    errno.EMFILE: (Code.CONNECTOR_UNAVAILABLE, "Too many files are open; try again later."),
    errno.ENAMETOOLONG: (Code.PATH_NOT_PLAIN, "The path is too long."),
    errno.ENFILE: (Code.CONNECTOR_UNAVAILABLE, "Too many files are open; try again later."),
    errno.ENOENT: (Code.PATH_NOT_FOUND, "There is nothing at the path."),
    errno.ENOSPC: _NO_ROOM,
    errno.EPERM: _NOT_ALLOWED,
    errno.EROFS: _NOT_ALLOWED,
}


def failure_of(error: OSError | Refused | RootMissing | Changed | Unsettled) -> ConnectorFailed:
    """Say in a code and a sentence what went wrong; the cause goes to the log and names no path."""
    match error:
        case Changed():
            return _changed()
        case Refused():
            code, message = _REFUSALS[error.reason]
            return ConnectorFailed(code, message, detail=str(error.reason), path="$.params.path")
        case RootMissing():
            return ConnectorFailed(
                Code.CONNECTOR_UNAVAILABLE, "The directory that files live in can't be opened.", detail=str(error)
            )
        case Unsettled():
            return ConnectorFailed(
                Code.CONNECTOR_TIMEOUT, "It was done, but it isn't known whether it would survive a loss of power."
            )
        case _:
            code, message = _OS_ERRORS.get(
                error.errno or 0, (Code.CONNECTOR_FAILED, "The operating system refused it.")
            )
            return ConnectorFailed(code, message, detail=errno.errorcode.get(error.errno or 0, "?"))


@contextmanager
def _named_failures() -> Iterator[None]:
    try:
        yield
    except (OSError, Refused, RootMissing, Changed, Unsettled) as error:
        raise failure_of(error) from error
