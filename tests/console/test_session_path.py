"""Without TLS a session lives beneath a path that nobody can guess: browsers send cookies to every port of a machine, and only there."""

import re

import pytest

from aaf.domain.errors import Code, StoreFailed
from tests.console.pages import OURS, Desk, Page, bare
from tests.console.test_pages import _broken

LONG = "line\n" * 1_000
ID = "01234567-89ab-7def-8123-456789abcdef"
OTHER = "/s/" + "0" * 32
TLS = "https://aaf.example.org"


def _sign_in(desk: Desk, url: str, target: str = "/") -> Page:
    fields = {"key": desk.world.key("approver"), "next": target}
    return Page(desk.browser().send("POST", f"{url}/sign-in", data=fields, headers=OURS))


def _attributes(page: Page) -> set[str]:
    return {one.strip().lower() for one in page.response.headers["set-cookie"].split(";")[1:]}


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8700", "http://localhost:8700", "http://[::1]:8700", "http://aaf.localhost:8700"]
)
def test_without_tls_the_cookie_is_for_the_sessions_own_path_and_the_browser_is_led_there(desk: Desk, url: str) -> None:
    roots = set()
    for _ in range(3):
        page = _sign_in(desk, url, f"/approvals/{ID}")
        root = page.response.headers["location"].removesuffix(f"/approvals/{ID}")
        assert re.fullmatch(r"/s/[0-9a-f]{32}", root)
        assert f"path={root}/" in _attributes(page)
        roots.add(root)
    assert len(roots) == 3


@pytest.mark.parametrize("url", [TLS, "http://aaf.example.org", "https://127.0.0.1"])
def test_with_tls_the_cookie_is_tied_to_the_host_and_there_is_no_such_path(desk: Desk, url: str) -> None:
    page = _sign_in(desk, url, "/actions")
    assert page.response.headers["location"] == "/actions"
    assert {"path=/", "secure"} <= _attributes(page)
    name, _, token = page.response.headers["set-cookie"].partition(";")[0].partition("=")
    cookie = {"Cookie": f"{name}={token}"}
    ann = desk.browser()
    assert ann.send("GET", f"{url}/actions", headers=cookie).status_code == 200
    assert ann.send("GET", f"{url}{OTHER}/actions", headers=cookie).status_code == 404


@pytest.mark.parametrize("host", ["[::ffff:127.0.0.1]:8700", "aaf.example.org"])
def test_a_browser_that_came_without_tls_gets_no_cookie_that_every_port_is_sent(desk: Desk, host: str) -> None:
    page = desk.browser().post(
        "/sign-in",
        {"key": desk.world.key("approver"), "next": "/"},
        headers={**OURS, "Host": host, "Origin": f"http://{host}"},
    )
    assert (page.status, "set-cookie" in page.response.headers) == (403, False)
    assert "came without TLS" in page.text


@pytest.mark.parametrize("elsewhere", ["", OTHER, "another session's"])
@pytest.mark.parametrize("path", ["/", "/actions", "/live"])
def test_on_any_other_path_the_cookie_is_of_no_session(desk: Desk, elsewhere: str, path: str) -> None:
    ann, bob = desk.browser("approver"), desk.browser("admin")
    ((name, token),) = ann.cookies.items()
    root = bob.root if elsewhere == "another session's" else elsewhere
    stranger = desk.browser()
    page = stranger.get(root + path, Cookie=f"{name}={token}")
    assert page.status == (401 if path == "/live" else 303)
    assert ann.get(path).status == 200


def test_cookies_that_another_server_of_this_machine_put_beside_ours_lock_nobody_out(desk: Desk) -> None:
    ann = desk.browser("approver")
    ((name, token),) = ann.cookies.items()
    stranger = desk.browser()
    for cookie in (f"{name}=junk; {name}={token}", f"{name}={token}; {name}=; {name}={'0' * 64}"):
        assert stranger.get(ann.root + "/actions", Cookie=cookie).status == 200
    assert stranger.get(ann.root + "/actions", Cookie=f"{name}=junk; {name}={'0' * 64}").status == 303

    form = ann.get("/actions").form("/sign-out")
    headers = {**OURS, "Cookie": f"{name}=junk; {name}={token}"}
    left = stranger.post(ann.root + bare(form.action), form.fields, headers=headers)
    assert left.location == "/sign-in?left="
    assert ann.get("/actions").status == 303


def test_a_form_on_any_other_path_answers_nothing(desk: Desk) -> None:
    action = str(desk.world.mail()["id"])
    ann = desk.browser("approver")
    form = ann.get(f"/approvals/{action}").form("/review")
    cookie = "; ".join(f"{name}={value}" for name, value in ann.cookies.items())
    desk.read()
    for root in ("", OTHER):
        headers = {**OURS, "Cookie": cookie}
        page = desk.browser().post(root + bare(form.action), {**form.fields, "verdict": "approve"}, headers=headers)
        assert (page.status, page.location) == (303, f"/sign-in?next=%2Fapprovals%2F{action}&ended=")
    assert desk.state(action) == "pending_approval"
    assert ann.submit(form, verdict="approve").status == 303


def test_every_address_on_a_page_of_a_session_is_beneath_its_path_or_is_a_file(desk: Desk) -> None:
    held = [str(desk.world.mail(body=LONG)["id"]) for _ in range(2)]
    ann = desk.browser("approver")
    ann.submit(ann.get(f"/approvals/{held[0]}").form("/open"))
    paths = ["/", f"/?decided={held[0]}", "/actions", f"/approvals/{held[0]}", "/nowhere"]
    paths += [f"/approvals/{one}/values/0" for one in held]
    for path in paths:
        page = ann.get(path)
        assert page.status == (404 if path == "/nowhere" else 200)
        for one in page.links:
            assert one.startswith((f"{ann.root}/", "/static/", "#")) or one == ann.root, (path, one)
    viewer = desk.browser("viewer")
    assert all(one.startswith((viewer.root, "/static/", "#")) for one in viewer.get("/").links)


def test_every_redirect_of_a_session_stays_beneath_its_path(desk: Desk) -> None:
    action = str(desk.world.mail(body=LONG)["id"])
    ann = desk.browser("approver")
    page = ann.get(f"/approvals/{action}")
    desk.read()
    opened = ann.submit(page.form("/open"))
    answered = ann.submit(page.form("/review"), reason="No")
    for one in (opened, answered):
        assert one.response.headers["location"].startswith(f"{ann.root}/")
    gone = ann.submit(ann.get("/").form("/sign-out"))
    assert f"path={ann.root}/" in _attributes(gone)


@pytest.mark.parametrize("path", ["/sign-in", "/static/console.js", "/s/", f"{OTHER}/actions"])
def test_beneath_the_path_there_are_only_the_pages_of_people(desk: Desk, path: str) -> None:
    ann = desk.browser("approver")
    assert Page(ann.send("GET", "http://127.0.0.1:8700" + ann.root + path)).status == 404


@pytest.mark.parametrize("path", ["/s/" + "0" * 31 + "/", "/s/" + "A" * 32 + "/", OTHER, "/s//", f"{OTHER}0/"])
def test_what_does_not_look_like_such_a_path_is_no_page(desk: Desk, path: str) -> None:
    assert desk.browser("approver").get(path).status == 404


def test_the_path_is_told_to_nobody_else(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, stranger = desk.browser("approver"), desk.browser()
    ended = stranger.get(f"{ann.root}/actions")
    assert (ended.status, ended.response.headers["location"]) == (303, "/sign-in?next=%2Factions&ended=")
    seen = [stranger.get(path) for path in ("/", "/sign-in", "/nowhere", "/live", f"{OTHER}/", f"{OTHER}/nowhere")]
    seen += [stranger.sign_in("x"), ended]
    ann.submit(ann.get("/").form("/sign-out"))
    bob = desk.browser("approver")
    monkeypatch.setattr("aaf.adapters.memory.MemoryStore.actions", _broken(ValueError("x")))
    assert bob.get("/actions").status == 500
    monkeypatch.setattr("aaf.adapters.memory.MemoryStore.now", _broken(StoreFailed(Code.STORE_UNAVAILABLE, "Gone.")))
    assert bob.get("/actions").status == 503
    for one in seen:
        assert ann.root not in one.html + str(one.response.headers)
    for secret in (ann.root, bob.root):
        assert secret.removeprefix("/s/") not in desk.world.log.text


def test_only_a_page_of_somebody_who_is_signed_in_names_the_path_for_the_script_to_keep(desk: Desk) -> None:
    ann = desk.browser("approver")
    roots = [given.get("data-root") for tag, given in ann.get("/").tags if tag == "body"]
    assert roots == [ann.root]
    for path in ("/sign-in", f"{OTHER}/nowhere", "/nowhere"):
        assert "data-root" not in desk.browser().get(path).html


@pytest.mark.parametrize(
    ("query", "returns"), [("", True), ("?next=%2Factions", True), ("?ended=", False), ("?left=", False)]
)
def test_the_form_leads_back_to_a_session_only_where_none_has_ended(desk: Desk, query: str, returns: bool) -> None:
    page = desk.browser().get(f"/sign-in{query}")
    assert ("data-returns" in page.html) is returns
    assert "data-returns" not in desk.browser().sign_in("x").html
