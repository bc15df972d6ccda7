import re
from typing import Any

import pytest

from aaf.adapters.memory import MemoryStore
from aaf.domain.errors import Code, StoreFailed
from aaf.domain.rendering import plain, render
from tests.console.pages import OURS, Desk

SECRET = "hunter2-in-an-exception"  # pragma: allowlist secret
ID = "01234567-89ab-7def-8123-456789abcdef"
HOSTILE = {
    "a script": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "the end of a tag": "\"'></textarea></script></style><base href=//evil><a href=javascript:alert(1)>x</a>",
    "a template": "{{ 7 * 7 }}{% raw %}<%= 1 %>${7*7}",
    "an entity": "&lt;b&gt;&#x202e;&amp;",
    "markdown": "[click](https://evil.example) ![x](https://evil.example/x.png) **bold**",
    "right to left": "ls \u202egnp.exe\u2066x\u2069",
    "an escape sequence": "\x1b[2J\x1b[31mred\x1b]0;title\x07",
    "invisible letters": "l\u200bs\u00ad\ufeff\U000e0041",
    "look-alikes": "p\u0430ypal.com \u0440\u0430\u0443",
    "odd spaces": "a\u00a0b\u3000c\u2028d",
    "padding": "a" + " " * 400 + "rm" + "\n" * 90 + "end",
    "hebrew": "\u05e9\u05dc\u05d5\u05dd",
    "marks": "z\u0335\u0336\u0337",
    "carriage return": "rm -rf / #\rls -l",
    "a null": "a\x00b\x7f",
}


def _held(desk: Desk, hostile: str) -> str:
    params = {"path": "a.txt", "content": hostile}
    return str(desk.world.submit("agent", "files.write", params, context={"goal": hostile})["id"])


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_content_stands_in_every_page_as_inert_text(desk: Desk, name: str) -> None:
    hostile = HOSTILE[name]
    action = _held(desk, hostile)
    ann = desk.browser("approver")
    for path in ("/", "/actions", f"/approvals/{action}"):
        page = ann.get(path)
        assert page.status == 200
        assert all(one.isprintable() or one == "\n" for one in page.html), path
        assert not set(page.html) & set("\u00a0\u200b\u202e\u2066\u2069\u3000\u05e9\u0335\u0430")
        for tag, given in page.tags:
            assert not any(key.startswith("on") or key == "style" for key in given)
            assert tag not in {"img", "iframe", "object", "embed", "base", "style"}
            for address in (given.get("href"), given.get("src"), given.get("action")):
                assert address is None or re.fullmatch(r"/[\x21-\x7e]*|#[a-z]+", address), address
        scripts = [given for tag, given in page.tags if tag == "script"]
        assert [(given["type"], given["src"]) for given in scripts] == [("module", scripts[0]["src"])]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_value_can_be_read_back_exactly_from_what_the_page_shows(desk: Desk, name: str) -> None:
    page = desk.browser("approver").get(f"/approvals/{_held(desk, HOSTILE[name])}")
    shown = "".join(page.html.split("Parameters</h2>")[1].split('class="value"')[1].partition("</div>")[0])
    without_names = re.sub(r'<span class="esc-name">[^<]*</span>', "", shown)
    text = re.sub(r"<[^>]*>", "", without_names.partition(">")[2])
    for entity, one in (("&lt;", "<"), ("&gt;", ">"), ("&#34;", '"'), ("&#39;", "'"), ("&amp;", "&")):
        text = text.replace(entity, one)
    assert text == plain(render(HOSTILE[name]))


def test_ten_thousand_lines_are_a_page_of_their_own_and_all_of_them_are_on_it(desk: Desk) -> None:
    held = desk.world.submit("agent", "files.write", {"path": "a.txt", "content": "x\n" * 10_000})
    ann = desk.browser("approver")
    page = ann.get(f"/approvals/{held['id']}")
    ann.submit(page.form("/open"))
    whole = ann.get(f"/approvals/{held['id']}/values/0")
    assert "10,000 lines shown" in whole.text
    assert whole.html.count('<span class="line">') == 10_000


# --- headers and addresses --------------------------------------------------------------------------------------------

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}


def _asset(desk: Desk) -> str:
    return next(given["src"] or "" for tag, given in desk.browser().get("/sign-in").tags if tag == "script")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/actions", 200),
        ("GET", "/live", 200),
        ("GET", "/sign-in", 200),
        ("GET", "/nowhere", 404),
        ("GET", "/static/console.0000000000000000.css", 404),
        ("GET", "/static/../app.py", 404),
        ("GET", f"/approvals/{ID}", 404),
        ("GET", "/approvals/x", 404),
        ("POST", f"/approvals/{ID}/review", 403),
        ("POST", "/", 405),
        ("DELETE", f"/approvals/{ID}", 405),
        ("GET", "/sign-out", 405),
        ("GET", f"/approvals/{ID}/review", 405),
        ("PUT", "/sign-in", 405),
    ],
)
def test_every_response_bears_the_policy_and_is_kept_nowhere(desk: Desk, method: str, path: str, status: int) -> None:
    ann = desk.browser("approver")
    more = {"data": {"a": "b"}} if method == "POST" else {}
    response = ann.send(method, path, headers=OURS, **more)
    assert response.status_code == status
    held = dict(part.strip().split(" ", 1) for part in response.headers["content-security-policy"].split(";"))
    assert held == POLICY
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "same-origin"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cross-origin-opener-policy"] == "same-origin"
    assert response.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/", "GET, HEAD"), ("/sign-in", "GET, HEAD, POST"), ("/sign-out", "POST"), (f"/approvals/{ID}/review", "POST")],
)
def test_a_method_that_a_page_does_not_have_is_told_which_it_has(desk: Desk, path: str, allowed: str) -> None:
    response = desk.browser().send("PATCH", path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)


def test_style_and_script_are_cached_for_ever_under_an_address_that_holds_their_hash(desk: Desk) -> None:
    page = desk.browser().get("/sign-in")
    assets = [given.get("href") or given.get("src") or "" for _, given in page.tags]
    assets = [one for one in assets if one.startswith("/static/")]
    assert len(assets) == 3
    for one in assets:
        response = desk.browser().send("GET", one)
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["content-type"].partition(";")[0] in {"text/css", "text/javascript", "image/svg+xml"}
        assert re.search(r"\.[0-9a-f]{16}\.", one)
        assert "http" not in response.text.replace("http://www.w3.org/2000/svg", "")


def test_an_unknown_page_is_a_page_for_whoever_is_signed_in_or_not(desk: Desk) -> None:
    for who in (None, "approver"):
        page = desk.browser(who).get("/nowhere")
        assert page.status == 404
        assert "There is no such page." in page.text
        assert "not_found" in page.text


# --- when something fails ---------------------------------------------------------------------------------------------


def _broken(error: Exception) -> Any:
    async def fails(*args: object, **kwargs: object) -> Any:
        raise error

    return fails


def test_what_nobody_foresaw_is_an_incident_and_a_page_without_values(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = desk.browser("approver")
    monkeypatch.setattr(MemoryStore, "actions", _broken(ValueError(SECRET)))
    page = ann.get("/")
    assert page.status == 500
    kind, entry = desk.world.log.entries[-1]
    assert (kind, entry["error"]) == ("internal_error", "ValueError")
    assert str(entry["incident"]) in page.text
    assert SECRET not in page.html + desk.world.log.text


@pytest.mark.parametrize("path", ["/", "/actions", "/sign-in"])
def test_a_store_that_does_not_answer_is_said_with_its_code(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    ann = desk.browser("approver")
    failure = StoreFailed(Code.STORE_UNAVAILABLE, "The store does not answer.", hint="Wait.", detail=SECRET)
    monkeypatch.setattr(MemoryStore, "now", _broken(failure))
    page = ann.sign_in(desk.world.key("approver")) if path == "/sign-in" else ann.get(path)
    assert page.status == 503
    assert "store_unavailable" in page.text
    assert SECRET not in page.html
    assert SECRET in desk.world.log.text


def test_a_store_that_fails_while_a_view_is_read_is_no_erased_view(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.world.mail()
    ann = desk.browser("approver")
    monkeypatch.setattr(MemoryStore, "sealed", _broken(StoreFailed(Code.STORE_UNAVAILABLE, "Gone.")))
    assert ann.get("/").status == 503


def test_a_view_that_is_no_view_is_an_incident(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    held = desk.world.mail()
    ann = desk.browser("approver")

    async def odd(*args: object) -> dict[str, object]:
        return {"params": [], "claimed": [], "effect": None, "reasons": [], "findings": [], "headline": [["text"]]}

    monkeypatch.setattr("aaf.services.review.unseal_object", odd)
    assert ann.get(f"/approvals/{held['id']}").status == 500
