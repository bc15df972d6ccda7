"""What an agent may ask of the connector `files`, read from an action's parameters."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from aaf.analysis.path import CleanPath, PathFault, clean, protected
from aaf.domain.canonical import Json
from aaf.domain.errors import Code, ConnectorFailed


@dataclass(frozen=True, slots=True)
class Read:
    """Read a file as text, or as base64."""

    path: CleanPath
    as_base64: bool


@dataclass(frozen=True, slots=True)
class List:
    """List a directory, the root for None."""

    path: CleanPath | None


@dataclass(frozen=True, slots=True)
class Write:
    """Put a text into a file; `data` is the text in UTF-8."""

    path: CleanPath
    text: str
    data: bytes
    create: bool
    overwrite: bool


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a file."""

    path: CleanPath


Request: TypeAlias = Read | List | Write | Delete

_PARAMETERS: dict[str, frozenset[str]] = {
    "delete": frozenset({"path"}),
    "list": frozenset({"path"}),
    "read": frozenset({"encoding", "path"}),
    "write": frozenset({"content", "create", "overwrite", "path"}),
}


def request_of(operation: str, params: Mapping[str, Json], *, protect: Iterable[str], max_bytes: int) -> Request:
    """Read the parameters; they were held to a schema before, and are not trusted for it.

    Raises:
        ConnectorFailed: an operation or a parameter is unknown, missing or of a wrong type, or the path may not be touched.
    """
    known = _PARAMETERS.get(operation)
    if known is None:
        raise ConnectorFailed(Code.UNKNOWN_ACTION_TYPE, "The connector has no such operation.")
    for name in params:
        if name not in known:
            raise ConnectorFailed(
                Code.UNKNOWN_FIELD, "There is a parameter that the operation doesn't have.", path="$.params"
            )
    text = _text(params, "path")
    if operation == "list" and text == ".":
        return List(None)
    path = _path(text, protect)
    match operation:
        case "list":
            return List(path)
        case "read":
            encoding = _text(params, "encoding", "utf-8")
            if encoding not in ("utf-8", "base64"):
                raise _wrong("encoding", "The encoding is neither utf-8 nor base64.")
            return Read(path, encoding == "base64")
        case "delete":
            return Delete(path)
        case _:
            content = _text(params, "content")
            data = _encoded(content, max_bytes)
            return Write(path, content, data, _switch(params, "create"), _switch(params, "overwrite"))


def _path(text: str, protect: Iterable[str]) -> CleanPath:
    path = clean(text)
    if isinstance(path, PathFault):
        raise ConnectorFailed(path.code, path.sentence, path="$.params.path")
    if protected(path, protect) is not None:
        raise ConnectorFailed(
            Code.PATH_PROTECTED, "The path is protected: no action may touch it.", path="$.params.path"
        )
    return path


def _encoded(content: str, max_bytes: int) -> bytes:
    try:
        data = content.encode()
    except UnicodeEncodeError:
        raise ConnectorFailed(
            Code.LONE_SURROGATE,
            "The content holds half of a surrogate pair, so it is no Unicode text.",
            path="$.params.content",
        ) from None
    if len(data) > max_bytes:
        raise ConnectorFailed(
            Code.VALUE_TOO_LONG, f"The content is longer than {max_bytes} bytes.", path="$.params.content"
        )
    return data


def _wrong(name: str, message: str) -> ConnectorFailed:
    return ConnectorFailed(Code.WRONG_TYPE, message, path=f"$.params.{name}")


def _text(params: Mapping[str, Json], name: str, default: str | None = None) -> str:
    if name not in params and default is not None:
        return default
    if name not in params:
        raise ConnectorFailed(Code.MISSING_FIELD, f"The parameter {name} is missing.", path=f"$.params.{name}")
    value = params[name]
    if not isinstance(value, str):
        raise _wrong(name, f"The parameter {name} is no text.")
    return value


def _switch(params: Mapping[str, Json], name: str) -> bool:
    value = params.get(name, True)
    if not isinstance(value, bool):
        raise _wrong(name, f"The parameter {name} is neither true nor false.")
    return value
