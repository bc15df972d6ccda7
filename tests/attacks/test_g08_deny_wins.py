"""G08: somebody says allow or ask over a deny: another rule, a module that guards, a hook, a person. Deny wins, always."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.domain.decision import Source, Verdict, Vote, combine
from aaf.domain.errors import AafError, Code
from aaf.domain.states import State
from tests.services.test_modules import having, pay
from tests.services.world import World, edited

LAST_WORD = "tests.attacks.permissive:last_word"
LOOSENING = st.sampled_from([Verdict.ALLOW, Verdict.REQUIRE_APPROVAL])
DENIES = edited(
    "aaf.yaml",
    ("rules:\n", "rules:\n  - name: never-pay\n    match: {tool: pay}\n    decision: deny\n    reason: Never\n"),
)
ALLOWS = 'default decision := {"action": "allow"}\ndecision := {"action": "allow"} if input.tool == "pay"\n'


@pytest.mark.attack("G08", guard="aaf.domain.decision:combine", without=LAST_WORD)
@given(st.lists(st.tuples(st.sampled_from(Source), LOOSENING), min_size=1, max_size=6), st.integers(0, 6))
def test_no_vote_of_anybody_loosens_a_deny(loosening: list[tuple[Source, Verdict]], place: int) -> None:
    deny = Vote(Verdict.DENY, Source.RULE, Code.RULE, "no")
    votes = [Vote(verdict, source, Code.RULE, "yes") for source, verdict in loosening]
    hooks = [vote for vote in votes if vote.source in {Source.HOOK, Source.GUARD, Source.LIMIT}]
    others = [vote for vote in votes if vote not in hooks]
    decision = combine(pool=[*others[:place], deny, *others[place:]], guards=hooks)
    assert decision.verdict is Verdict.DENY
    assert decision.votes == (deny,)
    assert decision.requirements == ()


@pytest.mark.attack("G08", guard="aaf.domain.decision:combine", without=LAST_WORD)
def test_a_guarding_module_that_allows_changes_nothing_about_a_rule_that_denies(either: World) -> None:
    module = having(ALLOWS, DENIES)
    guarding = b"# METADATA\n# custom:\n#   guard: true\n" + module["policies/own.rego"]
    either.configure({**module, "policies/own.rego": guarding})
    record = pay(either)
    assert (record.state, record.code) == (State.DENIED, Code.RULE)
    assert [reason["name"] for reason in record.reasons] == ["never-pay"]


@pytest.mark.attack("G08")
def test_no_person_approves_what_was_denied(either: World) -> None:
    either.configure(DENIES)
    record = pay(either)
    assert record.state is State.DENIED
    with pytest.raises(AafError):
        either.approve(record)
    assert either.run(either.store.action(either.org, record.id)) == record
