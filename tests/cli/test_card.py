"""What an approver reads in a terminal is everything that the view holds for a person."""

import pytest

from aaf.domain.canonical import Json
from aaf.domain.decision import DEFAULT_REQUIREMENT
from aaf.domain.effect import Effect
from aaf.domain.view import make_view, preview
from aaf.entrypoints.cli.terminal.card import card
from aaf.entrypoints.cli.terminal.stopping import Stopped


def _shown(*, approved: Json, effect: Effect | None = None) -> list[str]:
    """The lines of an approval, its view as the server makes it."""
    view = make_view(
        action="a",
        agent="bot",
        requester="agent:0190b0a0-0000-7000-8000-000000000001",
        name="http.request",
        server=None,
        params={},
        context={},
        secret=(),
        risk="high",
        action_class="other",
        reasons=(),
        findings=(),
        target=None,
        effect=effect,
        digest="0" * 64,
        requirements=(DEFAULT_REQUIREMENT,),
        round_=1,
    )
    approval: dict[str, Json] = {
        "id": "a",
        "digest": "0" * 64,
        "status": "pending_approval",
        "view": preview(view.value, frozenset()),
        "requirements": [DEFAULT_REQUIREMENT.to_json()],
        "approved": approved,
    }
    return [line.plain for line in card(approval, now=None)]


@pytest.mark.parametrize("diff", [None, "", "-old\n+new\n"])
def test_what_a_dry_run_found_is_shown_whole_whether_or_not_there_is_a_diff(diff: str | None) -> None:
    long = "x" * 5_000
    facts: dict[str, Json] = {"addresses": ["192.0.2.7"], "redirects": "\u202e", "body": long}
    lines = _shown(approved=[0], effect=Effect("http.request", "https://a.example", "Calls it", facts, diff))
    effect = lines[lines.index("What it would do") : lines.index("Who is asked")]
    assert "| facts.addresses[0]  text, 9 characters" in effect
    assert effect[effect.index("| facts.addresses[0]  text, 9 characters") + 1] == "|   192.0.2.7"
    assert "|   \\u{202e}" in effect
    assert f"|   {long}" in effect
    assert not any("opened" in line for line in effect), "nobody opens what stands there whole"


@pytest.mark.parametrize("approved", [[], [0, 0], ["0"], [True], [None], None])
def test_approvals_that_are_not_one_number_for_each_requirement_end_the_command(approved: Json) -> None:
    assert "0 of 1 approved: role:approver" in _shown(approved=[0])
    with pytest.raises(Stopped) as ended:
        _shown(approved=approved)
    assert ended.value.code == "unexpected_answer"


def test_who_asks_stands_there_as_the_ledger_names_it_beside_the_name_that_was_chosen() -> None:
    lines = _shown(approved=[0])
    asks = lines[lines.index("Who asks, for what") : lines.index("Who is asked")]
    assert asks[1:4] == [
        "requester  agent:0190b0a0-0000-7000-8000-000000000001",
        "| agent  bot",
        "type       http.request",
    ]
