"""G10, G11, G12 in the console: what is shown of a value is all of it, or says what is missing."""

import pytest

from aaf.entrypoints.console.presenting import value
from tests.console.pages import Desk

FORBIDDEN = {
    "bidi": "\u202e",
    "zero-width": "\u200b",
    "escape": "\x1b",
    "look-alike": "\u0430",
    "no-break space": "\u00a0",
    "tab": "\t",
}
SHOWN = {
    "bidi": "direction override \\u{202e}",
    "zero-width": "invisible character \\u{200b}",
    "escape": "terminal escape \\u{1b}",
    "look-alike": "mixed alphabets \\u{430}",
    "no-break space": "unusual space \\u{a0}",
    "tab": "control character \\t",
}


@pytest.mark.attack("G10", guard="aaf.domain.rendering:_pieces", without="tests.attacks.permissive:untouched")
@pytest.mark.parametrize("name", FORBIDDEN)
def test_no_page_holds_a_character_that_could_deceive(desk: Desk, name: str) -> None:
    hostile = f"p{FORBIDDEN[name]}y bob{FORBIDDEN[name]} # then"
    held = desk.world.submit("agent", "files.write", {"path": "a.txt", "content": hostile}, context={"goal": hostile})
    ann = desk.browser("approver")
    for path in ("/", f"/approvals/{held['id']}"):
        assert FORBIDDEN[name] not in ann.get(path).html
    assert SHOWN[name] in ann.get(f"/approvals/{held['id']}").text


@pytest.mark.attack("G10", guard="aaf.domain.rendering:_pieces", without="tests.attacks.permissive:untouched")
def test_nothing_is_pushed_out_of_sight(desk: Desk) -> None:
    content = "harmless" + " " * 900 + "; rm -rf /" + "\n" * 300 + "the end"
    held = desk.world.submit("agent", "files.write", {"path": "a.txt", "content": content})
    page = desk.browser("approver").get(f"/approvals/{held['id']}")
    assert "\\u{20*900}" in page.html
    assert "\\u{a*300}" in page.html
    assert "1,200 \u00d7 padding" in page.text
    assert " " * 100 not in page.html


@pytest.mark.attack("G10", guard="aaf.domain.rendering:checked", without="tests.attacks.permissive:as_they_come")
@pytest.mark.parametrize("name", sorted(FORBIDDEN.keys() - {"look-alike"}))
def test_a_stored_segment_that_is_not_inert_is_shown_escaped(name: str) -> None:
    shown = value([["text", f"a{FORBIDDEN[name]}b", None]])
    pieces = [piece for line in shown.lines for piece in line]
    assert FORBIDDEN[name] not in "".join(piece.text for piece in pieces)
    assert any(piece.flag for piece in pieces)


@pytest.mark.attack("G11", guard="aaf.services.review:_check_opened")
def test_the_page_of_a_cut_value_takes_no_approval(desk: Desk) -> None:
    action = str(desk.world.mail(body="harmless\n" * 500 + "rm -rf /")["id"])
    ann = desk.browser("approver")
    page = ann.get(f"/approvals/{action}")
    assert "rm -rf" not in page.html
    assert "more characters" in page.text
    desk.read()
    assert ann.submit(page.form("/review"), verdict="approve").status == 409
    assert desk.state(action) == "pending_approval"


@pytest.mark.attack("G12")
def test_the_page_masks_what_is_declared_secret_and_nothing_else(desk: Desk) -> None:
    held = desk.world.mail(body="the text", password="hunter2")
    page = desk.browser("approver").get(f"/approvals/{held['id']}")
    assert "bob@example.org" in page.text
    assert "the text" in page.text
    assert "hunter2" not in page.html
