"""From a raw request to an authenticated caller and one strict JSON value: who first, then what, and nothing unread in between.

Identity comes from the key alone. Every body is read by `domain.canonical.parse`, within a limit that counts what arrives and not what
was announced. Query parameters that a route doesn't have are refused, and so are repeated ones: no request has two readings.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any, cast

from fastapi import Depends
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from aaf.domain.canonical import Json, parse
from aaf.domain.errors import Code, InputRefused
from aaf.entrypoints.api.problems import refusal
from aaf.entrypoints.api.waking import Wakes
from aaf.services.access import authenticate
from aaf.services.core import Caller, Core

_NO_KEY = "no key"
"""Stands for credentials of another kind or that contradict each other; it is not well formed, so it is refused and counted like an unknown key."""
_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class ApiLimits:
    """What one request may cost: `body` in bytes, `wait` the longest poll in seconds."""

    body: int = 1_048_576
    wait: int = 60


@dataclass(frozen=True, slots=True)
class Door:
    """What every route shares."""

    core: Core
    limits: ApiLimits
    wakes: Wakes = field(default_factory=Wakes)


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


async def authenticated(core: Core, request: Request) -> Caller:
    """Find out who is calling, from the credential in the headers and from nothing else.

    Raises:
        NotAuthenticated: no key, one that isn't good, or several.
    """
    keys: set[str] = set()
    agents: set[str] = set()
    for name, value in request.headers.raw:
        if name == b"authorization":
            text = value.decode("latin-1")
            scheme = text[: len(_BEARER)].lower()
            keys.add(text[len(_BEARER) :].strip() if scheme == _BEARER else _NO_KEY)
        elif name == b"x-agent-key":
            keys.add(value.decode("latin-1").strip())
        elif name == b"x-agent-id":
            agents.add(value.decode("latin-1").strip())
    key = None if not keys else keys.pop() if len(keys) == 1 else _NO_KEY
    agent = None if not agents else agents.pop() if len(agents) == 1 else _NO_KEY
    source = request.client.host if request.client else "local"
    return await authenticate(core, key=key, agent=agent, source=source)


async def read_body(request: Request, limit: int) -> bytes:
    """Read the body, at most `limit` bytes of it.

    Raises:
        InputRefused: BODY_TOO_LARGE, as soon as it is known.
    """
    declared = request.headers.get("content-length", "")
    if len(declared) > len(str(limit)) or (declared.isdecimal() and int(declared) > limit):
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def gone() -> Response:
    """Stands for an answer to a client that went while it was sending: nobody reads it, and it is no incident."""
    return Response(status_code=400)


def _too_large(limit: int) -> InputRefused:
    """What a body beyond the limit is answered."""
    return InputRefused(Code.BODY_TOO_LARGE, f"A body has at most {limit} bytes.")


def read_json(request: Request, body: bytes) -> Json:
    """Read one strict JSON value.

    Raises:
        InputRefused: it is no JSON by its content type or by its bytes.
    """
    kind, _, parameter = request.headers.get("content-type", "").lower().partition(";")
    if kind.strip() != "application/json" or parameter.strip() not in {"", "charset=utf-8"}:
        raise InputRefused(
            Code.BAD_REQUEST, "A body has to be JSON.", hint="Send it with `Content-Type: application/json`."
        )
    return parse(body)


def _value(request: Request, body: bytes, *, takes_body: bool) -> Json:
    """The value of a body; a route without one takes none, or an empty object."""
    if not body and not takes_body:
        return None
    value = read_json(request, body)
    if takes_body or value == {}:
        return value
    raise InputRefused(Code.UNKNOWN_FIELD, "This request has no body.", hint="Send none, or an empty object.", path="$")


def check_query(request: Request, known: frozenset[str]) -> None:
    """Refuse query parameters that the route doesn't have, and repeated ones.

    Raises:
        InputRefused: UNKNOWN_FIELD or BAD_REQUEST.
    """
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

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler."""
        handler = super().get_route_handler()
        known = frozenset(parameter.alias for parameter in self.dependant.query_params)
        takes_body = self.body_field is not None

        async def handle(request: Request) -> Response:
            door = cast("Door", request.app.state.door)
            try:
                request.state.call = Call(door, await authenticated(door.core, request), request)
                check_query(request, known)
                body = await read_body(request, door.limits.body)
                value = _value(request, body, takes_body=takes_body)
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
