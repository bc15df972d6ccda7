import pytest

from aaf.adapters.memory import MemoryStore
from aaf.services.ledger import checkpoint
from tests.console.pages import Desk, Page


def _rows(page: Page) -> list[str]:
    """The ids in the list, in its order."""
    return [(given["href"] or "")[-36:] for tag, given in page.tags if tag == "a" and given.get("class") == "row"]


def test_the_inbox_counts_and_lists_what_waits_soonest_deadline_first(desk: Desk) -> None:
    first = desk.world.mail()["id"]
    desk.world.clock.advance(60)
    second = desk.world.mail()["id"]
    page = desk.browser("approver").get("/")
    assert _rows(page) == [first, second]
    assert page.title.startswith("(2) Waiting")
    assert "The agent agent asks for mail.send" in page.text
    assert "14 min left" in page.text
    assert f"agent {desk.world.id('agent')[:8]}" in page.text


def test_a_row_without_a_target_shows_the_beginning_of_its_first_value(desk: Desk) -> None:
    desk.world.mail(body="First line\nSecond line")
    page = desk.browser("approver").get("/")
    assert "params.body First line and more" in page.text
    assert "Second line" not in page.text


def test_a_long_first_value_is_cut_and_says_so(desk: Desk) -> None:
    desk.world.submit("agent", "shell.run", {"command": "x" * 500})
    page = desk.browser("approver").get("/")
    assert f"params.command {'x' * 120} and more" in page.text


def test_what_is_not_answered_in_time_is_not_in_the_list(desk: Desk) -> None:
    held = desk.world.mail()["id"]
    desk.world.clock.advance(16 * 60)
    ann = desk.browser("approver")
    assert "Nothing waits for an answer." in ann.get("/").text
    page = ann.get(f"/approvals/{held}")
    assert page.status == 200
    assert "This request is expired and takes no answer." in page.text


def test_an_empty_inbox_says_when_the_ledger_was_last_signed(desk: Desk) -> None:
    ann = desk.browser("approver")
    assert "has not been signed yet" in ann.get("/").text
    desk.world.run(checkpoint(desk.world.core, desk.world.org))
    desk.world.clock.advance(30)
    assert "last signed 30 s ago, at 2023-11-14 22:13:20 UTC" in ann.get("/").text


def test_what_was_decided_is_said_as_it_stands_whatever_the_address_claims(desk: Desk) -> None:
    held = desk.world.mail()["id"]
    ann = desk.browser("approver")
    assert "Your answer was taken. mail.send by agent is now pending approval" in ann.get(f"/?decided={held}").text
    for claimed in ("nothing", "<b>x</b>", "01234567-89ab-7def-8123-456789abcdef", desk.world.note()["id"]):
        page = ann.send("GET", "/", params={"decided": claimed})
        assert page.status_code == 200
        assert "Your answer was taken" not in page.text
        assert claimed not in page.text


def test_a_viewer_is_told_why_there_is_no_inbox(desk: Desk) -> None:
    desk.world.mail()
    page = desk.browser("viewer").get("/")
    assert page.status == 200
    assert "Approvals aren't open to you" in page.text
    assert "mail.send" not in page.text


def test_who_may_not_answer_or_has_answered_sees_it_in_the_list(desk: Desk) -> None:
    desk.world.mail()
    assert "not for you to answer" in desk.browser("auditor").get("/").text
    assert "not for you" not in desk.browser("approver").get("/").text


def test_more_than_a_page_has_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aaf.entrypoints.console.inbox.PAGE", 2)
    held = []
    for _ in range(5):
        desk.world.clock.advance(1)
        held.append(desk.world.mail()["id"])
    ann = desk.browser("approver")
    assert [_rows(ann.get(f"/?page={number}")) for number in (1, 2, 3, 4)] == [held[:2], held[2:4], held[4:], []]
    for odd in ("0", "-1", "x", "9999"):
        assert _rows(ann.get(f"/?page={odd}")) == held[:2]


def test_an_erased_view_takes_only_its_own_words_away(desk: Desk) -> None:
    erased, other = desk.world.mail()["id"], desk.world.mail()["id"]
    store = desk.world.core.store
    assert isinstance(store, MemoryStore)
    del store._tables.sealed[desk.world.org, erased, "view"]
    ann = desk.browser("approver")
    page = ann.get("/")
    assert _rows(page) == [erased, other]
    assert "(what was shown was erased) mail.send" in page.text
    assert ann.get(f"/approvals/{erased}").status == 503


# --- news -------------------------------------------------------------------------------------------------------------


def test_news_has_a_new_mark_whenever_the_list_changes(desk: Desk) -> None:
    ann = desk.browser("approver")
    marks = [ann.get("/live").html]
    desk.world.clock.advance(1)
    held = desk.world.mail()["id"]
    marks.append(ann.get("/live").html)
    assert ann.get("/live").html == marks[-1]
    told = {"data-live": ann.at("/live"), "data-mark": marks[-1].split()[0], "data-now": "1700000001000"}
    assert ("body", {"data-root": ann.root, **told}) in ann.get("/").tags
    desk.world.answer("admin", held, "approve")
    desk.world.clock.advance(1)
    marks.append(ann.get("/live").html)
    assert [mark.split()[1] for mark in marks] == ["0", "1", "0"]
    assert len({mark.split()[0] for mark in marks}) == 2


def test_news_of_one_action_has_a_new_mark_when_it_is_answered(desk: Desk) -> None:
    held = desk.world.mail()["id"]
    ann = desk.browser("approver")
    before = ann.get(f"/live?action={held}").html
    body = next(given for tag, given in ann.get(f"/approvals/{held}").tags if tag == "body")
    assert (body["data-live"], body["data-mark"]) == (ann.at(f"/live?action={held}"), before)
    desk.world.mail()
    assert ann.get(f"/live?action={held}").html == before
    desk.world.answer("admin", held, "approve")
    assert ann.get(f"/live?action={held}").html != before


def test_there_is_no_news_of_what_nobody_may_see(desk: Desk) -> None:
    held, note = desk.world.mail()["id"], desk.world.note()["id"]
    ann = desk.browser("approver")
    assert [ann.get(f"/live?action={one}").status for one in (note, "x", "0" * 36)] == [404, 404, 404]
    assert [desk.browser("viewer").get(path).status for path in ("/live", f"/live?action={held}")] == [403, 403]
    assert desk.browser().get("/live").status == 401


# --- recent actions ---------------------------------------------------------------------------------------------------


def test_recent_actions_are_listed_newest_first_and_narrowed_by_state(desk: Desk) -> None:
    held, note = desk.world.mail()["id"], desk.world.note()["id"]
    ann = desk.browser("approver")
    page = ann.get("/actions")
    assert page.text.index("note.take") < page.text.index("mail.send")
    assert _rows(page) == [held]
    assert note not in page.html
    assert "note.take" not in ann.get("/actions?state=pending_approval").text
    assert "No actions in this state." in ann.get("/actions?state=failed").text
    assert ann.get("/actions?state=nonsense").text == page.text


def test_a_viewer_sees_actions_and_no_link_to_what_is_not_theirs(desk: Desk) -> None:
    held = desk.world.mail()["id"]
    page = desk.browser("viewer").get("/actions")
    assert "mail.send" in page.text
    assert _rows(page) == []
    assert desk.browser("viewer").get(f"/approvals/{held}").status == 403


def test_older_actions_are_on_the_next_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aaf.entrypoints.console.inbox.PAGE", 2)
    held = [desk.world.mail()["id"] for _ in range(3)]
    ann = desk.browser("approver")
    page = ann.get("/actions?state=pending_approval")
    assert _rows(page) == [held[2], held[1]]
    older = next(given["href"] for tag, given in page.tags if tag == "a" and "before=" in (given.get("href") or ""))
    assert _rows(ann.get(older or "")) == [held[0]]
    assert _rows(ann.get("/actions?before=nonsense")) == [held[2], held[1]]
