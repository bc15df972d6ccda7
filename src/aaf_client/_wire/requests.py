"""The requests, one function each, and for each when it may be repeated. No request holds a credential."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from aaf_client._wire.port import Repeat, Request
from aaf_client.codecs import ANY
from aaf_client.errors import Misuse
from aaf_client.gate import Run
from aaf_client.models import Action, Json
from aaf_client.performing import id_of, named

POLL_TIME: Final = 25
"""Seconds of one long poll: shorter than what proxies cut."""

LAST_LOOK: Final = 5.0
"""Seconds for one more look where the time of the whole call is over: what happened last should not stay unseen."""

_POLL_GRACE = 10.0
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_MAX_BODY = 1_048_576


def submit(
    name: str | None,
    params: Mapping[str, Any] | None,
    *,
    tool: str | None,
    operation: str | None,
    context: Mapping[str, Any] | None,
    server: str | None,
    run: Run,
    key: str,
) -> Request:
    """Repeatable at any time: the key makes the firewall know it again.

    Raises:
        Misuse: the names, the values or the key can't be sent.
    """
    names = named(name, tool, operation)
    if not _KEY.fullmatch(key):
        raise Misuse("An idempotency key has 1 to 255 printable ASCII characters.")
    body = {**names, "params": dict(params or {}), "context": dict(context or {}), "server": server, "run": run}
    return Request("POST", "/v1/actions", _encoded(body), {"Idempotency-Key": key})


def read(action: Action | str, *, wait: int = 0) -> Request:
    """Read an action; with `wait`, the firewall answers later, when it has moved on."""
    query = f"?wait={wait}" if wait else ""
    return Request("GET", f"/v1/actions/{_id(action)}{query}", patience=wait + _POLL_GRACE)


def listen(action: Action | str, *, last: str = "") -> Request:
    """Have the states of an action sent as they come; `last` is the id of the last event seen."""
    headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
    return Request("GET", f"/v1/actions/{_id(action)}/events", None, headers)


def execute(action: Action, *, patience: float) -> Request:
    """Sent again only by who has looked: the firewall runs it once, and a repeated request is told so."""
    body = _encoded({"digest": action.digest})
    return Request("POST", f"/v1/actions/{_id(action)}/execute", body, {}, Repeat.UNSENT, patience)


def cancel(action: Action | str) -> Request:
    """Repeatable: taken back twice is taken back."""
    return Request("POST", f"/v1/actions/{_id(action)}/cancel", b"")


def permit(action: Action, *, audience: str) -> Request:
    """Repeatable: a new permit makes an earlier unused one void."""
    body = _encoded({"digest": action.digest, "audience": audience})
    return Request("POST", f"/v1/actions/{_id(action)}/permit", body)


def consume(jti: str, *, digest: str) -> Request:
    """Never repeated once it may have arrived."""
    return Request("POST", f"/v1/permits/{_id(jti)}/consume", _encoded({"digest": digest}), {}, Repeat.UNSENT)


def report(action: Action | str, *, lease: str, succeeded: bool, result: Json) -> Request:
    """Repeatable: the lease makes the firewall know the run, whose end is recorded once."""
    body = _encoded({"lease": lease, "succeeded": succeeded, "result": result})
    return Request("POST", f"/v1/actions/{_id(action)}/outcome", body)


def _id(what: Action | str) -> str:
    """An id, fit for a path."""
    text = id_of(what)
    if not _ID.fullmatch(text):
        raise Misuse("This is no id of an action or a permit.")
    return text


def _encoded(body: Mapping[str, Any]) -> bytes:
    """The JSON bytes; what JSON can't hold is refused here, so that it can't become something else on the way."""
    try:
        data = json.dumps(ANY.encode(body), ensure_ascii=False, separators=(",", ":")).encode()
    except ValueError as error:
        raise Misuse(
            f"The values can't be sent. {error}",
            hint="Use objects with string keys, lists, strings, finite numbers, booleans and None.",
        ) from None
    if len(data) > _MAX_BODY:
        raise Misuse("The request is larger than any firewall takes.", hint="Send a reference to the data.")
    return data
