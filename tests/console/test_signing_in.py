from typing import Any, cast

import pytest

from aaf.domain.api_key import make_key
from aaf.domain.errors import Code, StoreFailed
from aaf.entrypoints.console.sessions import IDLE, LIFETIME
from aaf.services.signing_in import TRIES
from tests.console.pages import OURS, Browser, Desk

NOBODY = make_key(bytes(32))
SECOND = 1_000_000
TLS = "https://aaf.example.org"


def _sign_in(browser: Browser, url: str) -> str:
    """Sign in at another address than the desk's; return what the cookie is set to."""
    key = browser.desk.world.key("approver")
    response = browser.send("POST", url, data={"key": key, "next": "/"}, headers=OURS)
    assert response.status_code == 303
    return response.headers["set-cookie"].replace("; ", ";")


@pytest.mark.parametrize("host", ["127.0.0.1:8700", "localhost:8700", "[::1]:8700"])
def test_on_this_machine_the_cookie_is_named_for_its_port(desk: Desk, host: str) -> None:
    name, *attributes = _sign_in(desk.browser(), f"http://{host}/sign-in").split(";")
    assert name.startswith("aaf_session_8700=")
    assert {one.lower() for one in attributes} >= {"httponly", "samesite=strict"}
    assert "secure" not in {one.lower() for one in attributes}


@pytest.mark.parametrize(
    "url", ["http://aaf.example.org/sign-in", "https://127.0.0.1/sign-in", "http://10.0.0.5/sign-in"]
)
def test_beyond_it_the_cookie_is_tied_to_host_and_tls(desk: Desk, url: str) -> None:
    name, *attributes = _sign_in(desk.browser(), url).split(";")
    assert name.startswith("__Host-aaf_session=")
    assert {one.lower() for one in attributes} >= {"httponly", "samesite=strict", "path=/", "secure"}


def test_the_key_is_in_no_page_cookie_address_or_log(desk: Desk) -> None:
    ann, key = desk.browser(), desk.world.key("approver")
    seen = [ann.get("/sign-in"), ann.sign_in(key), ann.get("/"), ann.get("/actions")]
    for page in seen:
        assert key not in page.html
        assert key not in str(page.response.headers)
        assert key not in str(page.response.url)
    assert key not in str(ann.cookies)
    assert key not in desk.world.log.text


@pytest.mark.parametrize("key", [NOBODY, "", "x", "a" * 5_000, "\u0430af_live"])
def test_a_wrong_key_is_said_and_not_shown_again(desk: Desk, key: str) -> None:
    ann, before = desk.browser(), desk.events()
    page = ann.sign_in(key)
    assert page.status == 401
    assert "missing, unknown, revoked or expired" in page.text
    assert ann.cookies == {}
    assert not key or len(key) < 3 or key not in page.html
    assert desk.events() == before + 1


def test_an_agents_key_opens_no_console(desk: Desk) -> None:
    ann = desk.browser()
    page = ann.sign_in(desk.world.key("agent"))
    assert (page.status, ann.cookies) == (403, {})
    assert "for people" in page.text


def test_a_flood_of_wrong_keys_is_refused_unrecorded_and_the_right_one_still_gets_in(desk: Desk) -> None:
    ann = desk.browser()
    for _ in range(TRIES):
        assert ann.sign_in(NOBODY).status == 401
    before = desk.events()
    refused = ann.sign_in(NOBODY)
    assert refused.status == 429
    assert 1 <= int(refused.response.headers["retry-after"]) <= 60
    assert ann.sign_in(desk.world.key("approver")).status == 303
    assert desk.events() == before
    desk.world.clock.advance(61)
    assert ann.sign_in(NOBODY).status == 401


ELSEWHERE: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8700"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://127.0.0.1:9999"},
    {"Origin": "null"},
    {},
)


@pytest.mark.parametrize("headers", ELSEWHERE)
def test_a_form_from_elsewhere_signs_nobody_in_or_out(desk: Desk, headers: dict[str, str]) -> None:
    stranger = desk.browser()
    page = stranger.post("/sign-in", {"key": desk.world.key("approver"), "next": "/"}, headers=headers)
    assert (page.status, stranger.cookies) == (403, {})
    assert "form_refused" in page.text
    ann = desk.browser("approver")
    form = ann.get("/").form("/sign-out")
    assert ann.post(form.action, form.fields, headers=headers).status == 403
    assert ann.get("/").status == 200


@pytest.mark.parametrize("headers", [OURS, {"Origin": "http://127.0.0.1:8700"}, {"Origin": "https://127.0.0.1:8700"}])
def test_a_form_of_our_own_counts(desk: Desk, headers: dict[str, str]) -> None:
    page = desk.browser().post("/sign-in", {"key": desk.world.key("approver")}, headers=headers)
    assert page.status == 303


ID = "01234567-89ab-7def-8123-456789abcdef"


@pytest.mark.parametrize(
    ("asked", "led"),
    [
        ("/actions", "/actions"),
        (f"/approvals/{ID}", f"/approvals/{ID}"),
        (f"/approvals/{ID}/values/3", f"/approvals/{ID}/values/3"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/sign-out", "/"),
        (f"/approvals/{ID}/review", "/"),
        ("/actions\r\nX: y", "/"),
        ("", "/"),
    ],
)
def test_after_signing_in_one_of_our_own_pages_follows(desk: Desk, asked: str, led: str) -> None:
    assert desk.browser().sign_in(desk.world.key("approver"), asked).location == led


def test_whoever_is_not_signed_in_is_led_there_and_back(desk: Desk) -> None:
    page = desk.browser().get(f"/approvals/{ID}")
    assert page.status == 303
    assert page.location == f"/sign-in?next=%2Fapprovals%2F{ID}"
    asked = desk.browser().get(page.location)
    assert asked.form("/sign-in").fields["next"] == f"/approvals/{ID}"


def test_a_link_from_elsewhere_asks_once_more_from_here_because_the_cookie_was_kept_back(desk: Desk) -> None:
    ann = desk.browser("approver")
    cookies = ann.cookies
    ann.client.cookies.clear()  # as a browser does for a link on another site
    page = ann.get("/actions", Sec_Fetch_Site="cross-site")
    assert page.status == 200
    assert ("meta", {"http-equiv": "refresh", "content": f"0; url={ann.at('/actions')}?again="}) in page.tags
    for name, value in cookies.items():
        ann.client.cookies.set(name, value)
    assert ann.get("/actions?again=", Sec_Fetch_Site="same-origin").status == 200
    assert desk.browser().get("/actions?again=", Sec_Fetch_Site="cross-site").status == 303


def test_signing_out_ends_the_session_for_the_cookie_too(desk: Desk) -> None:
    ann = desk.browser("approver")
    (name, token), *_ = ann.cookies.items()
    page = ann.submit(ann.get("/").form("/sign-out"))
    assert (page.status, page.location) == (303, "/sign-in?left=")
    assert ann.cookies == {}
    ann.client.cookies.set(name, token)
    assert ann.get("/").status == 303


def test_signing_out_takes_the_sessions_own_token(desk: Desk) -> None:
    ann, bob = desk.browser("approver"), desk.browser("admin")
    form = bob.get("/").form("/sign-out")
    assert ann.submit(form).status == 403
    assert ann.post("/sign-out", {"token": ""}).status == 403
    assert ann.get("/").status == 200


def test_signing_in_again_ends_the_session_before(desk: Desk) -> None:
    ann, before = desk.browser(), desk.browser()
    _sign_in(ann, f"{TLS}/sign-in")
    ((name, token),) = ann.cookies.items()
    assert before.get(f"{TLS}/", Cookie=f"{name}={token}").status == 200
    _sign_in(ann, f"{TLS}/sign-in")
    assert before.get(f"{TLS}/", Cookie=f"{name}={token}").status == 303
    assert ann.get(f"{TLS}/").status == 200


def test_signing_in_ends_no_session_of_another_browser(desk: Desk) -> None:
    ann, bob = desk.browser(), desk.browser()
    _sign_in(ann, f"{TLS}/sign-in")
    _sign_in(bob, f"{TLS}/sign-in")
    assert [one.get(f"{TLS}/").status for one in (ann, bob)] == [200, 200]


def test_a_session_ends_when_it_is_not_used(desk: Desk) -> None:
    ann = desk.browser("approver")
    desk.world.clock.advance(IDLE / SECOND - 1)
    assert ann.get("/").status == 200
    desk.world.clock.advance(IDLE / SECOND)
    page = ann.get("/")
    assert page.status == 303
    assert "ended" in page.location


def test_looking_for_news_does_not_keep_a_session_alive(desk: Desk) -> None:
    ann = desk.browser("approver")
    for _ in range(2):
        desk.world.clock.advance(IDLE / SECOND / 2)
        status = ann.get("/live").status
    assert status == 401


def test_a_session_ends_however_much_it_is_used(desk: Desk) -> None:
    ann = desk.browser("approver")
    for _ in range(LIFETIME // IDLE * 2 - 1):
        desk.world.clock.advance(IDLE / SECOND / 2)
        assert ann.get("/actions").status == 200
    desk.world.clock.advance(IDLE / SECOND / 2)
    assert ann.get("/actions").status == 303


def test_a_revoked_key_ends_its_session_at_the_next_request(desk: Desk) -> None:
    ann = desk.browser("approver")
    held = desk.world.mail()
    form = ann.get(f"/approvals/{held['id']}").form("/review")
    assert desk.world.post("admin", f"/v1/api-keys/{desk.world.keys['approver'].record.id}/revoke").status_code == 200
    desk.read()
    page = ann.submit(form, verdict="approve")
    assert (page.status, page.location) == (
        303,
        f"/sign-in?next=%2Fapprovals%2F{held['id']}&ended=",
    )
    assert desk.state(held["id"]) == "pending_approval"
    assert "no longer good" in ann.get(page.location).text


@pytest.mark.parametrize(
    "cookie", ["", "aaf_session_8700=", "aaf_session_8700=00", "aaf_session_80={}", "x=y; {}0; {}00"]
)
def test_another_cookie_opens_nothing(desk: Desk, cookie: str) -> None:
    ann = desk.browser("approver")
    ((name, token),) = ann.cookies.items()
    ann.client.cookies.clear()
    first = token if "80={}" in cookie else f"{name}={token}"
    assert ann.get("/", Cookie=cookie.format(first, f"{name}={token}")).status == 303
    assert ann.get("/", Cookie=f"a=b; {name}={token}").status == 200


def test_one_key_has_only_so_many_sessions_and_the_oldest_makes_room(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aaf.entrypoints.console.sessions.EACH", 2)
    monkeypatch.setattr("aaf.entrypoints.console.sessions.ALL", 3)
    first, second, third = (desk.browser("approver") for _ in range(3))
    assert [one.get("/").status for one in (first, second, third)] == [303, 200, 200]
    other, another = desk.browser("admin"), desk.browser("auditor")
    assert [one.get("/").status for one in (second, third, other, another)] == [303, 200, 200, 200]


def test_coming_and_going_are_lines_of_the_log_with_the_key_that_was_used(desk: Desk) -> None:
    ann = desk.browser("approver")
    ann.submit(ann.get("/").form("/sign-out"))
    record = desk.world.keys["approver"].record
    who = {"actor": f"user:{desk.world.id('approver')}", "credential": record.id, "org": desk.world.org}
    assert desk.world.log.entries == [("sign_in", {**who, "source": "192.0.2.7"}), ("sign_out", who)]


def test_a_person_who_signs_in_when_the_table_is_full_puts_out_one_session_and_no_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aaf.entrypoints.console.sessions.EACH", 2)
    monkeypatch.setattr("aaf.entrypoints.console.sessions.ALL", 3)
    other, first, second = desk.browser("admin"), desk.browser("approver"), desk.browser("approver")
    third = desk.browser("approver")
    assert [one.get("/").status for one in (other, first, second, third)] == [200, 303, 200, 200]


@pytest.mark.parametrize("host", ["[", "127.0.0.1:99999", "127.0.0.1:x"])
def test_an_address_that_is_none_is_refused_and_no_incident(desk: Desk, host: str) -> None:
    ann = desk.browser("approver")
    assert ann.get("/actions", Host=host).status == 400
    headers = {**OURS, "Host": host}
    assert ann.post("/sign-in", {"key": desk.world.key("approver")}, headers=headers).status == 400
    assert "internal_error" not in desk.world.log.text


def test_who_signs_in_without_tls_beyond_this_machine_is_told_why_it_can_not_last(desk: Desk) -> None:
    headers = {"Origin": "http://10.0.0.5:8700", "Host": "10.0.0.5:8700"}
    page = desk.browser().post("/sign-in", {"key": desk.world.key("approver")}, headers=headers)
    assert (page.status, "came without TLS" in page.text) == (403, True)
    assert "set-cookie" not in page.response.headers
    headers["Origin"] = "https://10.0.0.5:8700"
    assert desk.browser().post("/sign-in", {"key": desk.world.key("approver")}, headers=headers).status == 303


@pytest.mark.requirement("R38")
@pytest.mark.attack("G05")
def test_no_page_is_shown_while_nobody_knows_whether_its_session_is_over(desk: Desk) -> None:
    ann = desk.browser("approver")
    held = f"/approvals/{desk.world.mail()['id']}"
    store = desk.world.core.store

    class Unable:
        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

        async def epoch(self, org: str) -> int:
            raise StoreFailed(Code.STORE_UNAVAILABLE, "The store cannot be used.")

    for path in ("/", held):
        desk.world.core.knowledge.store = store
        assert ann.get(path).status == 200
        desk.world.core.knowledge.store = cast("Any", Unable())
        assert ann.get(path).status == 503
