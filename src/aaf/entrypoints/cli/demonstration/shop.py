"""The shop of the story: a small HTTP server on this machine with orders to read and payments to take, and two bad habits.

It wants a key with each request, repeats the key in an answer, and has an address that redirects inward.
"""

import json
import secrets  # noqa: TID251 - the story's key is made up here; the product's randomness comes from its ports
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

METADATA = "http://169.254.169.254/latest/meta-data/iam/security-credentials/"
"""Where clouds give credentials to whoever asks from inside."""
ORDER = "/orders/17"
MOVED = "/orders/18"
PAYMENTS = "/payments"


@dataclass(slots=True)
class Shop:
    """Its address, its key, and what it was paid."""

    port: int
    key: str
    payments: list[bytes] = field(default_factory=list)

    def url(self, path: str) -> str:
        """The address of something in it."""
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def shop() -> Iterator[Shop]:
    """Open it on a free port of this machine, and close it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Counter)
    opened = _Counter.opened = Shop(server.server_port, "shop_" + secrets.token_urlsafe(24))
    thread = Thread(target=server.serve_forever, name="shop", daemon=True)
    thread.start()
    try:
        yield opened
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Counter(BaseHTTPRequestHandler):
    """Answers one request."""

    opened = Shop(0, "")

    def do_GET(self) -> None:
        """An order, or the way inward."""
        if self.path == MOVED:
            self._answer(HTTPStatus.FOUND, {}, location=METADATA)
        elif self._knows_the_key():
            told = {"order": 17, "total": "12.50 EUR", "you_sent": self.headers["Authorization"]}
            self._answer(HTTPStatus.OK, told)

    def do_POST(self) -> None:
        """A payment."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._knows_the_key():
            self.opened.payments.append(body)
            self._answer(HTTPStatus.CREATED, {"receipt": f"R-{len(self.opened.payments)}"})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of the library
        """Print nothing: the transcript is the firewall's."""

    def _knows_the_key(self) -> bool:
        known = self.headers["Authorization"] == f"Bearer {self.opened.key}"
        if not known:
            self._answer(HTTPStatus.UNAUTHORIZED, {"error": "who are you?"})
        return known

    def _answer(self, status: HTTPStatus, told: dict[str, object], *, location: str = "") -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
