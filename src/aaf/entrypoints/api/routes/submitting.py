"""`POST /v1/actions`, the hot route: plain ASGI, no model classes and no framework between the bytes and the service."""

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from aaf.domain.errors import Code, InputRefused
from aaf.entrypoints.api.answers import answer
from aaf.entrypoints.api.problems import refusal
from aaf.entrypoints.api.receiving import (
    Door,
    Headers,
    authenticated,
    check_query,
    gone,
    headers_of,
    read_body,
    read_json,
)
from aaf.services.actions import see
from aaf.services.forming import read_submission
from aaf.services.submit import submit
from aaf.services.telling import tell, tell_seen

PATH = "/v1/actions"
METHOD = "POST"


class Submitting:
    """The ASGI application of the one route."""

    def __init__(self, door: Door) -> None:
        """Serve `door`."""
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; every error is a problem."""
        try:
            response = await self._submit(Request(scope, receive))
        except ClientDisconnect:
            response = gone()
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is a problem and nothing more is done
            response = refusal(self._door.core, error)
        await response(scope, receive, send)

    async def _submit(self, request: Request) -> Response:
        """Who, what, decide, answer: 201 with the action, also where it was denied or is held."""
        core, headers = self._door.core, headers_of(request)
        caller = await authenticated(core, request, headers, fresh=False)
        check_query(request)
        body = await read_body(request, headers, self._door.limits)
        submission = read_submission(read_json(headers, body))
        submitted = await submit(core, caller, submission, idempotency_key=_idempotency_key(headers))
        record = submitted.record
        sent = {"Location": f"{PATH}/{record.id}"}
        if submitted.created:
            return answer(tell(caller, record, result=submitted.result, faults=submitted.faults), 201, sent)
        sent["Idempotent-Replayed"] = "true"
        return answer(tell_seen(caller, await see(core, caller, record.id)), 200, sent)


def _idempotency_key(headers: Headers) -> str | None:
    """The header, once or not at all.

    Raises:
        InputRefused: it is given twice.
    """
    keys = headers.get(b"idempotency-key", [])
    if len(keys) > 1:
        raise InputRefused(Code.BAD_REQUEST, "The header Idempotency-Key is given twice.", hint="Send one key.")
    return keys[0].decode("latin-1") if keys else None
