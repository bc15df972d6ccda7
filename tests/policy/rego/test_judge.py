"""How modules combine with rules, class defaults and guards."""

import pytest

from aaf.domain.decision import Source, Verdict, Vote
from aaf.domain.errors import Code
from aaf.policy.catalogue import ActionClass
from aaf.policy.configuration import load
from aaf.policy.judge import Policy
from aaf.policy.rego.answers import Spoken
from tests.policy.samples import an_input, with_main

ALLOW, HOLD, DENY = Verdict.ALLOW, Verdict.REQUIRE_APPROVAL, Verdict.DENY
SILENT = "version: 1\n"
RULES = "version: 1\nrules: [{name: reads, match: {operation: read}, decision: allow}]\n"
DEFAULTS = "version: 1\ndefaults: {read: allow, file_write: require_approval}\n"


def _policy(main: str) -> Policy:
    return load(with_main(main)).policy


def _votes(*verdicts: Verdict) -> tuple[Vote, ...]:
    return tuple(Vote(verdict, Source.MODULE, Code.MODULE, "policies/m.rego") for verdict in verdicts)


@pytest.mark.requirement("R18")
@pytest.mark.parametrize(
    ("main", "pool", "defaults", "verdict"),
    [
        # explicit votes of rules and modules are one pool, and the most restrictive wins
        (RULES, (), (), ALLOW),
        (RULES, (HOLD,), (), HOLD),
        (RULES, (HOLD, DENY), (), DENY),
        (SILENT, (ALLOW,), (), ALLOW),
        (SILENT, (ALLOW, HOLD), (), HOLD),
        # defaults count only when nobody has spoken
        (RULES, (), (DENY,), ALLOW),
        (SILENT, (ALLOW,), (DENY,), ALLOW),
        (SILENT, (), (ALLOW,), ALLOW),
        (SILENT, (), (ALLOW, DENY), DENY),
        # among the defaults of classes and modules the most restrictive wins
        (DEFAULTS, (), (), ALLOW),
        (DEFAULTS, (), (ALLOW,), ALLOW),
        (DEFAULTS, (), (HOLD,), HOLD),
        (DEFAULTS, (DENY,), (), DENY),
        # none at all is deny
        (SILENT, (), (), DENY),
    ],
)
def test_modules_and_rules_are_one_pool_and_defaults_come_last(
    main: str, pool: tuple[Verdict, ...], defaults: tuple[Verdict, ...], verdict: Verdict
) -> None:
    said = Spoken(_votes(*pool), _votes(*defaults))
    assert _policy(main).judge(an_input(), (), said).verdict is verdict


def test_silent_modules_change_nothing() -> None:
    for main in (RULES, SILENT, DEFAULTS):
        policy = _policy(main)
        for asked in (an_input(), an_input("files.write", klass=ActionClass.FILE_WRITE), an_input("un.known")):
            assert policy.judge(asked, (), Spoken()) == policy.judge(asked)


@pytest.mark.parametrize("spoken", [Spoken(_votes(ALLOW)), Spoken((), _votes(ALLOW))])
def test_no_module_allows_what_the_catalogue_does_not_know(spoken: Spoken) -> None:
    decision = _policy(SILENT).judge(an_input("un.known"), (), spoken)
    assert (decision.verdict, decision.code) == (DENY, Code.UNKNOWN_ACTION_TYPE)


def test_a_guard_denies_over_every_module() -> None:
    guard = Vote(DENY, Source.GUARD, Code.SCHEMA_VIOLATION, "schema")
    assert _policy(RULES).judge(an_input(), (guard,), Spoken(_votes(ALLOW))).code is Code.SCHEMA_VIOLATION
