"""A person in process: what they see, what they may answer, and that an answer is to what was seen."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf import Firewall, Reviewer
from aaf.domain.canonical import Json, canonical
from aaf.domain.decision import Source, Verdict, Vote
from aaf.domain.effect import Effect
from aaf.domain.errors import Code
from aaf.domain.finding import Finding, Severity
from aaf.domain.view import make_view, preview
from aaf.embedded.reviewing import Approval, Asked
from aaf_client import errors
from aaf_client.models import ActionStatus
from tests.embedded.material import Place

WHY = "why: Mail leaves the house"


def mail(firewall: Firewall, **params: str) -> str:
    return firewall.submit_action("mail.send", {"to": "bob@example.org", **params}, context={"why": "asked to"}).id


def test_what_waits_is_listed_with_who_asks(firewall: Firewall, reviewer: Reviewer) -> None:
    action = mail(firewall)
    (held,) = reviewer.waiting()
    assert (held.id, held.type, held.agent, held.risk) == (action, "mail.send", "bot", "medium")
    assert held.deadline is not None
    assert held.created_at < held.deadline


def test_what_waits_is_listed_by_the_time_that_is_left(firewall: Firewall, reviewer: Reviewer) -> None:
    asked = [mail(firewall) for _ in range(3)]
    assert [held.id for held in reviewer.waiting()] == asked
    assert [held.id for held in reviewer.waiting(limit=2)] == asked[:2]


@pytest.mark.requirement("R57")
def test_an_approval_shows_everything_in_inert_lines(firewall: Firewall, reviewer: Reviewer) -> None:
    approval = reviewer.see(mail(firewall, body="Dear \u202eBob\x0a"))
    assert approval.headline == "The agent bot asks for mail.send"
    lines = str(approval).split("\n")
    assert approval.deadline is not None
    until = approval.deadline.strftime("%Y-%m-%d %H:%M:%S UTC")
    assert lines[:2] == [approval.headline, f"id: {approval.id[-6:]}, to be answered until {until}"]
    assert lines[2:6] == ["state: pending_approval", "risk: medium", "class: external_api_call", WHY]
    assert "  rule: mail-needs-a-person" in lines
    assert "  params.to (text, 15 characters) = bob@example.org" in lines
    assert "  context.why (text, 8 characters) = asked to" in lines
    assert lines[-3:] == [
        "asked: 0 of 1 approved: role:approver, role:admin",
        f"action: {approval.id}",
        f"digest: {approval.digest}",
    ]
    assert str(approval).isascii()
    assert approval.may_not_because is None


def _approval(**changed: Any) -> Approval:
    """An approval of no installation; what isn't of its view is changed by the same names."""
    own = {name: changed.pop(name) for name in {"status", "asked", "digest"} & changed.keys()}
    parts: dict[str, Any] = {
        "action": "a",
        "agent": "bot",
        "requester": "agent:1",
        "server": None,
        "name": "mail.send",
        "params": {},
        "context": {},
        "secret": (),
        "risk": "high",
        "action_class": "other",
        "reasons": (),
        "findings": (),
        "target": None,
        "effect": None,
        "digest": "0" * 64,
        "requirements": (),
        "round_": 1,
    }
    view = preview(make_view(**{**parts, **changed}).value, frozenset())
    made = Approval("a", "pending_approval", "0" * 64, "0" * 64, None, view, (), (), None)
    return replace(made, **own)


def _finding(note: str, field: str = "params.to") -> Finding:
    return Finding("f", Severity.HIGH, field, note)


def _vote(reason: str, name: str = "r", code: Code = Code.RULE) -> Vote:
    return Vote(Verdict.REQUIRE_APPROVAL, Source.RULE, code, name, reason)


def _effect(facts: dict[str, Json]) -> Effect:
    return Effect("write", "t", "s", facts)


def test_every_part_of_an_approval_has_its_line() -> None:
    approval = _approval(
        server="s",
        target="t",
        params={"a": 1, "b": "ok", "c": [], "d": "word." * 500},
        context={"why": ""},
        reasons=(_vote("because", "mails"),),
        findings=(_finding("odd"),),
        effect=replace(_effect({"size": 3}), diff="-x\n+y\n"),
        asked=(Asked(("role:a", "role:b"), 2, 1, True),),
    )
    assert str(approval).split("\n") == [
        "The agent bot asks for mail.send at the server s on t",
        "id: a",
        "state: pending_approval",
        "risk: high",
        "class: other",
        "why: because",
        "  rule: mails",
        "high: odd",
        "  f at params.to",
        "requester: agent:1",
        "agent: bot",
        "type: mail.send",
        "server: s",
        "target: t",
        "effect: s",
        "  -x",
        "  +y",
        "  facts.size (number) = 3",
        "  params.a (number) = 1",
        "  params.b (text) = ok",
        "  params.c (list) = (empty)",
        f"  params.d (text, 2500 characters) = {'word.' * 80} … 2100 more characters: open value 0",
        "claimed by the agent, not checked:",
        "  context.why (text) = (empty)",
        "asked: 1 of 2 approved, with a reason: role:a, role:b",
        "action: a",
        f"digest: {'0' * 64}",
    ]


VALUES: list[tuple[Json, Json]] = [
    ("1", 1),
    ("true", True),
    ("null", None),
    ("", {}),
    ("", []),
    ({}, []),
    ("", "(empty)"),
    ({}, "{}"),
    ("b = c", {"b": "c"}),
    ("b", "b "),
    ("b\n", "b\\n"),
    ("b\n  params.c (text) = d", {"b": "d"}),
    ("b" * 3_000, "b" * 400 + " \u2026 2600 more characters: open value 0"),
    ("b" * 3_000, "b" * 3_001),
]
PAIRS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    *(({"params": {"a": one}}, {"params": {"a": other}}) for one, other in VALUES),
    ({"params": {"a\u202e": "b"}}, {"params": {"a\u200b": "b"}}),
    ({"params": {"a = b": "c"}}, {"params": {"a": "b = c"}}),
    ({"params": {"a.b": "c"}}, {"params": {"a": {"b": "c"}}}),
    ({"params": {'a"] (text) = b': "c"}}, {"params": {"a": 'b"] (text) = c'}}),
    ({"params": {"a": "1"}}, {"context": {"a": "1"}}),
    ({"context": {"a": "1"}}, {"context": {"a": 1}}),
    ({"effect": _effect({"a": "1"})}, {"effect": _effect({"a": 1})}),
    ({"reasons": (_vote("x", "one"),)}, {"reasons": (_vote("x", "other"),)}),
    ({"reasons": (_vote("x"),)}, {"reasons": (_vote("x", code=Code.CLASS_DEFAULT),)}),
    ({"findings": (_finding("x"),)}, {"findings": (_finding("x", "params.cc"),)}),
    ({"findings": (_finding("x", "p\u202eq"),)}, {"findings": (_finding("x", "pq"),)}),
    ({"findings": (_finding("x", "y\nhigh: z"),)}, {"findings": (_finding("x", "y"), _finding("z"))}),
    ({"findings": (_finding("x"),)}, {"findings": (_finding("x\n  f at params.to"),)}),
    ({"agent": "bot asks for a", "name": "b"}, {"agent": "bot", "name": "a asks for b"}),
    ({"requester": "agent:1"}, {"requester": "agent:2"}),
    ({"server": "s"}, {"name": "mail.send at the server s"}),
    ({"target": "t"}, {"name": "mail.send on t"}),
    ({"status": "approved"}, {}),
    ({"digest": "1" * 64}, {}),
    ({"asked": (Asked(("role:a",), 2, 1, False),)}, {"asked": (Asked(("role:a",), 2, 0, False),)}),
    ({"asked": (Asked(("role:a",), 2, 1, False),)}, {"asked": (Asked(("role:a",), 1, 1, False),)}),
    ({"asked": (Asked(("role:a",), 1, 0, False),)}, {"asked": (Asked(("role:a",), 1, 0, True),)}),
    ({"asked": (Asked(("role:a",), 1, 0, False),)}, {"asked": (Asked(("role:b",), 1, 0, False),)}),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_approvals_of_different_content_are_different_lines(one: dict[str, Any], other: dict[str, Any]) -> None:
    shown = [str(_approval(**changed)) for changed in (one, other)]
    assert shown[0] != shown[1]
    assert all(text.replace("\n", "").isprintable() for text in shown)


_TEXT = st.text(st.sampled_from('a."[]() =\\\n'), max_size=4)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=5,
)
_PARAMS = st.dictionaries(_TEXT, _JSON, max_size=3)


@given(_PARAMS, _PARAMS)
def test_two_objects_of_parameters_are_the_same_lines_only_if_they_are_equal(
    one: dict[str, Json], other: dict[str, Json]
) -> None:
    same = str(_approval(params=one)) == str(_approval(params=other))
    assert same == (canonical(one) == canonical(other))


def test_an_approval_says_how_many_of_those_who_are_asked_have_approved(place: Place) -> None:
    rules = place.config / "aaf.yaml"
    rules.write_text(rules.read_text().replace("quorum: 1", "quorum: 2"))
    with place.open() as firewall, place.reviewer() as reviewer:
        approval = reviewer.see(mail(firewall))
        reviewer.approve(approval)
        assert reviewer.see(approval).asked == (Asked(("role:approver", "role:admin"), 2, 1, False),)
        assert "asked: 1 of 2 approved: role:approver, role:admin" in str(reviewer.see(approval)).split("\n")


def test_a_change_of_a_file_shows_its_diff(firewall: Firewall, reviewer: Reviewer) -> None:
    action = firewall.submit_action("files.write", {"path": "today.txt", "content": "Tuesday\n"})
    lines = str(reviewer.see(action.id)).split("\n")
    assert "  -Monday" in lines
    assert "  +Tuesday" in lines


def test_text_that_could_deceive_stands_as_escapes(firewall: Firewall, reviewer: Reviewer) -> None:
    action = firewall.submit_action("files.write", {"path": "a.txt", "content": "\x1b[2Jok\u202e\n"})
    shown = str(reviewer.see(action.id))
    assert "\\u{1b}[2Jok\\u{202e}\\n" in shown
    assert shown.replace("\n", "").isprintable()


def test_a_segment_that_is_not_inert_is_rendered_again(firewall: Firewall, reviewer: Reviewer) -> None:
    view: dict[str, Json] = {"headline": [["text", "a\x1b[2J", None]]}
    assert replace(reviewer.see(mail(firewall)), view=view).headline == "a\\u{1b}[2J"


def test_a_long_value_has_to_be_opened_before_approving(firewall: Firewall, reviewer: Reviewer) -> None:
    action = mail(firewall, body="word." * 1_000)
    approval = reviewer.see(action)
    assert approval.unopened == (0,)
    assert "more characters: open value 0" in str(approval)
    with pytest.raises(errors.Conflict) as caught:
        reviewer.approve(approval)
    assert caught.value.code == "unopened_values"
    assert len(reviewer.open_value(approval, 0)) == 5_000
    assert reviewer.see(approval).unopened == ()
    assert reviewer.approve(approval).status is ActionStatus.APPROVED
    with pytest.raises(errors.NotFound):
        reviewer.open_value(approval, 1)


def test_an_answer_to_what_was_decided_meanwhile_is_refused(firewall: Firewall, reviewer: Reviewer) -> None:
    approval = reviewer.see(mail(firewall))
    reviewer.reject(approval, "No")
    with pytest.raises(errors.Conflict) as caught:
        reviewer.approve(approval)
    assert caught.value.code == "already_decided"
    assert reviewer.see(approval).status == "rejected"


def test_a_rejection_wants_a_reason(firewall: Firewall, reviewer: Reviewer) -> None:
    with pytest.raises(errors.RequestRefused) as caught:
        reviewer.reject(reviewer.see(mail(firewall)), " ")
    assert caught.value.code == "reason_required"


def test_what_was_never_held_is_not_found(firewall: Firewall, reviewer: Reviewer) -> None:
    with pytest.raises(errors.NotFound):
        reviewer.see(firewall.submit_action("note.take", {"text": "x"}).id)


@pytest.mark.requirement("R01")
def test_who_may_not_review_is_told_so(place: Place, firewall: Firewall, reviewer: Reviewer) -> None:
    with Firewall.reviewer(place.data, key=reviewer.create_key("aud", roles=("auditor",))) as auditor:
        approval = auditor.see(mail(firewall))
        assert approval.may_not_because == "permission_denied"
        with pytest.raises(errors.NotPermitted):
            auditor.approve(approval)
        with pytest.raises(errors.NotPermitted):
            auditor.create_key("x", roles=("admin",))
    for kind, roles in (("user", ("viewer",)), ("agent", ()), ("service", ("approver",))):
        key = reviewer.create_key(f"no {kind}", kind=kind, roles=roles)
        with pytest.raises(errors.NotPermitted):
            Firewall.reviewer(place.data, key=key)


def test_a_key_that_is_none_opens_nothing(place: Place, firewall: Firewall) -> None:
    for key in ("", "aaf_live_x", "x" * 60):
        with pytest.raises(errors.NotAuthenticated):
            Firewall.reviewer(place.data, key=key)
    with pytest.raises(errors.Misuse, match="no installation"):
        Firewall.reviewer(place.root, key="x")


def test_a_reviewer_makes_no_workspace_where_they_are(
    place: Place, firewall: Firewall, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = Firewall.first_key(place.data)
    elsewhere = place.root.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    with Firewall.reviewer(place.data, key=key) as person:
        assert key not in repr(person)
    assert list(elsewhere.iterdir()) == []


def test_a_closed_reviewer_says_so(reviewer: Reviewer) -> None:
    reviewer.close()
    reviewer.close()
    with pytest.raises(errors.Unavailable, match="closed"):
        reviewer.waiting()
