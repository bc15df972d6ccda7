"""From a raw request to an authenticated caller and one strict JSON value: who first, then what, and nothing unread in between.

Identity comes from the key alone. Every body is read by `domain.canonical.parse`, within a limit that counts what arrives and not what
was announced. Query parameters that a route doesn't have are refused, and so are repeated ones: no request has two readings.
"""

from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeAlias, cast

from fastapi import Depends
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from aaf.domain.canonical import Json, parse
from aaf.domain.errors import Code, InputRefused
from aaf.entrypoints.api.problems import refusal
from aaf.entrypoints.api.waking import Wakes
from aaf.entrypoints.receiving import body_of, source_of, too_large
from aaf.services.access import authenticate
from aaf.services.core import Caller, Core

_NO_KEY = "no key"
"""Stands for credentials of another kind or that contradict each other; it is not well formed, so it is refused and counted like an unknown key."""
_BEARER = "bearer "
_PLAIN_JSON = [b"application/json"]


@dataclass(frozen=True, slots=True)
class ApiLimits:
    """What one request may cost: `body` in bytes, `body_time` to send it and `wait` the longest poll in seconds.

    Of streams there are `streams` at most and `own_streams` of one principal; each lasts `stream_time` seconds and says something after
    `heartbeat` at the latest.
    """

    body: int = 1_048_576
    body_time: float = 30
    wait: int = 60
    streams: int = 512
    own_streams: int = 32
    stream_time: float = 300
    heartbeat: float = 15


@dataclass(frozen=True, slots=True)
class Door:
    """What every route shares."""

    core: Core
    limits: ApiLimits
    wakes: Wakes = field(default_factory=Wakes)
    streams: Counter[str] = field(default_factory=Counter)
    """How many streams each principal has open."""
    dry_runs: set[str] = field(default_factory=set)
    """The organisations over whose history somebody looks just now: each is read by one at a time."""


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request."""

    door: Door
    caller: Caller
    request: Request

    @property
    def core(self) -> Core:
        """The ports."""
        return self.door.core


Headers: TypeAlias = dict[bytes, list[bytes]]
"""Values by lower-case name, in the order they came."""


def headers_of(request: Request) -> Headers:
    """Collect the headers in one pass; a repeated one keeps all its values."""
    found: Headers = {}
    for name, value in request.scope["headers"]:
        found.setdefault(name, []).append(value)
    return found


async def authenticated(core: Core, request: Request, headers: Headers, *, fresh: bool = True) -> Caller:
    """Find out who is calling, from the credential in the headers and from nothing else; `fresh` as `authenticate` takes it.

    Raises:
        NotAuthenticated: no key, one that isn't good, or several.
    """
    keys = {_bearer(value) for value in headers.get(b"authorization", ())}
    keys.update(value.decode("latin-1").strip() for value in headers.get(b"x-agent-key", ()))
    agents = {value.decode("latin-1").strip() for value in headers.get(b"x-agent-id", ())}
    return await authenticate(core, key=_only(keys), agent=_only(agents), source=source_of(request), fresh=fresh)


def _bearer(value: bytes) -> str:
    """The key of an `Authorization` header."""
    text = value.decode("latin-1")
    return text[len(_BEARER) :].strip() if text[: len(_BEARER)].lower() == _BEARER else _NO_KEY


def _only(values: set[str]) -> str | None:
    """The one value, if there is one and not another."""
    if not values:
        return None
    return values.pop() if len(values) == 1 else _NO_KEY


async def read_body(request: Request, headers: Headers, limits: ApiLimits, limit: int | None = None) -> bytes:
    """Read the body, within its limits; `limit` is in bytes, by default that of all bodies.

    Raises:
        InputRefused: BODY_TOO_LARGE, as soon as it is known; REQUEST_TIMEOUT; a second Content-Type.
        ClientDisconnect: the client went before the end.
    """
    if len(headers.get(b"content-type", ())) > 1:
        raise InputRefused(Code.BAD_REQUEST, "The header Content-Type is given twice.", hint="Send it once.")
    most = limits.body if limit is None else limit
    for declared in headers.get(b"content-length", ()):
        if len(declared) > len(str(most)) or (declared.isdigit() and int(declared) > most):
            raise too_large(most)
    return await body_of(request, limit=most, seconds=limits.body_time)


def gone() -> Response:
    """Stands for an answer to a client that went while it was sending: nobody reads it, and it is no incident."""
    return Response(status_code=400)


def read_json(headers: Headers, body: bytes) -> Json:
    """Read one strict JSON value.

    Raises:
        InputRefused: it is no JSON by its content type or by its bytes.
    """
    if headers.get(b"content-type") != _PLAIN_JSON:
        kinds = headers.get(b"content-type", [b""])
        kind, _, parameter = kinds[0].decode("latin-1").lower().partition(";")
        if kind.strip() != "application/json" or parameter.strip() not in {"", "charset=utf-8"}:
            raise InputRefused(
                Code.BAD_REQUEST, "A body has to be JSON.", hint="Send it with `Content-Type: application/json`."
            )
    return parse(body)


def _value(headers: Headers, body: bytes, *, takes_body: bool) -> Json:
    """The value of a body; a route without one takes none, or an empty object."""
    if not body and not takes_body:
        return None
    value = read_json(headers, body)
    if takes_body or value == {}:
        return value
    raise InputRefused(Code.UNKNOWN_FIELD, "This request has no body.", hint="Send none, or an empty object.", path="$")


def check_query(request: Request, known: frozenset[str] = frozenset()) -> None:
    """Refuse query parameters that the route doesn't have, and repeated ones.

    Raises:
        InputRefused: UNKNOWN_FIELD or BAD_REQUEST.
    """
    if not request.scope["query_string"]:
        return
    given = [name for name, _ in request.query_params.multi_items()]
    if not known.issuperset(given):
        expected = f"Parameters are: {', '.join(sorted(known))}." if known else "There are none here."
        raise InputRefused(
            Code.UNKNOWN_FIELD, "There is a query parameter that this address does not have.", hint=expected
        )
    if len(set(given)) < len(given):
        raise InputRefused(Code.BAD_REQUEST, "A query parameter is given twice.", hint="Send every parameter once.")


class _Read(Request):
    """A request whose body was read and parsed: what FastAPI asks of it is what the strict parser found."""

    def __init__(self, request: Request, body: bytes, value: Json) -> None:
        super().__init__(request.scope, request.receive)
        self._read_body = body
        self._read_value = value

    async def body(self) -> bytes:
        return self._read_body

    async def json(self) -> Any:  # noqa: ANN401 - the signature of the class
        return self._read_value


class DoorRoute(APIRoute):
    """A route that authenticates before it reads, reads strictly, and answers every error as a problem."""

    def body_limit(self, caller: Caller, limit: int) -> int:  # noqa: ARG002 - other routes look at the caller
        """How many bytes this caller may send here; `limit` is that of all bodies."""
        return limit

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler."""
        handler = super().get_route_handler()
        known = frozenset(parameter.alias for parameter in self.dependant.query_params)
        takes_body = self.body_field is not None

        async def handle(request: Request) -> Response:
            door = cast("Door", request.app.state.door)
            try:
                headers = headers_of(request)
                caller = await authenticated(door.core, request, headers)
                request.state.call = Call(door, caller, request)
                check_query(request, known)
                body = await read_body(request, headers, door.limits, self.body_limit(caller, door.limits.body))
                value = _value(headers, body, takes_body=takes_body)
                return await handler(_Read(request, body, value))
            except ClientDisconnect:
                return gone()
            except Exception as error:  # noqa: BLE001 - whatever it is, the answer is a problem and nothing more is done
                return refusal(door.core, error)

        return handle


async def _call(request: Request) -> Call:
    return cast("Call", request.state.call)


Authenticated = Annotated[Call, Depends(_call)]
"""The authenticated request, as a route's parameter."""
