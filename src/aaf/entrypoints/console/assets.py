"""Style and script, read once and served under an address that holds their hash: what is cached for ever never changes."""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from aaf.domain.errors import Code, NotFound

_KINDS = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@cache
def _contents() -> Mapping[str, tuple[bytes, str]]:
    """What is served, by name with hash, with its kind."""
    found: dict[str, tuple[bytes, str]] = {}
    for name, kind in _KINDS.items():
        content = (files("aaf.entrypoints.console") / "static" / name).read_bytes()
        stem, _, ending = name.partition(".")
        found[f"{stem}.{sha256(content).hexdigest()[:16]}.{ending}"] = (content, kind)
    return found


@cache
def address(name: str) -> str:
    """Where an asset is served."""
    stem, _, ending = name.partition(".")
    return next(f"/static/{one}" for one in _contents() if one.startswith(f"{stem}.") and one.endswith(f".{ending}"))


async def asset(request: Request) -> Response:
    """Serve one.

    Raises:
        NotFound: there is none of this name and content.
    """
    found = _contents().get(request.path_params["name"])
    if found is None:
        raise NotFound(Code.NOT_FOUND, "There is no such file.", hint="Load the page again.")
    return Response(found[0], 200, {"Cache-Control": "public, max-age=31536000, immutable"}, found[1])
