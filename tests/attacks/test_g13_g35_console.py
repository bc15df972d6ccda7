"""G13, G35 in the console: a page answers nothing by itself, and an answer answers what it was shown with."""

import pytest

from tests.console.pages import Desk

LONG = "harmless\n" * 500


@pytest.mark.attack("G13", guard="aaf.entrypoints.console.approval:check_settled")
def test_a_click_meant_for_what_stood_there_before_approves_nothing(desk: Desk) -> None:
    action = str(desk.world.mail()["id"])
    ann = desk.browser("approver")
    page = ann.get(f"/approvals/{action}")
    assert ann.submit(page.form("/review"), verdict="approve").status == 409
    assert desk.state(action) == "pending_approval"


@pytest.mark.attack("G13", guard="aaf.entrypoints.console.approval:check_settled")
def test_an_answer_that_was_refused_as_too_soon_does_not_count_when_a_reload_sends_it_once_more(desk: Desk) -> None:
    action = str(desk.world.mail()["id"])
    ann = desk.browser("approver")
    form = ann.get(f"/approvals/{action}").form("/review")
    assert ann.submit(form, verdict="approve").status == 409
    desk.read()
    page = ann.submit(form, verdict="approve")
    assert (page.status, "was refused before" in page.text) == (403, True)
    assert page.form("/review").fields["verdict"] == "reject"
    assert desk.state(action) == "pending_approval"
    desk.read()
    assert ann.submit(page.form("/review"), verdict="approve").status == 303


@pytest.mark.attack("G13", guard="aaf.entrypoints.console.approval:check_token")
@pytest.mark.parametrize("way", ["address", "fields"])
def test_the_form_of_one_request_is_no_answer_to_another(desk: Desk, way: str) -> None:
    first, second = (str(desk.world.mail()["id"]) for _ in range(2))
    ann = desk.browser("approver")
    form, other = (ann.get(f"/approvals/{one}").form("/review") for one in (first, second))
    desk.read()
    if way == "address":
        form.action = other.action
        form.fields |= {"digest": other.fields["digest"], "view": other.fields["view"]}
    else:
        form.fields = {**other.fields, "token": form.fields["token"]}
        form.action = other.action
    assert ann.submit(form, verdict="approve").status == 403
    assert [desk.state(first), desk.state(second)] == ["pending_approval"] * 2


@pytest.mark.attack("G35", guard="aaf.entrypoints.console.app:check_origin")
@pytest.mark.parametrize("site", ["cross-site", "none"])
def test_nothing_that_comes_from_elsewhere_decides_or_opens(desk: Desk, site: str) -> None:
    action = str(desk.world.mail(body=LONG)["id"])
    ann = desk.browser("approver")
    page = ann.get(f"/approvals/{action}")
    desk.read()
    before = desk.events()
    for form, more in ((page.form("/review"), {"verdict": "reject", "reason": "x"}), (page.form("/open"), {})):
        assert ann.post(form.action, {**form.fields, **more}, headers={"Sec-Fetch-Site": site}).status == 403
    assert desk.events() == before


@pytest.mark.attack("G35")
@pytest.mark.parametrize("who", ["approver", None])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_following_every_link_decides_nothing_and_records_nothing(desk: Desk, who: str | None, method: str) -> None:
    action = str(desk.world.mail(body=LONG)["id"])
    path = f"/approvals/{action}"
    ann = desk.browser(who)
    review = desk.browser("approver").get(path).form("/review").fields
    before = desk.events()
    for one in (
        "/",
        f"/?decided={action}",
        "/actions",
        "/live",
        f"/live?action={action}",
        "/sign-in",
        f"/sign-in?next={path}&key={desk.world.key('approver')}",
        "/sign-out",
        path,
        f"{path}/review",
        f"{path}/values/0",
        f"{path}/values/0/open",
    ):
        response = ann.send(method, one, params={**review, "verdict": "approve"} if one.endswith("/review") else None)
        assert response.status_code in {200, 303, 401, 405}, one
    assert desk.events() == before
    assert desk.state(action) == "pending_approval"
    assert desk.world.get("approver", f"/v1{path}").json()["opened"] == []
