"""A person in process: what they see, what they may answer, and that an answer is to what was seen."""

from dataclasses import replace

import pytest

from aaf import Firewall, Reviewer
from aaf.domain.canonical import Json
from aaf_client import errors
from aaf_client.models import ActionStatus
from tests.embedded.material import Place


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
    assert "why: Mail leaves the house" in lines
    assert "  params.to = bob@example.org" in lines
    assert "  context.why = asked to" in lines
    assert str(approval).isascii()
    assert approval.may_not_because is None


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
