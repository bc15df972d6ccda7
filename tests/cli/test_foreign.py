"""Whatever answers in a firewall's place gets neither believed nor printed."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from aaf.entrypoints.cli.approvals import _say_next
from tests.cli.conftest import KEY, run

ID = "00000000-0000-7000-8000-000000000000"
OTHER_KEY = "aaf_live_" + "7yK" * 12
UNLIKE_OURS = "of-another-product-0815"
HOSTILE = "\x1b[2J"


class _Foreign(BaseHTTPRequestHandler):
    """Answers as the first part of the path says."""

    def do_GET(self) -> None:
        self.key = self.headers["Authorization"].removeprefix("Bearer ")
        _WAYS[self.path.split("/")[1]](self)

    def says(self, status: int, body: object, **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def sends(self, text: str) -> None:
        self.wfile.write(text.encode())

    def refuses(self, text: str) -> None:
        self.says(409, {"code": text, "detail": text, "path": text, "hint": text})

    def log_message(self, *_: object) -> None:
        """Say nothing."""


_WHO = {"kind": "agent", "roles": [], "name": "x"}
_ROW: dict[str, object] = {
    **dict.fromkeys(("agent", "code", "hint", "risk", "status", "type"), "x"),
    **dict.fromkeys(("deadline", "expires_at", "revoked_at")),
    "id": HOSTILE,
    "created_at": "2026-01-31T12:00:00Z",
    "principal": _WHO,
    "action_types": [],
}
_LISTS = {"actions": [_ROW], "approvals": [{**_ROW, "agent": _WHO}], "keys": [_ROW]}
_HTML = b"<html>\x1b[2J</html>"
_CURSORS: list[Iterator[object]] = []
"""What the way `pages` names as the next page, one after the other, and then none."""
_WAYS: dict[str, Callable[[_Foreign], None]] = {
    "fails": lambda one: one.says(500, _HTML),
    "fine": lambda one: one.says(200, _HTML, Content_Type="text/html"),
    "moved": lambda one: one.says(302, b"", Location="/fine"),
    "moved-with-an-answer": lambda one: one.says(307, {"actions": [], "keys": [], "next": None}, Location="/fine"),
    "moved-with-a-refusal": lambda one: one.says(308, {"code": "not_found", "detail": "html"}, Location="/fine"),
    "moved-with-a-pack": lambda one: one.says(303, b"PK", Location="/fine", Content_Type="application/zip"),
    "moved-with-a-ledger": lambda one: one.says(301, b'{"size":0}\n', Location="/fine", Content_Type="text/plain"),
    "unheard": lambda one: one.says(799, {"code": "not_found", "detail": "html"}),
    "repeats": lambda one: one.refuses(one.key),
    "repeats-another": lambda one: one.refuses(f"({OTHER_KEY})"),
    "repeats-base64": lambda one: one.refuses(base64.b64encode(one.key.encode()).decode()),
    "repeats-first": lambda one: one.sends(f"HTTP/1.1 {one.key}\r\n\r\n"),
    "undated": lambda one: one.says(200, {"actions": [], "next": None}, Date="soon"),
    "pages": lambda one: one.says(200, {"actions": [], "approvals": [], "events": [], "next": next(_CURSORS[0], None)}),
    "hostile": lambda one: one.says(200, {**_LISTS, "next": None}),
}


@pytest.fixture(scope="module")
def foreign() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Foreign) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


NO_ANSWERS = ["fails", "fine", "unheard", *(way for way in _WAYS if way.startswith("moved"))]


@pytest.mark.parametrize("way", NO_ANSWERS)
def test_what_is_no_firewall_is_named_so_and_not_printed(foreign: str, way: str) -> None:
    ended = run("actions", "list", "--url", foreign + way, AAF_API_KEY=KEY)
    assert ended.status == 2
    assert ended.err.startswith("not_a_firewall: ")
    assert "What to do: " in ended.err
    assert "html" not in ended.out + ended.err


@pytest.mark.parametrize("command", [("proof", ID), ("audit", "export")], ids=" ".join)
@pytest.mark.parametrize("way", NO_ANSWERS)
def test_what_is_no_firewall_leaves_no_file(foreign: str, way: str, command: tuple[str, ...], tmp_path: Path) -> None:
    ended = run(*command, "-o", str(tmp_path / "file"), "--url", foreign + way, AAF_API_KEY=KEY)
    assert ended.status == 2
    assert ended.err.startswith("not_a_firewall: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", [KEY, UNLIKE_OURS])
@pytest.mark.parametrize("way", ["repeats", "repeats-another", "repeats-base64", "repeats-first"])
@pytest.mark.parametrize("command", [("actions", "list"), ("proof", ID, "-o", "/nowhere/file")], ids=" ".join)
def test_a_key_that_is_repeated_is_not_printed(foreign: str, way: str, key: str, command: tuple[str, ...]) -> None:
    ended = run(*command, "--url", foreign + way, AAF_API_KEY=key)
    assert ended.status in {1, 2}
    assert "[redacted]" in ended.err
    for one in (key, OTHER_KEY):
        assert one not in ended.out + ended.err
        assert base64.b64encode(one.encode()).decode().rstrip("=")[:-4] not in ended.out + ended.err


def test_a_date_that_is_none_is_no_time(foreign: str) -> None:
    ended = run("actions", "list", "--url", foreign + "undated", AAF_API_KEY=KEY)
    assert (ended.status, ended.err) == (0, "")


@pytest.mark.parametrize(
    ("command", "cursors"),
    [
        *(("actions", one) for one in (["x", "x"], ["x", "y"], ["x", 1], [1], [["x"]], [True])),
        *(("approvals", one) for one in (["x", "x"], ["x", "w", "x"])),
        *(("audit", one) for one in ([7, 7], [7, 6], [0], ["x"], [7, "x"], [7.5])),
    ],
    ids=str,
)
def test_pages_that_lead_back_or_nowhere_end_the_command(foreign: str, command: str, cursors: list[object]) -> None:
    _CURSORS[:] = [iter(cursors)]
    ended = run(command, "list", "--url", foreign + "pages", AAF_API_KEY=KEY)
    assert ended.status == 2
    assert ended.err.startswith("unexpected_answer: ")


@pytest.mark.parametrize(("command", "cursors"), [("actions", ["x", "w", "a"]), ("audit", [1, 2, 9])])
def test_pages_that_lead_on_are_followed_to_the_last(foreign: str, command: str, cursors: list[object]) -> None:
    _CURSORS[:] = [iter(cursors)]
    assert run(command, "list", "--url", foreign + "pages", AAF_API_KEY=KEY).status == 0
    assert list(_CURSORS[0]) == []


@pytest.mark.parametrize("command", ["keys", "actions", "approvals"])
def test_an_id_of_a_server_is_listed_inert(foreign: str, command: str) -> None:
    ended = run(command, "list", "--url", foreign + "hostile", AAF_API_KEY=KEY)
    assert ended.status == 0
    assert "\\u{1b}[2J" in ended.out
    assert "\x1b" not in ended.out


def test_an_id_of_a_server_is_inert_in_the_commands_that_come_next(capsys: pytest.CaptureFixture[str]) -> None:
    _say_next({"id": HOSTILE, "status": "pending_approval", "view": {"params": [], "claimed": []}})
    assert "approve \\u{1b}[2J\n" in capsys.readouterr().err
