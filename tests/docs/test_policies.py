"""docs/policies.md: every example of a rule is loaded, every operator and field is in it, and each example says yes and no."""

import re
from pathlib import Path
from typing import Any

import pytest

from aaf.policy.catalogue import ActionClass
from aaf.policy.conditions import FIELDS
from aaf.policy.configuration import load
from aaf.policy.operators import Op
from tests.policy.samples import an_input, with_rules

PAGE = (Path(__file__).parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml match\n(.*?)\n```", PAGE, re.DOTALL)
ROWS = re.findall(r"^\| `.*\| `(.+: \{.*\})` \|$", PAGE, re.MULTILINE)
MONDAY = 1_767_600_000_000_000  # 2026-01-05T08:00:00Z
PAY: dict[str, Any] = {"to": "x", "amount": "150.00", "currency": "EUR"}
YES_AND_NO: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "{tool: files, not: {params.path: {under: docs}}}": ({"path": "src/a"}, {"path": "docs/a"}),
    "params.path: {eq: notes.txt}": ({"path": "notes.txt"}, {"path": "x"}),
    "params.path: {in: [a.txt, b.txt]}": ({"path": "b.txt"}, {"path": "c.txt"}),
    "params.mode: {exists: false}": ({"path": "a"}, {"path": "a", "mode": "x"}),
    "params.count: {gte: 3, lt: 10}": ({**PAY, "count": 3}, {**PAY, "count": 10}),
    "params.path: {ends_with: .env}": ({"path": "a/.env"}, {"path": ".env.txt"}),
    'params.path: {glob: "logs/*.txt"}': ({"path": "logs/a/b.txt"}, {"path": "logs/a.csv"}),
    'params.path: {matches: "[a-z0-9_]+\\\\.csv"}': ({"path": "a_1.csv"}, {"path": "a.csv.exe"}),
    'params.to: {host: [api.example.com, "*.example.org"]}': (
        {**PAY, "to": "https://a.b.example.org/x"},
        {**PAY, "to": "https://api.example.com.evil.tld/"},
    ),
    'params.to: {cidr: [10.0.0.0/8, "2001:db8::/32"]}': ({**PAY, "to": "10.9.8.7"}, {**PAY, "to": "11.9.8.7"}),
    "params.path: {under: [docs, src/generated]}": ({"path": "src/generated/a"}, {"path": "docs-old/a"}),
    '{tool: pay, amount: {gt: "100.00", currency: EUR}}': (PAY, {**PAY, "amount": "100.00"}),
    '{tool: pay, params.currency: USD, amount: {gt: "120.00", currency: USD}}': ({**PAY, "currency": "USD"}, PAY),
    'params.cc: {every: {ends_with: "@example.com"}}': (
        {**PAY, "cc": ["a@example.com"]},
        {**PAY, "cc": ["a@example.com", "b@evil.tld"]},
    ),
    'params.cc: {some: {contains: "@rival."}}': ({**PAY, "cc": ["a@rival.tld"]}, {**PAY, "cc": ["a@example.com"]}),
    "params.cc: {size: {lte: 5}}": ({**PAY, "cc": ["a"] * 5}, {**PAY, "cc": ["a"] * 6}),
}
OF_TIME = {
    '{tool: pay, not: {time: {within: {days: [mon-fri], hours: "09:00-17:00", zone: Europe/Zurich}}}}': (
        MONDAY + 9 * 3_600_000_000,
        MONDAY,
    ),
    '{time: {within: {days: [fri], hours: "22:00-06:00", zone: UTC}}}': (MONDAY - 52 * 3_600_000_000, MONDAY),
    '{tool: files, time: {gte: "2026-12-24T18:00:00+01:00", lt: "2026-12-27T00:00:00Z"}}': (
        1_798_200_000_000_000,
        MONDAY,
    ),
}


def _matches(example: str, params: dict[str, Any], **changes: Any) -> bool:
    match = example if example.startswith("{") else f"{{{example}}}"
    policy = load(with_rules(f"- {{name: r, match: {match}, decision: deny}}\n")).policy
    paying = "to" in params or "tool: pay" in match
    name = "pay.send" if paying else "files.write" if "mode" in match else "files.read"
    klass = ActionClass.PAYMENT if paying else ActionClass.FILE_WRITE if "mode" in match else ActionClass.READ
    decision = policy.judge(an_input(name, params=params, klass=klass, **changes))
    return [(vote.name, vote.unknown) for vote in decision.votes] == [("r", False)]


@pytest.mark.requirement("R22")
@pytest.mark.parametrize("example", [one for one in (*BLOCKS, *ROWS) if one not in OF_TIME])
def test_an_example_of_an_operator_says_yes_and_no(example: str) -> None:
    if example.startswith("{any:"):
        assert _matches(example, {"path": "a"}, agent_name="trainee")
        assert not _matches(example, {"path": "a"})
        return
    yes, no = YES_AND_NO[example]

    assert _matches(example, yes)
    assert not _matches(example, no)


@pytest.mark.parametrize("example", OF_TIME)
def test_an_example_of_a_time_says_yes_and_no(example: str) -> None:
    yes, no = OF_TIME[example]

    assert example in BLOCKS
    assert _matches(example, {"path": "a"} if "files" in example else PAY, time=yes)
    assert not _matches(example, {"path": "a"} if "files" in example else PAY, time=no)


def test_every_operator_and_field_is_on_the_page() -> None:
    named = set(re.findall(r"`([a-z_]+)`", PAGE))

    assert not {op.value for op in Op} - named
    assert not set(FIELDS) - named
    assert len(BLOCKS) + len(ROWS) == len(YES_AND_NO) + len(OF_TIME) + 1
