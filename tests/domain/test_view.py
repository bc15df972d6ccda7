"""What an approver is shown."""

import json
from typing import Any

import pytest

from aaf.domain.canonical import Json, canonical
from aaf.domain.decision import DEFAULT_REQUIREMENT, Requirement, Source, Verdict, Vote
from aaf.domain.effect import Effect
from aaf.domain.errors import Code
from aaf.domain.finding import Finding, Severity
from aaf.domain.view import PREVIEW, View, long_row, make_view, preview


def view_of(**changed: Any) -> View:
    parts: dict[str, Any] = {
        "action": "a",
        "agent": "bot",
        "requester": "agent:0190b0a0-0000-7000-8000-000000000001",
        "server": None,
        "name": "mail.send",
        "params": {"to": "ann@example.org"},
        "context": {},
        "secret": (),
        "risk": "high",
        "action_class": "other",
        "reasons": (Vote(Verdict.REQUIRE_APPROVAL, Source.RULE, Code.RULE, "mails", "Mails need a person"),),
        "findings": (),
        "target": None,
        "effect": None,
        "digest": "0" * 64,
        "requirements": (DEFAULT_REQUIREMENT,),
        "round_": 1,
    }
    return make_view(**{**parts, **changed})


def shown(segments: Any) -> str:
    return "".join(segment[1] for segment in segments)


def rows_of(view: View, part: str = "params") -> list[tuple[str, str]]:
    listed: Any = view.value[part]
    return [(shown(row["path"]), shown(row["segments"])) for row in listed]


def test_its_bytes_are_the_canonical_bytes_of_its_value() -> None:
    view = view_of()
    assert view.bytes == canonical(view.value)


def test_two_parameters_never_look_like_one() -> None:
    view = view_of(params={"a.b": 1, "a": {"b": 2}, 'a["b"]': 3})
    assert len({path for path, _ in rows_of(view)}) == 3


@pytest.mark.attack("G12", guard="aaf.domain.view:_beneath", without="tests.attacks.without:returns_true")
def test_only_declared_secrets_are_masked_whatever_other_fields_are_called() -> None:
    params: dict[str, Json] = {
        "password": "hunter2",
        "password.cmd": "rm",
        "password[0]": "dd",
        "to": "ann",
        "passwords": "x",
    }
    said = dict(rows_of(view_of(params=params, secret=("params.password",))))
    assert said["params.password"] == "(secret)"
    assert sorted(value for value in said.values() if value != "(secret)") == ["ann", "dd", "rm", "x"]


def test_the_parts_of_a_secret_object_are_masked_too() -> None:
    said = rows_of(view_of(params={"login": {"pin": "1", "codes": ["2"]}}, secret=("params.login",)))
    assert [value for _, value in said] == ["(secret)", "(secret)"]


def test_no_parameters_are_no_rows_and_the_context_is_apart() -> None:
    view = view_of(params={}, context={"why": "because"})
    assert (rows_of(view), rows_of(view, "claimed")) == ([], [("context.why", "because")])


def test_round_and_requirement_make_another_view() -> None:
    first = view_of()
    assert view_of(round_=2).bytes != first.bytes
    assert view_of(requirements=(Requirement(quorum=2),)).bytes != first.bytes


def test_a_diff_keeps_sign_and_indentation_and_shows_what_else_could_deceive() -> None:
    diff = (
        "--- a/x\n+++ b/x\n@@ -1 +1,3 @@\n     same\n-old\r\n+\u202enew\n+" + " " * 60 + "far\n+\n+   \n\\ no newline\n"
    )
    view = view_of(effect=Effect("write", "x", "Write x", {"bytes": 3}, diff))
    effect: Any = view.value["effect"]
    assert [shown(line) for line in effect["diff"]] == [
        "--- a/x",
        "+++ b/x",
        "@@ -1 +1,3 @@",
        "     same",
        "-old\\r",
        "+\\u{202e}new",
        "+\\u{20*60}far",
        "+",
        "+\\u{20*3}",
        "\\ no newline",
    ]


def test_an_empty_diff_and_none_are_told_apart() -> None:
    none: Any = view_of(effect=Effect("delete", "x", "Delete x", {}, None)).value["effect"]
    empty: Any = view_of(effect=Effect("write", "x", "Write x", {}, "")).value["effect"]
    assert (none["diff"], empty["diff"]) == (None, [])


def test_target_and_findings_are_shown() -> None:
    view = view_of(target="a.txt", findings=(Finding("odd", Severity.LOW, "params.to", "An odd one"),))
    value: Any = view.value
    assert shown(value["headline"]) == "The agent bot asks for mail.send on a.txt"
    assert [(one["code"], shown(one["note"])) for one in value["findings"]] == [("odd", "An odd one")]


def test_who_asks_and_where_is_told_apart_from_what_they_are_called() -> None:
    first: Any = view_of(agent="admin", server="mail.example").value
    assert shown(first["headline"]) == "The agent admin asks for mail.send at the server mail.example"
    assert (first["requester"].partition(":")[0], shown(first["server"])) == ("agent", "mail.example")
    assert view_of(server="mail.example").bytes != view_of(server="mail.exampIe").bytes


def test_a_long_value_is_cut_until_it_is_opened() -> None:
    long = "x" * 5_000
    view = view_of(params={"body": long, "to": "ann"}, context={"story": "\u202e" * 3_000})
    assert view.long_values == 2
    cut: Any = preview(json.loads(view.bytes), frozenset())
    body, to = cut["params"]
    assert (len(shown(body["segments"])), body["hidden"], body["index"], body["opened"]) == (PREVIEW, 4_600, 0, False)
    assert "index" not in to
    story = cut["claimed"][0]
    assert (story["index"], story["opened"]) == (1, False)
    opened: Any = preview(json.loads(view.bytes), frozenset({0}))
    assert shown(opened["params"][0]["segments"]) == long
    assert (opened["params"][0]["hidden"], opened["params"][0]["opened"]) == (0, True)


def test_long_values_are_found_by_number_and_only_they() -> None:
    view: Any = json.loads(view_of(params={"a": "x" * 3_000, "b": "s"}, context={"c": "y" * 3_000}).bytes)
    first, second = long_row(view, 0), long_row(view, 1)
    assert first is not None
    assert second is not None
    assert (shown(first["path"]), shown(second["path"])) == ("params.a", "context.c")
    assert long_row(view, 2) is None


def test_a_view_of_another_form_has_no_long_values() -> None:
    broken: dict[str, Json] = {"params": None, "claimed": [None]}
    assert long_row(broken, 0) is None
    assert preview(broken, frozenset()) == {"params": [], "claimed": [None]}
    odd: dict[str, Json] = {"params": [{"long": True, "segments": None}], "claimed": [{"long": True, "segments": [1]}]}
    cut: Any = preview(odd, frozenset())
    assert [one["hidden"] for one in (*cut["params"], *cut["claimed"])] == [0, 0]
