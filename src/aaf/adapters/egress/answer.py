"""What comes back: the head judged, the body unpacked piece by piece within its caps.

One layer of gzip is understood, because we ask for nothing else. Whatever a second reader could frame or unpack in another way is a protocol
error, not a guess.
"""

import io
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from aaf.adapters.egress.failures import failed
from aaf.adapters.egress.request import Headers
from aaf.adapters.egress.rules import RATIO_FREE, Limits
from aaf.analysis.url import Url
from aaf.domain.errors import Code

MAX_FIELDS = 256
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SINGLE = frozenset({"content-encoding", "content-length", "content-type", "location", "transfer-encoding"})
_GZIP = frozenset({"gzip", "x-gzip"})
_STEP = 64 << 10
_BODYLESS = frozenset({204, 304})
_FREE_PIECES = 4096
_PIECE = 256
"""Beyond the free pieces this many bytes of the cap pay for one: reading a piece costs time whatever its size."""


@dataclass(frozen=True, slots=True)
class Response:
    """The last answer of a call: names of headers in lower case, `url` and `address` of the hop that gave it, `hops` redirects before it."""

    status: int
    headers: Headers
    body: bytes = field(repr=False)
    url: Url
    address: str
    hops: int


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of one answer."""

    status: int
    headers: Headers

    def get(self, name: str) -> str | None:
        """The first header of this name in lower case."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def location(self) -> str | None:
        """Where a redirect leads; None where the answer is none."""
        return self.get("location") if self.status in _REDIRECTS else None


def read_head(method: str, status: int, raw: Iterable[tuple[bytes, bytes]], limits: Limits) -> Head:
    """Judge status and headers of the answer to `method`.

    Raises:
        ConnectorFailed: the length is stated twice or in two ways, or too large, or the body is packed in a way that we didn't ask for.
    """
    head = Head(status, tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw))
    if not 200 <= status <= 599 or len(head.headers) > MAX_FIELDS:  # noqa: PLR2004 - the classes of RFC 9110 section 15
        raise failed(Code.EGRESS_PROTOCOL_ERROR, "status or number of headers")
    names = [name for name, _ in head.headers]
    if any(names.count(name) > 1 for name in _SINGLE) or {"content-length", "transfer-encoding"} <= set(names):
        raise failed(Code.EGRESS_PROTOCOL_ERROR, "headers that contradict each other")
    # Where no body comes, the length says how large it would be.
    comes = method != "HEAD" and status not in _BODYLESS
    if comes and int(head.get("content-length") or "0") > limits.wire:
        raise failed(Code.EGRESS_TOO_LARGE, "announced length")
    if (head.get("content-encoding") or "identity").strip().lower() not in {"identity", *_GZIP}:
        raise failed(Code.EGRESS_PROTOCOL_ERROR, "content encoding")
    return head


class Body:
    """Collects one body; nothing beyond the caps is ever in memory."""

    def __init__(self, head: Head, limits: Limits) -> None:
        packed = (head.get("content-encoding") or "").strip().lower() in _GZIP
        self._unpack = zlib.decompressobj(16 + zlib.MAX_WBITS) if packed else None
        self._limits = limits
        self._wire = 0
        self.pieces = 0
        self._out = io.BytesIO()

    def feed(self, chunk: bytes) -> None:
        """Take the next piece.

        Raises:
            ConnectorFailed: it is too large, unpacks to too much, comes in too many pieces, or isn't gzip where it says so.
        """
        self._wire += len(chunk)
        self.pieces += 1
        if self.pieces > _FREE_PIECES + self._limits.wire // _PIECE:
            raise failed(Code.EGRESS_TOO_LARGE, "pieces of a body")
        if self._wire > self._limits.wire:
            raise failed(Code.EGRESS_TOO_LARGE, "bytes of a body")
        if self._unpack is None:
            self._add(chunk)
            return
        while chunk:
            if self._unpack.eof:
                raise failed(Code.EGRESS_PROTOCOL_ERROR, "bytes after the end of gzip")
            try:
                self._add(self._unpack.decompress(chunk, _STEP))
            except zlib.error:
                raise failed(Code.EGRESS_PROTOCOL_ERROR, "not gzip") from None
            chunk = self._unpack.unconsumed_tail or self._unpack.unused_data

    def _add(self, piece: bytes) -> None:
        size = self._out.tell() + len(piece)
        if size > self._limits.body:
            raise failed(Code.EGRESS_TOO_LARGE, "decompressed bytes")
        if size > RATIO_FREE and size > self._wire * self._limits.ratio:
            raise failed(Code.EGRESS_TOO_LARGE, "ratio of compression")
        self._out.write(piece)

    def end(self) -> bytes:
        """The whole body.

        Raises:
            ConnectorFailed: gzip ended before its end.
        """
        if self._unpack is not None and self._wire and not self._unpack.eof:
            raise failed(Code.EGRESS_PROTOCOL_ERROR, "gzip ended early")
        return self._out.getvalue()  # not copied, so that one body is in memory once
