import re
from pathlib import Path

import pytest

from aaf.domain.advice import ADVICE, advise
from aaf.domain.errors import Code
from aaf.domain.states import FINAL, State

PAGE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"
REFUSED = FINAL - {State.SUCCEEDED}
WAITING = (State.ALLOWED, State.APPROVED, State.EXECUTING, State.PENDING_APPROVAL, State.UNKNOWN, State.SUCCEEDED)


def test_every_code_has_advice_in_the_order_of_the_codes() -> None:
    assert list(ADVICE) == list(Code)


@pytest.mark.parametrize("code", Code)
def test_advice_is_two_short_sentences(code: Code) -> None:
    for sentence in (ADVICE[code].message, ADVICE[code].next):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert len(sentence) <= 120


@pytest.mark.parametrize("state", WAITING)
def test_while_something_can_be_done_the_state_says_what(state: State) -> None:
    assert advise(state, Code.RULE) == advise(state, Code.OK)
    assert advise(state, Code.RULE).message != ADVICE[Code.RULE].message


def test_a_code_that_says_what_happened_keeps_its_sentence_while_people_are_asked_again() -> None:
    told = advise(State.PENDING_APPROVAL, Code.EFFECT_CHANGED)
    assert told.message == ADVICE[Code.EFFECT_CHANGED].message
    assert told.next == advise(State.PENDING_APPROVAL, Code.RULE).next


@pytest.mark.parametrize("state", sorted(REFUSED))
def test_a_closed_action_is_told_by_its_code(state: State) -> None:
    assert advise(state, Code.NO_RULE) == ADVICE[Code.NO_RULE]


@pytest.mark.requirement("R09")
def test_the_page_of_errors_says_what_the_product_says() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (.+?) \| ([0-9, \u2013]+) \| (.+?) \|$", PAGE.read_text(), re.MULTILINE)
    assert [row[0] for row in rows] == [str(code) for code in Code]
    assert [(row[1], row[3]) for row in rows] == [(ADVICE[code].message, ADVICE[code].next) for code in Code]


@pytest.mark.parametrize("code", [Code.CLASS_DEFAULT, Code.MODULE, Code.NO_RULE, Code.RULE])
def test_a_denial_by_policy_says_that_asking_for_approval_does_not_help(code: Code) -> None:
    assert "nobody can approve" in advise(State.DENIED, code).next
