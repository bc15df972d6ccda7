"""The examples of docs/limits.md are loaded and decide as the page says."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from aaf.domain.states import State
from aaf.policy.configuration import load
from tests.services.world import FILES, MAIN, World, make

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text(encoding="utf-8")
STRIPE = """\
name: stripe.refund
class: payment
risk: high
effect: caller
targets: [params.charge]
amount: {value: params.amount, currency: params.currency}
input:
  type: object
  additionalProperties: false
  required: [charge, amount, currency]
  properties:
    charge: {type: string, maxLength: 64}
    amount: {type: string, maxLength: 16}
    currency: {type: string, maxLength: 3}
"""
ALLOWED = """\
rules:
  - name: refunds
    match: {tool: stripe}
    decision: allow
  - name: all-files
    match: {tool: files}
    decision: allow
"""


def shown(name: str) -> str:
    """One example of the page."""
    found = re.search(rf"<!-- limits: {name} -->\n```[a-z]*\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None, name
    return found[1]


def configured(text: str) -> dict[str, bytes]:
    """The services' configuration with an example in place of its rules and limits."""
    before = MAIN[: MAIN.index("rules:")]
    after = re.sub(r"limits:\n(  .*\n)+\n", "", MAIN[MAIN.index("approvals:") :])
    rules = text if "rules:" in text else text + ALLOWED
    if "rules:" in text:
        rules = text + ALLOWED.removeprefix("rules:\n")
    return {**FILES, "actions/stripe.refund.yaml": STRIPE.encode(), "aaf.yaml": (before + rules + after).encode()}


def refund(world: World, amount: str = "10.00") -> State:
    params = {"charge": "c", "amount": amount, "currency": "EUR"}
    return world.submit("stripe.refund", params).record.state


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = make(tmp_path, memory=True)
    yield made
    made.close()


def test_every_example_of_the_page_is_run_here_and_what_is_printed_with_the_terminal() -> None:
    names = set(re.findall(r"<!-- limits: ([a-z]+) -->", PAGE))
    assert names == {"rates", "spend", "rules", "module", "printed"}


@pytest.mark.requirement("R20")
def test_the_rates_of_the_page_count(world: World) -> None:
    world.configure(configured(shown("rates")))
    assert [refund(world) for _ in range(4)] == [State.ALLOWED] * 3 + [State.DENIED]
    world.clock.advance(360)
    assert refund(world) is State.ALLOWED


@pytest.mark.requirement("R20")
def test_the_ceilings_of_the_page_count(world: World) -> None:
    world.configure(configured(shown("spend")))
    assert [refund(world, amount) for amount in ("300.00", "200.00", "0.01")] == [
        State.ALLOWED, State.ALLOWED, State.DENIED,
    ]  # fmt: skip
    ceilings = {limit.name: limit for limit in load(configured(shown("spend"))).spend}
    assert ceilings["all-payments"].ceilings == {"EUR": 5_000_000_000, "USD": 5_500_000_000}


@pytest.mark.requirement("R20")
def test_the_rules_of_the_page_decide(world: World) -> None:
    world.configure(configured(shown("rules")))
    states = [world.submit("files.read", {"path": "a.txt"}).record.state for _ in range(102)]
    assert states == [State.ALLOWED] * 81 + [State.PENDING_APPROVAL] * 19 + [State.DENIED] * 2
    assert [refund(world, amount) for amount in ("451.00", "1.00")] == [State.ALLOWED, State.PENDING_APPROVAL]


@pytest.mark.requirement("R20")
def test_the_module_of_the_page_decides(world: World) -> None:
    rules = shown("rules")
    limits = rules[: rules.index("rules:")]
    world.configure({**configured(limits), "policies/writes.rego": shown("module").encode()})
    states = [world.submit("files.read", {"path": "a.txt"}).record.state for _ in range(102)]
    assert states == [State.ALLOWED] * 81 + [State.PENDING_APPROVAL] * 19 + [State.DENIED] * 2
