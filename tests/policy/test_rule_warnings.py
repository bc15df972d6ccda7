"""What a load says of rules that contradict themselves, never count, or meet."""

import pytest

from aaf.domain.errors import ConfigurationInvalid
from aaf.policy import relations
from aaf.policy.configuration import load
from aaf.policy.relations import overlaps, shadowed
from tests.policy.samples import with_rules
from tests.policy.work import at_most

R = "rule r can never match: this test of"
CONTRADICTIONS = [
    ("{params.count: {gt: 10, lt: 5}}", f"4:48: {R} `params.count` contradicts another (the other is `gt` at 4:40)"),
    ("{params.count: {gt: 5, lte: 5}}", f"4:48: {R} `params.count` contradicts another (the other is `gt` at 4:40)"),
    (
        "{params.count: 3, not: {params.count: {lt: 5}}}",
        f"4:63: {R} `params.count` contradicts another (the other is `in` at 4:35)",
    ),
    (
        "{params.to: [a, b], any: [{params.to: c}, {params.to: d}]}",
        f"4:58: {R} `params.to` contradicts another (the other is `in` at 4:32)",
    ),
    (
        "{all: [{params.to: {starts_with: a}}, {params.to: {starts_with: b}}]}",
        f"4:84: {R} `params.to` contradicts another (the other is `starts_with` at 4:53)",
    ),
    (
        "{params.to: {host: a.com}, all: [{params.to: {host: '*.a.com'}}]}",
        f"4:72: {R} `params.to` contradicts another (the other is `host` at 4:39)",
    ),
    (
        "{not: {any: [{params.count: {lt: 5}}, {params.count: {gte: 5}}]}}",
        f"4:79: {R} `params.count` contradicts another (the other is `lt` at 4:53)",
    ),
    (
        "{params.token: {exists: true}, any: [{params.token: {exists: false}}]}",
        f"4:81: {R} `params.token` contradicts another (the other is `exists` at 4:44)",
    ),
    (
        "{amount: {gt: '1', currency: EUR}, any: [{amount: {lt: '5', currency: USD}}]}",
        f"4:75: {R} `amount` contradicts another (the other is `gt` at 4:34)",
    ),
    (
        "{time: {gt: '2026-02-01T00:00:00Z', lt: '2026-01-01T00:00:00Z'}}",
        f"4:60: {R} `time` contradicts another (the other is `gt` at 4:32)",
    ),
    (
        "{params.cc: {size: {gt: 5, lt: 2}}}",
        "4:39: `params.cc`: no number of items is so (look at the bounds of `size`)",
    ),
    (
        "{params.cc: {size: {lt: 0}}}",
        "4:39: `params.cc`: no number of items is so (look at the bounds of `size`)",
    ),
    (
        "{params.cc: {some: {starts_with: a, eq: b}}}",
        "4:39: `params.cc`: no item can be so (look at the operators of `some`)",
    ),
    (
        "{params.cc: {in: [a], not_in: [a, b]}}",
        f"4:50: {R} `params.cc` contradicts another (the other is `in` at 4:37)",
    ),
]
FINE = [
    "{params.count: {gt: 5, lt: 10}}",
    "{params.cc: {contains: a}, all: [{params.cc: {contains: b}}]}",
    "{any: [{params.count: {gt: 10}}, {params.count: {lt: 5}}]}",
    "{not: {params.count: {gt: 10, lt: 5}}}",
    "{params.to: {starts_with: a, ends_with: b}}",
    "{params.to: {host: a.com, starts_with: https}}",
    "{risk: {gte: high}, not: {risk: critical}}",
    "{not: {not: {params.to: {host: a.com}}}}",
]


@pytest.mark.attack(
    "G02", guard="aaf.policy.contradictions:never_together", without="tests.attacks.without:returns_false"
)
def test_bounds_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(ConfigurationInvalid, match="can never match"):
        load(with_rules("- {name: r, match: {params.count: {gt: 10, lt: 5}}, decision: deny}\n"))


@pytest.mark.attack("G02")
@pytest.mark.parametrize(("match", "expected"), CONTRADICTIONS)
def test_tests_that_cannot_be_true_together_are_refused_with_both_places(match: str, expected: str) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        load(with_rules(f"- {{name: r, match: {match}, decision: deny}}\n"))

    assert str(caught.value.problems[0]).removeprefix("aaf.yaml:") == expected


@pytest.mark.parametrize("match", FINE)
def test_tests_that_can_be_true_together_are_loaded(match: str) -> None:
    assert load(with_rules(f"- {{name: r, match: {match}, decision: deny}}\n")).warnings == ()


def _load(*rules: str) -> tuple[str, ...]:
    return load(with_rules("".join(f"- {rule}\n" for rule in rules))).warnings


def test_a_rule_that_a_stricter_one_always_outvotes_is_told_with_its_place() -> None:
    warnings = _load(
        "{name: narrow, match: {tool: files, params.path: {under: docs/a}}, decision: allow}",
        "{name: wide, match: {tool: [files, pay], params.path: {under: docs}}, decision: deny}",
    )

    said = (
        "rule narrow never counts: whenever it speaks, the stricter rule wide speaks too (leave it out, or narrow wide)"
    )
    assert warnings == (f"aaf.yaml:4:10: {said}",)


@pytest.mark.parametrize(
    "rules",
    [
        (
            "{name: a, match: {tool: files}, decision: allow}",
            "{name: b, match: {tool: files, operation: write}, decision: deny}",
        ),
        ("{name: a, match: {tool: files}, decision: deny}", "{name: b, match: {tool: files}, decision: deny}"),
        ("{name: a, match: {tool: files}, decision: deny}", "{name: b, match: {tool: pay}, decision: allow}"),
        # A hold speaks where its test is unknown, and the deny's test is false there.
        (
            "{name: a, match: {params.to: {gt: '5'}}, decision: require_approval}",
            "{name: b, match: {params.to: {exists: true}}, decision: deny}",
        ),
    ],
)
def test_a_rule_that_counts_somewhere_is_not_told(rules: tuple[str, str]) -> None:
    assert _load(*rules) == ()


def _overlaps(*rules: str) -> list[tuple[str, tuple[str, ...]]]:
    configuration = load(with_rules("".join(f"- {rule}\n" for rule in rules)))
    found = overlaps(configuration.rules, configuration.catalogue)
    assert found.complete
    return [(one.rule, one.stricter) for one in found.found]


def test_rules_of_another_outcome_that_meet_are_told_once_for_each_weaker_rule() -> None:
    assert _overlaps(
        "{name: a, match: {tool: files, agent: bot}, decision: allow}",
        "{name: b, match: {tool: files, params.path: {glob: '*.env'}}, decision: deny}",
        "{name: c, match: {operation: write, params.create: true}, decision: require_approval}",
        "{name: d, match: {tool: pay}, decision: require_approval}",
    ) == [("a", ("b", "c")), ("c", ("b",))]


def test_an_exception_and_a_guard_over_everything_are_not_told() -> None:
    assert _overlaps(
        "{name: a, match: {tool: files}, decision: allow}",
        "{name: b, match: {tool: files, params.path: {glob: '*.env'}}, decision: deny}",
        "{name: c, match: {agent: banned}, decision: deny}",
        "{name: d, match: {findings: {exists: true}}, decision: deny}",
        "{name: e, match: {tool: pay, amount: {gt: '5', currency: EUR}}, decision: require_approval}",
        "{name: f, match: {tool: pay, params.currency: USD, params.cc: {exists: false}}, decision: allow}",
    ) == [("f", ("e",))]


def test_the_work_of_comparing_is_bounded_and_the_answer_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = "".join(
        f"- {{name: r{number}, match: {{params.path: {{glob: '{number}a*'}}}}, decision: {decision}}}\n"
        for number, decision in zip(range(300), ["allow", "deny", "require_approval"] * 100, strict=True)
    )
    configuration = load(with_rules(rules))
    monkeypatch.setattr(relations, "MAX_STEPS", 2_000)

    with at_most(150_000):
        assert not overlaps(configuration.rules, configuration.catalogue).complete
        assert shadowed(configuration.rules, configuration.catalogue) == {}


def test_a_conjunction_of_very_many_tests_costs_no_more_than_it_is_long() -> None:
    tests = ", ".join(f"{{params.to: {{ne: a{number}}}}}" for number in range(4_000))
    alternatives = ", ".join(f"{{params.to: {{starts_with: a{number}}}}}" for number in range(4_000))

    with at_most(6_000_000):
        load(with_rules(f"- {{name: r, match: {{all: [{tests}], any: [{alternatives}]}}, decision: deny}}\n"))
