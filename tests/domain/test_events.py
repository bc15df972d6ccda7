"""The bytes of an event's body."""

import json
from typing import Any

import pytest
import rfc8785

from aaf.domain.events import MAX_BODY, EventType, occurrence, transition
from aaf.domain.states import State

ID = "0190b0a0-0000-7000-8000-000000000001"


def moved(**changed: Any) -> bytes:
    parts: dict[str, Any] = {
        "event_id": ID,
        "org": ID,
        "at": 1_700_000_000_000_000,
        "actor": f"agent:{ID}",
        "action": ID,
        "seq": 1,
        "before": State.SUBMITTED,
        "after": State.DENIED,
        "data": {"digest": "0" * 64, "names": ["\u20ac", 'a"b']},
    }
    return transition(**{**parts, **changed}).body


@pytest.mark.parametrize("commit", [None, {}, {"params.b": "1" * 64, "params.a": "2" * 64, 'params."': "3" * 64}])
def test_the_template_of_a_transition_writes_canonical_json(commit: dict[str, str] | None) -> None:
    body = moved(commit=commit)
    value = json.loads(body)
    assert body == rfc8785.dumps(value)
    assert (value["final"], value["type"], "commit" in value) == (True, "action.denied", bool(commit))


def test_only_a_terminal_state_is_final() -> None:
    assert json.loads(moved(after=State.UNKNOWN))["final"] is False


def test_an_occurrence_names_what_it_is_about_only_where_there_is_one() -> None:
    plain = occurrence(event_id=ID, org=ID, at=1, actor="system", kind=EventType.KEY_CREATED, data={})
    told = occurrence(
        event_id=ID, org=ID, at=1, actor="system", kind=EventType.PROOF_EXPORTED, data={}, about=ID, commit={"a": "b"}
    )
    assert "about" not in json.loads(plain.body)
    assert (json.loads(told.body)["about"], told.action, json.loads(told.body)["commit"]) == (ID, ID, {"a": "b"})


def test_a_body_that_no_ledger_takes_is_a_bug() -> None:
    with pytest.raises(ValueError, match="event body"):
        moved(data={"text": "x" * MAX_BODY})
