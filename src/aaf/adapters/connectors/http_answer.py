"""What a target's answer becomes: a result without the credential that was sent, and without what its field names call sensitive.

Few headers are kept, none that sets a cookie. The body is text where it is UTF-8, otherwise Base64. Nothing is cut: an answer that is
too large failed before. The content stays untrusted, whatever it says.
"""

import base64
import codecs
import json
from typing import Any

from aaf.adapters.egress.answer import Response
from aaf.domain.canonical import Json
from aaf.domain.redaction import MASK, Fields, Values

KEPT_HEADERS = frozenset(
    {
        *(
            "cache-control",
            "content-language",
            "content-range",
            "content-type",
            "date",
            "etag",
            "expires",
            "last-modified",
        ),
        *("link", "location", "ratelimit", "ratelimit-policy", "retry-after", "x-request-id"),
        *("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
    }
)
"""Headers of an answer that an agent gets."""
_BLANK = b" \t\r\n"
_MOST_DIGITS = 640
"""The least to which Python's own limit of digits can be set."""


def result_of(response: Response, values: Values, fields: Fields) -> Json:
    """The result of a run."""
    body = _without_fields(values.clean(response.body), fields)
    try:
        text, encoding = body.decode(), "utf-8"
    except UnicodeDecodeError:
        text, encoding = base64.b64encode(body).decode("ascii"), "base64"
    headers: dict[str, Json] = {}
    for name, value in response.headers:
        if name in KEPT_HEADERS:
            before = headers.get(name)
            headers[name] = values.clean_text(value if before is None else f"{before}, {value}")
    return {
        "body": text,
        "bytes": len(body),
        "encoding": encoding,
        "headers": headers,
        "redirects": response.hops,
        "status": response.status,
        "url": values.clean_text(str(response.url)),
    }


def _whole(digits: str) -> int | str:
    """A number; the text of one with more digits than Python reads, so that it hides nothing that stands beside it."""
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def _without_fields(body: bytes, fields: Fields) -> bytes:
    """A JSON body without the values of sensitive fields; any other body, and one without such fields, byte for byte.

    Of a name that comes twice each value counts: readers differ in which they take. What Python's reader can't read, such as lists a
    thousand deep, is no JSON here.
    """
    found = False

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        kept: dict[str, Any] = {}
        for name, value in pairs:
            sensitive = value is not None and name in fields
            found |= sensitive
            kept[name] = MASK if sensitive else value
        return kept

    text = body.removeprefix(codecs.BOM_UTF8)
    if text.lstrip(_BLANK)[:1] not in {b"{", b"["}:
        return body
    try:
        value: Any = json.loads(text, object_pairs_hook=members, parse_int=_whole)
        if not found:
            return body
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        return body
