"""What a person does with the console, in a real browser: with and without script, by mouse and by keyboard."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site

pytestmark = pytest.mark.drill

LONG = "line\n" * 1_000 + "rm -rf /srv/data"


def _answer(page: Page, verdict: str, reason: str = "") -> None:
    page.get_by_role("radio", name=verdict).check()
    if reason:
        page.locator("#reason").fill(reason)
    page.locator("form.decide button").click()  # waits until it counts


def test_approving_leads_back_to_the_list(site: Site) -> None:
    action = site.asks("shell.run", {"command": "ls"})
    with site.context() as (_, page):
        page.get_by_role("link", name="asks for shell.run").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("The agent builder asks for shell.run")
        expect(page.get_by_role("radio", name="Reject")).to_be_checked()
        _answer(page, "Approve")
        expect(page.get_by_role("status").filter(has_text="Your answer was taken")).to_contain_text("approved")
        assert site.state(action) == "approved"
        expect(page.get_by_text("Nothing waits for an answer.")).to_be_visible()


def test_rejecting_needs_a_reason(site: Site) -> None:
    action = site.asks("shell.run", {"command": "ls"})
    with site.context() as (_, page):
        page.goto(site.at(page, f"/approvals/{action}"))
        _answer(page, "Reject")
        assert page.evaluate("document.querySelector('#reason').validity.valueMissing")
        assert site.state(action) == "pending_approval"
        _answer(page, "Reject", "Not today")
        expect(page.get_by_role("status").filter(has_text="Your answer was taken")).to_contain_text("rejected")
    assert site.state(action) == "rejected"


def test_new_requests_appear_and_decided_ones_go_by_themselves(site: Site) -> None:
    with site.context() as (_, page):
        expect(page.get_by_text("Nothing waits for an answer.")).to_be_visible()
        first = site.asks("shell.run", {"command": "ls -l"})
        expect(page.locator("a.row")).to_have_count(1)
        expect(page).to_have_title(re.compile(r"^\(1\) Waiting"))
        page.keyboard.press("j")
        site.asks("shell.run", {"command": "ls -a"})
        expect(page.locator("a.row")).to_have_count(2)
        assert page.evaluate("document.activeElement.id") == f"a-{first}"
        site.answer(first, "approve")
        expect(page.locator("a.row")).to_have_count(1)
        expect(page).to_have_title(re.compile(r"^\(1\) Waiting"))


def test_a_request_that_somebody_else_answers_meanwhile_says_so_and_takes_no_answer(site: Site) -> None:
    action = site.asks("shell.run", {"command": "ls"})
    with site.context() as (_, page):
        page.goto(site.at(page, f"/approvals/{action}"))
        expect(page.locator("form.decide button")).to_be_enabled()
        site.answer(action, "reject")
        expect(page.get_by_text("This request has changed since you opened it.")).to_be_visible()
        expect(page.locator("form.decide button")).to_be_disabled()
        page.get_by_role("link", name="Look again").click()
        expect(page.get_by_text("takes no answer")).to_be_visible()


def test_the_connection_may_break_and_comes_back(site: Site) -> None:
    with site.context() as (context, page):
        context.set_offline(True)
        expect(page.get_by_text("No connection to the server")).to_be_visible()
        context.set_offline(False)
        site.asks("shell.run", {"command": "ls"})
        expect(page.locator("a.row")).to_have_count(1, timeout=40_000)
        page.evaluate("0")


@pytest.mark.parametrize("script", [True, False])
def test_a_long_value_is_opened_before_it_is_approved(site: Site, script: bool) -> None:
    action = site.asks("files.write", {"path": "notes/new.txt", "content": LONG})
    with site.context(script=script) as (_, page):
        page.goto(site.at(page, f"/approvals/{action}"))
        page.wait_for_timeout(700)
        _answer(page, "Approve")
        expect(page.get_by_role("alert")).to_contain_text("A long value of this request hasn't been opened.")
        page.get_by_role("link", name="params.content").click()
        assert site.openings(action) == []
        page.get_by_role("button", name="Open the whole value").click()
        expect(page.get_by_text("this is all of it")).to_be_visible()
        expect(page.locator(".value")).to_contain_text("rm -rf /srv/data")
        assert site.openings(action) == [0]
        page.get_by_role("link", name="Back to the request").first.click()
        expect(page.get_by_text("You have opened all 1 long value.")).to_be_visible()
        page.wait_for_timeout(700)
        _answer(page, "Approve")
        expect(page.get_by_text("Your answer was taken.")).to_be_visible()


def test_without_script_everything_can_be_done(site: Site) -> None:
    first, second = (site.asks("shell.run", {"command": command}) for command in ("ls", "pwd"))
    with site.context(script=False) as (_, page):
        page.get_by_role("link", name="asks for shell.run").first.click()
        page.wait_for_timeout(700)
        page.get_by_role("button", name="Send the answer").click()
        expect(page.get_by_role("alert")).to_contain_text("This answer needs a reason.")
        page.locator("#reason").fill("No")
        page.wait_for_timeout(700)
        page.get_by_role("button", name="Send the answer").click()
        expect(page.get_by_text("Your answer was taken.")).to_be_visible()
        assert (site.state(first), site.state(second)) == ("rejected", "pending_approval")
        page.goto(site.at(page, f"/approvals/{second}"))
        page.get_by_role("radio", name="Approve").check()
        page.get_by_role("button", name="Send the answer").click()
        if page.get_by_role("alert").is_visible():  # in the first moments
            page.wait_for_timeout(700)
            page.get_by_role("button", name="Send the answer").click()
        expect(page.get_by_text("Your answer was taken.")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("You are signed out.")).to_be_visible()
        page.goto(site.at(page, "/"))
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_keys_move_and_choose_and_never_decide(site: Site) -> None:
    held = [site.asks("shell.run", {"command": command}) for command in ("ls", "pwd", "id")]
    with site.context() as (_, page):
        page.goto(site.at(page, "/"))
        for key, at in (("j", 0), ("j", 1), ("j", 2), ("j", 2), ("k", 1)):
            page.keyboard.press(key)
            assert page.evaluate("document.activeElement.id") == f"a-{held[at]}"
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/approvals/{held[1]}")
        expect(page.locator("form.decide button")).to_be_enabled()
        for key in ("a", "Enter", "r", "Enter", "a", "Enter", "Space"):
            page.keyboard.press(key)
        page.wait_for_timeout(300)
        assert site.state(held[1]) == "pending_approval"
        expect(page.get_by_role("radio", name="Approve")).to_be_checked()
        expect(page.locator("form.decide button")).to_have_text("Approve this request")
        page.locator("#reason").focus()
        page.keyboard.type("jakru")  # letters, while somebody types
        expect(page.locator("#reason")).to_have_value("jakru")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Your answer was taken.")).to_be_visible()
        assert site.state(held[1]) == "approved"
        page.goto(site.at(page, f"/approvals/{held[0]}"))
        expect(page.get_by_text("1 of 2")).to_be_visible()
        page.keyboard.press("j")
        page.wait_for_url(f"**/approvals/{held[2]}")
        page.keyboard.press("k")
        page.wait_for_url(f"**/approvals/{held[0]}")
        page.keyboard.press("u")
        page.wait_for_url(site.at(page, "/"))


def test_no_answer_counts_in_the_first_moments_or_when_the_window_comes_back(site: Site) -> None:
    action = site.asks("shell.run", {"command": "ls"})
    with site.context() as (_, page):
        page.goto(site.at(page, f"/approvals/{action}"))
        button = page.locator("form.decide button")
        expect(button).to_be_enabled()
        page.evaluate("dispatchEvent(new Event('focus'))")
        assert button.is_disabled()
        expect(button).to_be_enabled()


@pytest.mark.parametrize("script", [True, False])
def test_loading_a_refused_answer_again_shows_the_request_and_answers_nothing(site: Site, script: bool) -> None:
    action = site.asks("files.write", {"path": "notes/new.txt", "content": LONG})
    with site.context(script=script) as (context, page):
        page.goto(site.at(page, f"/approvals/{action}"))
        page.wait_for_timeout(700)
        _answer(page, "Approve")
        expect(page.get_by_role("alert")).to_contain_text("hasn't been opened")
        other = context.new_page()
        other.goto(site.at(page, f"/approvals/{action}"))
        other.get_by_role("button", name="Open the whole value").click()
        expect(other.get_by_text("this is all of it")).to_be_visible()
        page.reload()  # what was sent would count now
        expect(page.get_by_role("radio", name="Reject")).to_be_checked()
        assert page.get_by_text("was refused before").is_visible() is not script
        assert site.state(action) == "pending_approval"


def test_nothing_of_a_page_comes_back_after_signing_out(site: Site) -> None:
    action = site.asks("shell.run", {"command": "ls"})
    with site.context() as (_, page):
        page.goto(site.at(page, f"/approvals/{action}"))
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("You are signed out.")).to_be_visible()
        page.go_back()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_link_from_another_site_leads_to_the_page_though_the_cookie_was_kept_back(site: Site) -> None:
    action = site.asks("shell.run", {"command": "ls"})
    with site.context() as (_, page):
        link = f"{site.url}/approvals/{action}"
        page.route(
            "http://mail.localhost/",
            lambda route: route.fulfill(body=f'<a href="{link}">x</a>', content_type="text/html"),
        )
        page.goto("http://mail.localhost/")
        page.get_by_role("link").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("The agent builder asks for shell.run")
        assert site.state(action) == "pending_approval"


def test_hostile_text_runs_nothing_and_draws_nothing(site: Site) -> None:
    content = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>\n" * 3
    action = site.asks("files.write", {"path": "notes/x.html", "content": content}, {"goal": content})
    with site.context() as (_, page):
        for path in ("/", f"/approvals/{action}", "/actions"):
            page.goto(site.at(page, path))
            assert page.title() != "owned"
            assert page.locator("main img, main script, main iframe").count() == 0


def test_a_failed_sign_in_says_so_and_forgets_what_was_typed(site: Site) -> None:
    with site.context(who=None) as (_, page):
        page.goto(site.at(page, "/actions"))
        page.get_by_label("Your API key").fill("aaf_live_wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.get_by_label("Your API key")).to_have_value("")
        page.get_by_label("Your API key").fill(site.keys["ada"])
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(re.compile(r"/s/[0-9a-f]{32}/actions$"))
