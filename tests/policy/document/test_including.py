"""One document in several files: what is put together, what is refused, and that every problem names the file that it is in."""

import pytest

from aaf.domain.decision import Verdict
from aaf.domain.errors import Code
from aaf.policy.catalogue import ActionClass
from aaf.policy.configuration import load
from aaf.policy.document.including import MAX_INCLUDED, included_folders, matches
from tests.policy.document.folders import folder, loaded, problems, problems_of
from tests.policy.samples import an_input

READS = "rules: [{name: reads, match: {tool: files, operation: read}, decision: allow}]\n"
PAYS = "rules:\n  - {name: pays, match: {tool: pay}, decision: deny}\n"


def test_lists_follow_each_other_and_mappings_are_merged_by_key() -> None:
    found = loaded(
        f"include: [rules/pay.yaml, teams/*.yaml]\n{READS}redact: [password]\ndefaults: {{read: allow}}\n",
        rules__pay=PAYS + "redact: [iban]\n",
        teams__a="defaults: {payment: deny}\nlimits: {agent: {rate: 5/m}}\n",
        teams__b="limits: {agent: {burst: 2}}\napprovals: {quorum: 2}\n",
    )

    assert [rule.name for rule in found.rules] == ["reads", "pays"]
    assert found.redact == ("password", "iban")
    assert found.defaults[ActionClass.PAYMENT] is Verdict.DENY
    assert found.defaults[ActionClass.READ] is Verdict.ALLOW
    assert (found.limits[0].burst, found.approvals.quorum) == (2, 2)
    assert found.warnings == ()


def test_an_included_file_may_include_others() -> None:
    found = loaded("include: [a.yaml]\n", a="include: [b/c.yaml]\n" + READS, b__c=PAYS)

    assert [rule.name for rule in found.rules] == ["reads", "pays"]


def test_a_document_decides_the_same_in_one_file_and_in_several() -> None:
    one = loaded(READS + "  \n")
    several = loaded("include: [rules/r.yaml]\n", rules__r=READS)

    assert one.to_stored() == several.to_stored()


BAD: dict[str, tuple[str, dict[str, str], list[str]]] = {
    "a file that isn't there": (
        "include: [rules/pay.yaml]\n",
        {"rules__pays": PAYS},
        [
            "aaf.yaml:3:11: no file is named `rules/pay.yaml` (did you mean `rules/pays.yaml`?)",
            "rules/pays.yaml: nothing includes this file (add rules/pays.yaml to `include` in aaf.yaml, or move it away)",
        ],
    ),
    "a pattern that fits nothing": (
        "include: [teams/*.yaml]\n",
        {},
        ["aaf.yaml:3:11: no file is named `teams/*.yaml` (take it out, or add one)"],
    ),
    "a circle of one": (
        "include: [aaf.yaml]\n",
        {},
        ["aaf.yaml:3:11: a circle: aaf.yaml includes aaf.yaml (take one out)"],
    ),
    "a circle of several": (
        "include: [a.yaml]\n",
        {"a": "include: [b.yaml]\n", "b": "redact: [x]\ninclude: ['*.yaml']\n"},
        [
            "b.yaml:2:11: a circle: a.yaml includes b.yaml includes a.yaml (take one out)",
            "b.yaml:2:11: a circle: b.yaml includes b.yaml (take one out)",
        ],
    ),
    "a file twice": (
        "include: [a.yaml, '*.yaml']\n",
        {"a": READS},
        ["aaf.yaml:3:19: `a.yaml` is included a second time (the first is in aaf.yaml:3:11)"],
    ),
    "a file that nothing includes": (
        "include: [rules/a.yaml]\n",
        {"rules__a": READS, "rules__b": PAYS, "c": PAYS},
        [
            "c.yaml: nothing includes this file (add c.yaml to `include` in aaf.yaml, or move it away)",
            "rules/b.yaml: nothing includes this file (add rules/b.yaml to `include` in aaf.yaml, or move it away)",
        ],
    ),
    "what is read anyway": (
        "include: [actions/pay.send.yaml, policies/x.yaml]\n",
        {},
        [
            "aaf.yaml:3:11: what lies in `actions` is read anyway (take it out)",
            "aaf.yaml:3:34: what lies in `policies` is read anyway (take it out)",
        ],
    ),
    "a scalar twice": (
        "include: [a.yaml]\nuse_within: 5m\n",
        {"a": "use_within: 5m\n"},
        ["a.yaml:1:1: `use_within` is said a second time (the first is in aaf.yaml:4:1)"],
    ),
    "a scalar within a mapping twice": (
        "include: [a.yaml]\ndefaults: {read: allow}\n",
        {"a": "defaults: {read: deny}\n"},
        ["a.yaml:1:12: `defaults.read` is said a second time (the first is in aaf.yaml:4:12)"],
    ),
    "approvers, which don't add up": (
        "include: [a.yaml]\napprovals: {approvers: [role:approver]}\n",
        {"a": "approvals: {approvers: [role:admin]}\n"},
        ["a.yaml:1:13: `approvals.approvers` is said a second time (the first is in aaf.yaml:4:13)"],
    ),
    "a role twice": (
        "include: [a.yaml]\nroles: {buyer: [org:action:read]}\n",
        {"a": "roles: {buyer: [org:approval:review]}\n"},
        ["a.yaml:1:9: `roles.buyer` is said a second time (the first is in aaf.yaml:4:9)"],
    ),
    "a rule's name twice": (
        f"include: [a.yaml]\n{READS}",
        {"a": READS},
        ["a.yaml:1:9: a second rule is named `reads` (the first is in aaf.yaml:4:9)"],
    ),
    "an alert's name twice": (
        "include: [a.yaml]\nalerts: [{name: x, event: action.denied}]\n",
        {"a": "alerts: [{name: x, event: key.created}]\n"},
        ["a.yaml:1:10: a second alert is named `x` (the first is in aaf.yaml:4:10)"],
    ),
    "what only the main file says": (
        "include: [a.yaml]\n",
        {"a": "version: 1\nmanaged_by: api\n"},
        [
            "a.yaml:1:1: `version` stands in aaf.yaml only (leave it out here)",
            "a.yaml:2:1: `managed_by` stands in aaf.yaml only (leave it out here)",
        ],
    ),
    "a guard in the main file": (
        "guard: true\n",
        {},
        ["aaf.yaml:3:1: `guard` is for files that are included (put the rules that it is about into one)"],
    ),
    "a misspelt key": (
        "include: [a.yaml]\n",
        {"a": "rulez: []\n"},
        ["a.yaml:1:1: the document has no key `rulez` (did you mean `rules`?)"],
    ),
    "a wrong value in a mapping from another file": (
        "include: [a.yaml]\nlimits: {agent: {burst: 2}}\n",
        {"a": "limits: {agent: {rate: fast}}\n"},
        [
            "a.yaml:1:24: `rate` must be a number per unit of time (write it like 60/m; units are s, m, h, d)",
        ],
    ),
    "a wrong rule of another file": (
        "include: [a.yaml]\n",
        {"a": "rules:\n  - {name: r, match: {tool: pay, params.amonut: '1'}, decision: deny}\n"},
        [
            "a.yaml:2:34: `params.amonut` is no parameter of pay.send that rule r can match (did you mean `params.amount`?)"
        ],
    ),
    "a part that is a list": (
        "include: [a.yaml]\n",
        {"a": "- x\n"},
        ["a.yaml:1:1: a.yaml must be a mapping (write it as `key: value` lines)"],
    ),
    "a part that is no YAML": (
        "include: [a.yaml]\n",
        {"a": "x: [\n"},
        ["a.yaml:2:1: not YAML: did not find expected node content (check the indentation, quotes and brackets here)"],
    ),
    "an include that is no list": (
        "include: rules/a.yaml\n",
        {},
        ["aaf.yaml:3:10: `include` must be a list of strings (write it as [a, b])"],
    ),
}


@pytest.mark.attack("G02", part="a problem of an included file names that file")
@pytest.mark.requirement("R38")
@pytest.mark.parametrize(("main", "parts", "expected"), BAD.values(), ids=BAD)
def test_what_can_not_be_put_together_is_refused_with_both_places(
    main: str, parts: dict[str, str], expected: list[str]
) -> None:
    assert problems(main, **parts) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "../other.yaml",
        "a/../b.yaml",
        "/etc/aaf.yaml",
        "./a.yaml",
        "a//b.yaml",
        ".hidden.yaml",
        "a/.hidden.yaml",
        "*/a.yaml",
        "a\\\\b.yaml",
        "a.yml",
        "https://example.com/a.yaml",
        "a/b/c/d/e/f.yaml",
        "a?.yaml",
        "[ab].yaml",
        "a\\0.yaml",
        "~/a.yaml",
    ],
)
def test_an_include_stays_beneath_the_folder(pattern: str) -> None:
    (problem,) = problems(f'include: ["{pattern}"]\n')
    assert problem.startswith("aaf.yaml:3:11: an include names .yaml files beneath the folder")


def test_too_many_included_files_are_one_problem() -> None:
    parts = {f"t__{number:03}": "redact: []\n" for number in range(MAX_INCLUDED + 1)}

    found = problems("include: [t/*.yaml]\n", **parts)

    assert found[0] == "aaf.yaml:3:11: more than 100 files are included (put some of them together)"
    assert len(loaded("include: [t/*.yaml]\n", **dict(list(parts.items())[:MAX_INCLUDED])).rules) == 0


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("a/*.yaml", "a/b.yaml", True),
        ("a/*.yaml", "a/b/c.yaml", False),
        ("a/*.yaml", "b.yaml", False),
        ("*.yaml", "b.yaml", True),
        ("*.yaml", "aaf.yaml", False),
        ("a/*.yaml", "a/aaf.yaml", True),
        ("a/x*y.yaml", "a/xy.yaml", True),
        ("a/x.yaml", "a/xxyaml", False),
        ("a/x.yaml", "a/x.yaml", True),
    ],
)
def test_a_star_stays_within_the_name_of_a_file(pattern: str, name: str, fits: bool) -> None:
    assert matches(pattern, name) is fits


def test_the_folders_to_read_follow_from_the_files() -> None:
    files = folder("include: [a/x.yaml, '*.yaml']\n", a__x="include: [b/*.yaml]\n", top="include: [c/d/*.yaml]\n")

    assert included_folders({"aaf.yaml": files["aaf.yaml"]}) == {"a"}
    assert included_folders(files) == {"a", "b", "c/d"}
    assert included_folders({"aaf.yaml": b"include: ["}) == frozenset()
    assert included_folders({"aaf.yaml": b"- include\n"}) == frozenset()
    assert included_folders({}) == frozenset()


GUARD = (
    "guard: true\ndefaults: {payment: deny, read: require_approval}\n"
    "rules: [{name: small, match: {tool: pay, params.amount: {lte: '5'}}, decision: allow}]\n"
)


@pytest.mark.parametrize(
    ("main", "amount", "verdict", "code"),
    [
        # where none of its own rules speaks, the guard's default is a vote like any other, and deny wins
        ("rules: [{name: all, match: {tool: pay}, decision: allow}]\n", "9", Verdict.DENY, Code.CLASS_DEFAULT),
        # where one of its rules speaks, its default doesn't
        ("", "5", Verdict.ALLOW, Code.RULE),
        ("rules: [{name: all, match: {tool: pay}, decision: require_approval}]\n", "5", "require_approval", Code.RULE),
        # nobody else needs to have spoken
        ("", "9", Verdict.DENY, Code.CLASS_DEFAULT),
    ],
)
def test_the_defaults_of_a_guard_are_votes(main: str, amount: str, verdict: Verdict, code: Code) -> None:
    found = loaded(f"include: [g.yaml]\n{main}", g=GUARD)
    again = type(found).from_stored(found.to_stored())

    for policy in (found.policy, again.policy):
        decision = policy.judge(
            an_input("pay.send", klass=ActionClass.PAYMENT, params={"to": "a", "amount": amount, "currency": "EUR"})
        )
        assert (decision.verdict, decision.code) == (verdict, code)


def test_without_guard_the_same_defaults_give_way_to_a_rule() -> None:
    every = "rules: [{name: all, match: {tool: pay}, decision: allow}]\n"
    found = loaded(f"include: [g.yaml]\n{every}", g=GUARD.replace("guard: true", "guard: false"))

    decision = found.policy.judge(
        an_input("pay.send", klass=ActionClass.PAYMENT, params={"to": "a", "amount": "9", "currency": "EUR"})
    )

    assert decision.verdict is Verdict.ALLOW


def test_a_guard_holds_an_unknown_action_type_by_the_default_of_its_class() -> None:
    found = loaded(
        "include: [g.yaml]\nfallback: {decision: require_approval}\n", g="guard: true\ndefaults: {other: deny}\n"
    )

    decision = found.policy.judge(an_input("mail.send", klass=ActionClass.OTHER))

    assert (decision.verdict, decision.votes[0].name) == (Verdict.DENY, "g.yaml")


def test_a_guard_only_tightens() -> None:
    assert problems("include: [g.yaml]\n", g="guard: true\ndefaults: {read: allow}\n") == [
        "g.yaml:2:18: the default of a guard can't be allow (a guard only tightens; write a rule)"
    ]
    assert problems("include: [g.yaml]\n", g="guard: yes\n") == [
        "g.yaml:1:8: `guard` must be true or false (without quotes; yes and no are strings here)"
    ]


@pytest.mark.parametrize("rest", ["", "defaults: {}\n", "rules: []\n"])
def test_a_guard_whose_defaults_could_never_speak_is_refused(rest: str) -> None:
    assert problems("include: [g.yaml]\n", g=f"guard: true\n{rest}") == [
        (
            "g.yaml:1:1: a guard without `defaults` says nothing: it is they that are votes"
            " (add defaults: {payment: deny}, or leave `guard` out)"
        )
    ]


def test_a_file_that_is_no_part_of_anything_is_named() -> None:
    assert problems_of({"aaf.yaml": b"version: 1\n", "notes.md": b"", "deep/x.rego": b"package x"}) == [
        "deep/x.rego: a policy module lies in the folder `policies` (move it to policies/x.rego)",
        "notes.md: this file has no place in a configuration (known are: aaf.yaml, actions/<name>.yaml, policies/<name>.rego)",
    ]
    for name in (" actions/a.yaml", "rules/a b.yaml", "*.yaml", "a/b/c/d/e/f.yaml", "actions/a/b.yaml", "a.yaml\n"):
        (problem,) = problems_of({"aaf.yaml": b"version: 1\n", name: b"x: 1\n"})
        assert problem.startswith(f"{name}: this file has no place in a configuration")
    assert load({"aaf.yaml": b"version: 1\n"}).rules == ()
