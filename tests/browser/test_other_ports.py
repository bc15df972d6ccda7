"""Cookies know no ports: what a browser that is signed in on this machine sends to another program of it, and how its own pages are found."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site

pytestmark = pytest.mark.drill

HEADING = "The agent builder asks for shell.run"
PAGE = b"""<!doctype html><title>A development server</title><script>
for (const path of ["/", "/s/", "/approvals/", "/live"]) fetch(path, {credentials: "include"}).catch(() => 0);
fetch("CONSOLE/", {credentials: "include", mode: "no-cors"}).catch(() => 0);
</script><iframe src="/s/"></iframe>"""


@dataclass
class Neighbour:
    """Another program of the same machine, and each request that it got: path, cookies, referrer."""

    url: str
    seen: list[tuple[str, str | None, str | None]] = field(default_factory=list)


@contextmanager
def _neighbour(console: str) -> Iterator[Neighbour]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.seen.append((self.path, self.headers.get("Cookie"), self.headers.get("Referer")))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE.replace(b"CONSOLE", console.encode()))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the library gives it
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Neighbour(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def test_another_program_of_this_machine_is_sent_no_cookie_and_no_address_of_the_session(site: Site) -> None:
    with site.context() as (context, page), _neighbour(site.url) as neighbour:
        (cookie,) = context.cookies()
        root = page.evaluate("document.body.dataset.root")
        assert cookie["path"] == f"{root}/"
        other = context.new_page()
        for path in ("/", "/sign-in", "/approvals/x", "/live", "/s/", f"/s/{'0' * 32}/"):
            other.goto(neighbour.url + path, wait_until="networkidle")
        page.evaluate("address => { location.href = address; }", f"{neighbour.url}/followed")
        page.wait_for_url(f"{neighbour.url}/followed", wait_until="networkidle")
        assert {"/", "/s/", "/live", "/followed"} <= {path for path, _, _ in neighbour.seen}
        assert {cookies for _, cookies, _ in neighbour.seen} == {None}
        assert not any(root in f"{path} {referrer}" for path, _, referrer in neighbour.seen)
        # The control: beneath that path it would be sent, so the path is what keeps it back.
        other.goto(f"{neighbour.url}{root}/")
        assert any(cookies and cookie["value"] in cookies for _, cookies, _ in neighbour.seen)


def test_a_link_without_the_sessions_path_leads_to_the_page_where_somebody_is_signed_in(site: Site) -> None:
    action = site.asks("shell.run", {"command": "ls"})
    with site.context() as (context, page):
        root = page.evaluate("document.body.dataset.root")
        other = context.new_page()
        other.goto(f"{site.url}/approvals/{action}", wait_until="commit")
        expect(other.get_by_role("heading", level=1)).to_have_text(HEADING)
        assert other.url == f"{site.url}{root}/approvals/{action}"
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("You are signed out.")).to_be_visible()
        assert page.evaluate("localStorage.length") == 0
        page.goto(f"{site.url}/approvals/{action}")
        expect(page.get_by_label("Your API key")).to_be_visible()
        assert page.url == f"{site.url}/sign-in?next=%2Fapprovals%2F{action}"


@pytest.mark.parametrize(
    "kept", ["/s/" + "0" * 32, "//example.org/s/" + "0" * 32, "https://example.org", "/s/../static", "javascript:0"]
)
def test_a_path_that_leads_to_no_session_ends_at_the_form(site: Site, kept: str) -> None:
    with site.context(who=None) as (_, page):
        page.goto(f"{site.url}/sign-in")
        page.evaluate("path => localStorage.setItem('root', path)", kept)
        page.goto(f"{site.url}/actions", wait_until="commit")
        page.wait_for_url(re.compile(r"/sign-in\?next=%2Factions(&ended=)?$"), wait_until="networkidle")
        expect(page.get_by_label("Your API key")).to_be_visible()
        page.get_by_label("Your API key").fill(site.keys["ada"])
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(re.compile(r"/s/[0-9a-f]{32}/actions$"))


def test_without_script_a_link_without_the_sessions_path_asks_for_the_key_again(site: Site) -> None:
    action = site.asks("shell.run", {"command": "ls"})
    with site.context(script=False) as (_, page):
        page.goto(f"{site.url}/approvals/{action}")
        page.get_by_label("Your API key").fill(site.keys["ada"])
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(HEADING)
