from dataclasses import replace

import pytest

from aaf.adapters.memory import MemoryStore
from aaf.services.review import MAX_REASON
from tests.console.pages import OURS, Desk, Form, Page, bare

LONG = "line\n" * 1_000 + "rm -rf /"


def _held(desk: Desk, who: str = "approver", **params: str) -> tuple[str, Page]:
    """A held mail, and its page as `who` sees it, read."""
    action = str(desk.world.mail(**params)["id"])
    page = desk.browser(who).get(f"/approvals/{action}")
    desk.read()
    return action, page


@pytest.mark.requirement("R36")
def test_one_page_shows_everything_about_a_request(desk: Desk) -> None:
    action, page = _held(desk, body="Hello\nthere", password="hunter2")
    for part in (
        "The agent agent asks for mail.send",
        "medium external api call pending approval 15 min left until 2023-11-14 22:28:20 UTC",
        "Mail leaves the house rule mail-needs-a-person",
        "release 1",
        f"agent:{desk.world.id('agent')}",
        "params.body text, 11 characters 1 \u00d7 line break Hello\\nthere",
        "params.to text, 15 characters bob@example.org",
        "1 of: anybody with the role approver, anybody with the role admin (0 of 1 approved)",
        "Nobody has answered yet.",
        action,
    ):
        assert part in page.text, part
    assert "hunter2" not in page.html


def test_what_the_agent_says_is_marked_as_its_claim(desk: Desk) -> None:
    held = desk.world.submit("agent", "mail.send", {"to": "bob@example.org"}, context={"goal": "Approved by alice"})
    page = desk.browser("approver").get(f"/approvals/{held['id']}")
    assert "Claimed by the agent The agent's own words; nobody has checked them. context.goal" in page.text


def test_the_dry_run_is_shown_with_all_of_its_difference(desk: Desk) -> None:
    (desk.world.root / "a.txt").write_text("--one\ntwo\n")
    held = desk.world.submit("agent", "files.write", {"path": "a.txt", "content": "++one\ntwo\n"})
    page = desk.browser("approver").get(f"/approvals/{held['id']}")
    assert "6 lines of difference" in page.text
    kinds = [given["class"] for tag, given in page.tags if tag == "span" and "line d-" in (given.get("class") or "")]
    assert kinds == ["line d-file", "line d-file", "line d-at", "line d-del", "line d-add", "line d-same"]
    assert "facts.exists boolean true" in page.text


def test_a_write_that_changes_nothing_shows_no_empty_difference(desk: Desk) -> None:
    (desk.world.root / "a.txt").write_text("one\n")
    held = desk.world.submit("agent", "files.write", {"path": "a.txt", "content": "one\n"})
    page = desk.browser("approver").get(f"/approvals/{held['id']}")
    assert "Replace a.txt: no change" in page.text
    assert "of difference" not in page.text


def test_reject_is_first_and_chosen(desk: Desk) -> None:
    form = _held(desk)[1].form("/review")
    assert form.choices["verdict"] == ["reject", "approve"]
    assert form.fields["verdict"] == "reject"


def test_approving_leads_back_to_the_list_which_says_so(desk: Desk) -> None:
    action, page = _held(desk)
    ann = desk.browser("approver")
    form = ann.get(f"/approvals/{action}").form("/review")
    desk.read()
    answered = ann.submit(form, verdict="approve")
    assert (answered.status, answered.location) == (303, f"/?decided={action}")
    assert desk.state(action) == "approved"
    page = ann.get(answered.location)
    assert "mail.send by agent is now approved" in page.text
    page = ann.get(f"/approvals/{action}")
    assert "takes no answer" in page.text
    assert not page.has("/review")
    assert "(1 of 1 approved)" in page.text


def _ann(desk: Desk, **params: str) -> tuple[str, "Answering"]:
    action = str(desk.world.mail(**params)["id"])
    return action, Answering(desk, action)


class Answering:
    """Somebody with a request open before them."""

    def __init__(self, desk: Desk, action: str, who: str = "approver") -> None:
        self.desk = desk
        self.browser = desk.browser(who)
        self.path = f"/approvals/{action}"
        self.page = self.browser.get(self.path)
        desk.read()

    @property
    def form(self) -> Form:
        return self.page.form("/review")

    def send(self, **changed: str) -> Page:
        return self.browser.submit(self.form, **changed)


@pytest.mark.requirement("R36")
def test_rejecting_tells_the_agent_the_reason(desk: Desk) -> None:
    action, ann = _ann(desk)
    assert ann.send(reason="Not on a Friday.\r\nReally.").status == 303
    assert desk.state(action) == "rejected"
    assert desk.world.get("agent", f"/v1/actions/{action}").json()["rejection"] == "Not on a Friday.\nReally."
    page = ann.browser.get(ann.path)
    assert "rejected approver" in page.text
    assert "Not on a Friday." in page.text


@pytest.mark.parametrize("reason", ["", "   ", "\u2800"])
def test_rejecting_without_a_reason_is_asked_for_one_on_the_same_page(desk: Desk, reason: str) -> None:
    action, ann = _ann(desk)
    page = ann.send(reason=reason)
    assert page.status == 400
    assert "This answer needs a reason." in page.text
    assert ("id", "error") in [(key, value) for _, given in page.tags for key, value in given.items()]
    assert desk.state(action) == "pending_approval"
    desk.read()
    assert ann.browser.submit(page.form("/review"), reason="Now with one").status == 303


def test_what_was_typed_stays_when_the_words_are_refused(desk: Desk) -> None:
    _, ann = _ann(desk)
    page = ann.send(reason="x" * (MAX_REASON + 1))
    assert page.status == 400
    assert "value_too_long" in page.text
    assert "x" * (MAX_REASON + 1) in page.html


def test_a_second_answer_gets_a_clear_page(desk: Desk) -> None:
    action, ann = _ann(desk)
    desk.world.answer("admin", action, "approve")
    page = ann.send(reason="Too late")
    assert page.status == 409
    for part in ("This request is approved.", "Somebody was faster, or its time is over.", "Code already_decided"):
        assert part in page.text
    assert "approved admin" in page.text
    assert not page.has("/review")


def test_the_same_person_answers_once(desk: Desk) -> None:
    _, ann = _ann(desk)
    assert ann.send(verdict="approve").status == 303
    page = ann.send(verdict="approve")
    assert (page.status, "already_decided" in page.text) == (409, True)


def test_an_answer_after_the_deadline_counts_for_nothing(desk: Desk) -> None:
    action, ann = _ann(desk)
    desk.world.clock.advance(20 * 60)
    page = ann.send(verdict="approve")
    assert page.status == 409
    assert "The time for this is over." in page.text
    assert desk.state(action) == "expired"


def test_nobody_answers_their_own_request_and_the_page_says_why(desk: Desk) -> None:
    held = desk.world.mail("admin")
    page = desk.browser("admin").get(f"/approvals/{held['id']}")
    assert not page.has("/review")
    assert "You asked for this yourself, and nobody reviews what they asked for." in page.text


def test_who_may_only_look_is_told_so(desk: Desk) -> None:
    _, page = _held(desk, "auditor")
    assert not page.has("/review")
    assert "Your roles (auditor) let you see this request, not answer it." in page.text


def test_a_right_that_went_meanwhile_is_refused_by_the_service(desk: Desk) -> None:
    action, ann = _ann(desk)
    form = ann.form
    looker = Answering(desk, action, "auditor")
    assert looker.browser.submit(form, verdict="approve").status == 403
    assert desk.state(action) == "pending_approval"


def test_who_lost_the_right_to_look_is_told_so_and_shown_nothing(desk: Desk) -> None:
    action, ann = _ann(desk, body="for approvers only")
    store, who = desk.world.core.store, desk.world.id("approver")
    assert isinstance(store, MemoryStore)
    tables, org = store._tables, desk.world.org
    tables.principals[org, who] = replace(tables.principals[org, who], roles=("viewer",))
    tables.epochs[org] += 1
    page = ann.send(verdict="approve")
    assert page.status == 403
    assert "permission_denied" in page.text
    assert "for approvers only" not in page.html
    assert desk.state(action) == "pending_approval"


# --- forms that aren't ours -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"token": ""},
        {"token": "0" * 64},
        {"digest": "0" * 64},
        {"view": "0" * 64},
        {"shown": "0"},
        {"shown": ""},
        {"shown": "x"},
    ],
)
def test_a_changed_form_answers_nothing(desk: Desk, changed: dict[str, str]) -> None:
    action, ann = _ann(desk)
    before = desk.events()
    page = ann.send(verdict="approve", **changed)
    assert page.status == 403
    assert "form_refused" in page.text
    assert desk.state(action) == "pending_approval"
    assert desk.events() == before


def test_the_form_of_one_request_answers_no_other(desk: Desk) -> None:
    first, ann = _ann(desk)
    second = str(desk.world.mail()["id"])
    form = ann.form
    form.action = f"/approvals/{second}/review"
    assert ann.browser.submit(form, verdict="approve").status == 403
    assert [desk.state(first), desk.state(second)] == ["pending_approval"] * 2


def test_the_form_of_one_session_is_none_of_another(desk: Desk) -> None:
    action, ann = _ann(desk)
    for other in (desk.browser("admin"), desk.browser("approver")):
        assert other.submit(ann.form, verdict="approve").status == 403
    assert desk.state(action) == "pending_approval"


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}])
def test_a_form_sent_from_elsewhere_answers_nothing(desk: Desk, headers: dict[str, str]) -> None:
    action, ann = _ann(desk)
    fields = {**ann.form.fields, "verdict": "approve"}
    assert ann.browser.post(ann.form.action, fields, headers=headers).status == 403
    assert desk.state(action) == "pending_approval"


@pytest.mark.parametrize("verdict", ["", "maybe", "APPROVE"])
def test_an_answer_is_one_of_two(desk: Desk, verdict: str) -> None:
    action, ann = _ann(desk)
    assert ann.send(verdict=verdict).status == 400
    assert desk.state(action) == "pending_approval"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{}", "application/json"),
        (b"verdict=approve&verdict=reject", "application/x-www-form-urlencoded"),
        (b"a=%ff%fe", "application/x-www-form-urlencoded"),
        (b"\xff=1", "application/x-www-form-urlencoded"),
        (b"no pairs", "application/x-www-form-urlencoded"),
        (b"&".join(b"f%d=1" % number for number in range(50)), "application/x-www-form-urlencoded"),
        (b"--x", "multipart/form-data; boundary=x"),
        (b"", "text/plain"),
    ],
)
def test_what_is_no_form_is_refused(desk: Desk, content: bytes, kind: str) -> None:
    action, ann = _ann(desk)
    response = ann.browser.send("POST", ann.form.action, content=content, headers={**OURS, "Content-Type": kind})
    assert response.status_code == 400
    assert "bad_request" in response.text
    assert desk.state(action) == "pending_approval"


def test_a_form_that_is_too_large_is_refused(desk: Desk) -> None:
    _, ann = _ann(desk)
    assert ann.send(reason="x" * 40_000).status == 413


# --- time -------------------------------------------------------------------------------------------------------------


def test_an_answer_in_the_first_moments_is_shown_the_request_again(desk: Desk) -> None:
    action = str(desk.world.mail()["id"])
    ann = desk.browser("approver")
    page = ann.submit(ann.get(f"/approvals/{action}").form("/review"), verdict="approve", reason="Fine")
    assert page.status == 409
    assert "answered_too_soon" in page.text
    assert (page.form("/review").fields["verdict"], "Fine" in page.html) == ("approve", True)
    assert desk.state(action) == "pending_approval"
    desk.read()
    assert ann.submit(page.form("/review")).status == 303


def test_a_refused_form_stays_refused_however_many_follow(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aaf.entrypoints.console.sessions.SPENT", 2)
    action = str(desk.world.mail()["id"])
    ann = desk.browser("approver")
    forms = [ann.get(f"/approvals/{action}").form("/review") for _ in range(4)]
    assert [ann.submit(form, verdict="approve").status for form in forms] == [409] * 4
    desk.read()
    assert [ann.submit(form, verdict="approve").status for form in forms] == [403] * 4
    assert desk.state(action) == "pending_approval"


def test_a_request_leads_to_those_beside_it(desk: Desk) -> None:
    held = []
    for _ in range(3):
        held.append(str(desk.world.mail()["id"]))
        desk.world.clock.advance(1)
    ann = desk.browser("approver")

    def beside(action: str) -> dict[str | None, str | None]:
        tags = ann.get(f"/approvals/{action}").tags
        return {given.get("rel"): bare(given["href"] or "") for tag, given in tags if tag == "a" and given.get("rel")}

    first, middle, last = (f"/approvals/{one}" for one in held)
    assert beside(held[0]) == {"next": middle}
    assert beside(held[1]) == {"prev": first, "next": last}
    assert beside(held[2]) == {"prev": middle}
    desk.world.answer("admin", held[1], "approve")
    desk.world.clock.advance(1)
    page = ann.get(f"/approvals/{held[1]}")
    assert "2 Next request" in page.text
    assert beside(held[1]) == {"next": first}


def test_an_answer_to_the_view_of_an_earlier_round_is_refused_and_the_choice_is_back_at_reject(desk: Desk) -> None:
    (desk.world.root / "a.txt").write_text("one\n")
    held = desk.world.submit("agent", "files.write", {"path": "a.txt", "content": "two\n"})
    ann = Answering(desk, held["id"], "admin")
    desk.world.answer("approver", held["id"], "approve")
    (desk.world.root / "a.txt").write_text("three\n")
    desk.world.post("agent", f"/v1/actions/{held['id']}/execute", {"digest": held["digest"]})
    assert desk.state(held["id"]) == "pending_approval"
    page = ann.send(verdict="approve", reason="Seen")
    assert page.status == 409
    assert "view_changed" in page.text
    assert page.form("/review").fields["verdict"] == "reject"
    assert "three" in page.text
    assert desk.state(held["id"]) == "pending_approval"


# --- long values ------------------------------------------------------------------------------------------------------


def test_a_long_value_is_opened_by_a_form_on_its_own_page_and_only_then_approved(desk: Desk) -> None:
    action, ann = _ann(desk, body=LONG)
    assert "rm -rf" not in ann.page.html
    assert "Before you can approve, open 1 long value: params.body" in ann.page.text
    refused = ann.send(verdict="approve")
    assert refused.status == 409
    assert "unopened_values" in refused.text
    assert refused.form("/review").fields["verdict"] == "approve"
    before = ann.browser.get(f"{ann.path}/values/0")
    assert "rm -rf" not in before.html
    assert "more characters are shown when you open it" in before.text
    opened = ann.browser.submit(before.form("/open"))
    assert (opened.status, opened.location) == (303, f"{ann.path}/values/0")
    whole = ann.browser.get(f"{ann.path}/values/0")
    assert "rm -rf /" in whole.text
    assert "1,001 lines shown" in whole.text
    page = ann.browser.get(ann.path)
    assert "You have opened all 1 long value." in page.text
    assert "rm -rf" not in page.html
    desk.read()
    assert ann.browser.submit(page.form("/review"), verdict="approve").status == 303
    assert desk.state(action) == "approved"


def test_rejecting_needs_nothing_opened(desk: Desk) -> None:
    _, ann = _ann(desk, body=LONG)
    assert ann.send(reason="Far too long").status == 303


def test_each_person_opens_for_themselves(desk: Desk) -> None:
    action, ann = _ann(desk, body=LONG)
    ann.browser.submit(ann.page.form("/open"))
    other = Answering(desk, action, "admin")
    assert "Before you can approve" in other.page.text
    assert other.send(verdict="approve").status == 409


def test_opening_takes_the_token_of_this_request_and_session(desk: Desk) -> None:
    action, ann = _ann(desk, body=LONG)
    other = Answering(desk, str(desk.world.mail(body=LONG)["id"]))
    path = f"/approvals/{action}/values/0/open"
    before = desk.events()
    for token in ("", "0" * 64, other.page.form("/open").fields["token"], ann.form.fields["token"]):
        assert ann.browser.post(path, {"token": token}).status == 403
    assert ann.browser.post(path, ann.page.form("/open").fields, headers={"Sec-Fetch-Site": "cross-site"}).status == 403
    assert desk.events() == before


def test_who_may_not_answer_opens_nothing(desk: Desk) -> None:
    _, page = _held(desk, "auditor", body=LONG)
    looker = desk.browser("auditor")
    again = looker.get(bare(page.form("/open").action).removesuffix("/open"))
    assert "Only those who may answer open values." in again.text
    assert looker.submit(again.form("/open")).status == 403


@pytest.mark.parametrize("index", ["1", "999999"])
def test_there_are_only_the_values_that_there_are(desk: Desk, index: str) -> None:
    _, ann = _ann(desk, body=LONG)
    assert ann.browser.get(f"{ann.path}/values/{index}").status == 404
    fields = ann.page.form("/open").fields
    assert ann.browser.post(f"{ann.path}/values/{index}/open", fields).status == 404


def test_the_next_unopened_value_is_one_link_away(desk: Desk) -> None:
    held = desk.world.submit("agent", "mail.send", {"to": "bob@example.org", "body": LONG}, context={"log": LONG})
    ann = Answering(desk, held["id"])
    ann.browser.submit(ann.page.form("/values/0/open"))
    page = ann.browser.get(f"{ann.path}/values/0")
    assert ("a", {"href": ann.browser.at(f"{ann.path}/values/1")}) in page.tags
