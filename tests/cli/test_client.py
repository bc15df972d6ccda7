import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.cli.conftest import Scene, run

KEY = "aaf_live_" + "x" * 36


class _Foreign(BaseHTTPRequestHandler):
    """Something that is no firewall."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path.startswith("/fine") else 500)
        self.end_headers()
        self.wfile.write(b"<html>\x1b[2J</html>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def foreign() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Foreign) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://192.0.2.1:8700", "bad_url"),
        ("http://example.org", "bad_url"),
        ("http://ada:secret@127.0.0.1:1", "bad_url"),
        ("ftp://127.0.0.1", "bad_url"),
        ("127.0.0.1:8700", "bad_url"),
        ("http://127.0.0.1:8700/?key=1", "bad_url"),
        ("http://127.0.0.1:1", "unreachable"),
        ("https://127.0.0.1:1", "unreachable"),
    ],
)
def test_an_address_that_is_none_or_unsafe_or_silent_is_refused(url: str, code: str) -> None:
    ended = run("actions", "list", "--url", url, AAF_API_KEY=KEY)
    assert ended.status == 2
    assert ended.err.startswith(f"{code}: ")
    assert "What to do: " in ended.err
    assert "secret" not in ended.err
    assert KEY not in ended.err


@pytest.mark.parametrize("path", ["", "/fine"])
def test_what_is_no_firewall_is_named_so_and_not_printed(foreign: str, path: str) -> None:
    ended = run("actions", "list", "--url", foreign + path, AAF_API_KEY=KEY)
    assert ended.status == 2
    assert ended.err.startswith("not_a_firewall: ")
    assert "html" not in ended.err


def test_without_a_key_nothing_is_asked(scene: Scene) -> None:
    ended = run("actions", "list", AAF_URL=scene.stage.url)
    assert ended.status == 2
    assert ended.err.startswith("missing_credential: ")


def test_a_key_that_no_header_can_hold_is_refused(scene: Scene) -> None:
    ended = run("actions", "list", AAF_URL=scene.stage.url, AAF_API_KEY="aaf\r\nX: y")
    assert ended.status == 2
    assert ended.err.startswith("invalid_credential: ")


def test_a_key_is_no_argument_of_any_command(scene: Scene) -> None:
    ended = run("actions", "list", "--key", scene.keys["ada"], AAF_URL=scene.stage.url)
    assert ended.status == 2
    assert scene.keys["ada"] not in ended.err


def test_a_proxy_of_the_environment_is_not_used(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert scene.aaf("actions", "list").status == 0


def test_certificates_that_are_none_are_refused(tmp_path: Path) -> None:
    for name in ("missing.pem", "empty.pem"):
        (tmp_path / "empty.pem").write_text("nothing")
        ended = run("actions", "list", "--url", "https://127.0.0.1:1", "--ca", str(tmp_path / name), AAF_API_KEY=KEY)
        assert ended.err.startswith("bad_certificates: ")


def test_json_is_ascii(scene: Scene) -> None:
    scene.asks("files.read", {"path": "notes/ä\u2028.txt"})
    printed = scene.aaf("actions", "list", "--json").out
    assert printed.isascii()
    json.loads(printed)
