"""A secret of the firewall that an agent quotes: nobody is shown it, nothing exports it, and what was sent still runs."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from aaf.domain.canonical import Json
from aaf.domain.errors import Code
from aaf.domain.redaction import Values
from aaf.domain.states import State
from aaf.services.proof import proof_pack
from aaf.services.review import open_value, show
from tests.services.test_proof import unpacked
from tests.services.world import World

SECRET = "sk-live-4f9a8b7c6d5e"
QUOTATIONS: list[Callable[[str], str]] = [
    str,
    lambda value: base64.b64encode(value.encode()).decode(),
    lambda value: value.encode().hex(),
    lambda value: value.replace("-", "%2D"),
    lambda value: f"Bearer {value}",
]


@dataclass(frozen=True)
class Holding:
    """A firewall that holds one secret."""

    values: Values

    def known(self) -> Values:
        return self.values


def holds_nothing(*_: object) -> Values:
    """Stand in for a finder: it knows no secret."""
    return Values(())


@pytest.fixture
def holding(world: World) -> World:
    world.core = replace(world.core, held_secrets=Holding(Values([SECRET])))
    return world


def told(world: World, action: str) -> str:
    """Everything that people are shown of an action, long values too."""
    seen = world.run(show(world.core, world.caller("ann"), action))
    whole: list[Json] = [seen.view]
    whole += [
        world.run(open_value(world.core, world.caller("ann"), action, at)) for at in range(seen.record.long_values)
    ]
    return json.dumps(whole)


@pytest.mark.requirement("R07")
@pytest.mark.attack(
    "G32", guard="aaf.services.quoting:without_secrets", without="tests.attacks.without:second_argument"
)
@pytest.mark.parametrize("quote", QUOTATIONS)
def test_what_people_are_shown_quotes_no_secret_and_what_runs_is_what_was_sent(
    holding: World, quote: Callable[[str], str]
) -> None:
    record = holding.write(f"key = {quote(SECRET)}\n")
    assert quote(SECRET) not in told(holding, record.id)
    assert "[redacted]" in told(holding, record.id)
    holding.approve(record)
    holding.execute(record)
    assert holding.record(record).state is State.SUCCEEDED
    assert (holding.folder / "workspace" / "a.txt").read_text() == f"key = {quote(SECRET)}\n"


@pytest.mark.attack(
    "G32", guard="aaf.services.quoting:without_secrets", without="tests.attacks.without:second_argument"
)
def test_a_secret_that_a_dry_run_finds_is_not_shown_either(holding: World) -> None:
    (holding.folder / "workspace" / "a.txt").write_text(f"old {SECRET}\n")
    record = holding.write("new\n", context={"why": f"rotate {SECRET}"})
    assert SECRET not in told(holding, record.id)


@pytest.mark.attack("G32", guard="aaf.services.quoting:quoted", without="tests.attacks.without:returns_empty_tuple")
def test_quoting_a_secret_is_a_finding_that_raises_the_risk_and_that_rules_can_ask_for(holding: World) -> None:
    record = holding.submit("files.read", {"path": "a.txt"}, context={SECRET: "here"}).record
    assert record.risk == "high"
    assert holding.submit("files.read", {"path": "a.txt"}, context={"x": "here"}).record.risk == "low"
    found = holding.run(show(holding.core, holding.caller("ann"), holding.write(SECRET).id)).view["findings"]
    assert isinstance(found, list)
    assert [(one["code"], one["field"]) for one in found if isinstance(one, dict)] == [
        (str(Code.SECRET_QUOTED), "params.content")
    ]


@pytest.mark.requirement("R07")
@pytest.mark.attack(
    "G32",
    guard=("aaf.services.quoting:quotes_a_secret", "aaf.services.quoting:quoted"),
    without=("tests.attacks.without:returns_false", "tests.attacks.without:returns_empty_tuple"),
)
def test_a_proof_discloses_no_field_that_quotes_a_secret(holding: World) -> None:
    record = holding.write(f"key = {SECRET}\n", context={"note": SECRET})
    holding.reject(record, reason=f"this is {SECRET}")
    pack = unpacked(holding.run(proof_pack(holding.core, holding.caller("bot"), record.id)))
    assert SECRET not in pack
    assert "a.txt" in pack


def test_a_firewall_without_secrets_looks_for_none(world: World) -> None:
    assert world.submit("files.read", {"path": "a.txt"}, context={"x": SECRET}).record.risk == "low"
