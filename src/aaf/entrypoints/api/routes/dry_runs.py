"""Looking back over recorded decisions: what a candidate would change, and which rules what was allowed or approved would need.

Both read for long, so they answer line by line as they go, let others in between, and end when their client does. An organisation's history is read
by one at a time.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from aaf.domain.errors import Code, InputRefused, Unavailable
from aaf.entrypoints.api.openapi import lines, refusals
from aaf.entrypoints.api.receiving import Authenticated, Call, DoorRoute
from aaf.entrypoints.api.requests import CandidateBody, DryRunBody, SuggestBody
from aaf.entrypoints.api.wire import WIRE, Wire
from aaf.entrypoints.refusing import refused
from aaf.policy.replaying import instant_of
from aaf.services.replay import Progress, Wanted, replay
from aaf.services.replay_candidate import Candidate, Files, OfDraft, OfRelease
from aaf.services.suggesting import Sought, suggest

MEDIA_TYPE = "application/x-ndjson"
_PAUSE = 0.25
"""Seconds between two lines of progress."""
_LINES = "Lines `{progress}` while it looks, then one `{result}`, or one `{problem}` where it broke off; without either it isn't whole."

router = APIRouter(prefix="/v1", route_class=DoorRoute, tags=["policies"])


@router.post(
    "/dry-run",
    response_class=StreamingResponse,
    summary="Compare recorded decisions with a candidate",
    responses={**lines(_LINES), **refusals(400, 403, 404)},
)
async def dry_run(call: Authenticated, body: DryRunBody) -> Response:
    """Nothing is written, charged or run. What can't be decided is counted in `not_decidable`, never as no change."""
    now = await call.core.store.now()
    wanted = Wanted(
        candidate=_candidate(body.candidate),
        since=_instant(body.since, now, "since", 0),
        until=_instant(body.until, now, "until", now),
        agent=body.agent,
        types=tuple(body.actions),
        against=body.against,
        limit=body.limit,
        examples=body.examples,
    )
    return await _begun(call, lambda: replay(call.core, call.caller, wanted))


@router.post(
    "/policies/suggest",
    response_class=StreamingResponse,
    summary="Suggest the narrowest rules for what an agent did",
    responses={**lines(_LINES), **refusals(400, 403, 404)},
)
async def suggest_policy(call: Authenticated, body: SuggestBody) -> Response:
    """Nothing is activated. No suggested rule covers what a person rejected or a policy denied."""
    now = await call.core.store.now()
    sought = Sought(
        agent=body.agent,
        since=_instant(body.since, now, "since", 0),
        until=_instant(body.until, now, "until", now),
        types=tuple(body.actions),
        payments=body.payments,
    )
    return await _begun(call, lambda: suggest(call.core, call.caller, sought))


def _candidate(body: CandidateBody) -> Candidate:
    """The one that is named.

    Raises:
        InputRefused: none or several are.
    """
    match body.files, body.draft, body.release:
        case dict() as files, None, None:
            return Files({name: text.encode() for name, text in files.items()})
        case None, str() as draft, None:
            return OfDraft(draft)
        case None, None, int() as number:
            return OfRelease(number)
        case _:
            hint = "Send exactly one of `files`, `draft` and `release`."
            raise InputRefused(Code.WRONG_TYPE, "The candidate is not named.", hint=hint, path="$.candidate")


def _instant(text: str | None, now: int, name: str, default: int) -> int:
    """An instant of the body.

    Raises:
        InputRefused: it names none.
    """
    if text is None:
        return default
    try:
        return instant_of(text, now)
    except (ValueError, OverflowError):
        hint = "Write an RFC 3339 instant, or how long ago: 90s, 30m, 12h, 7d, 4w."
        raise InputRefused(Code.WRONG_TYPE, "This is no instant.", hint=hint, path=f"$.{name}") from None


async def _begun(call: Call, begin: Any) -> Response:  # noqa: ANN401 - a service that gives steps
    """Take the organisation's place and begin.

    Raises:
        Unavailable: somebody else has it.
    """
    org, places = call.caller.principal.org, call.door.dry_runs
    if org in places:
        raise Unavailable(
            Code.TOO_MANY_CONNECTIONS,
            "Somebody is looking over this organisation's history just now.",
            hint="Wait until that ends; one at a time is read.",
        )
    places.add(org)
    try:
        return _Steps(call, await begin())
    except BaseException:
        places.discard(org)
        raise


class _Steps(StreamingResponse):
    """The steps of one look back, a line each; its place is free again when it ends, however that is."""

    def __init__(self, call: Call, steps: Any) -> None:  # noqa: ANN401 - an asynchronous generator of steps
        super().__init__(self._lines(steps), 200, {"X-Accel-Buffering": "no"}, MEDIA_TYPE)
        self._call = call
        self._wire: Wire | None = call.request.scope.get("state", {}).get(WIRE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._call.door.dry_runs.discard(self._call.caller.principal.org)

    async def _lines(self, steps: Any) -> AsyncIterator[bytes]:  # noqa: ANN401 - as above
        """Progress now and then, and how it ended."""
        core, time = self._call.core, asyncio.get_running_loop().time
        due = 0.0
        try:
            async with aclosing(steps):
                async for step in steps:
                    if self._wire is not None and self._wire.ending:
                        raise Unavailable(Code.SHUTTING_DOWN, "The server ends.")  # noqa: TRY301 - told like any other
                    if not isinstance(step, Progress):
                        yield _line("result", step.to_json())
                    elif time() >= due:
                        due = time() + _PAUSE
                        yield _line("progress", step.to_json())
                    await asyncio.sleep(0)
        except Exception as error:  # noqa: BLE001 - the response has begun, so whatever it is goes into its last line
            told = refused(core, error)
            problem = {"code": str(told.code), "detail": told.error.message, "hint": told.hint}
            yield _line("problem", problem if told.incident is None else {**problem, "incident": told.incident})


def _line(name: str, value: object) -> bytes:
    return orjson.dumps({name: value}) + b"\n"
