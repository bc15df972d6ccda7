"""The hash chain of a ledger: pinned values, and every way of tampering changes what follows."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from aaf.domain.canonical import canonical, parse
from aaf.domain.chain import chain_next, chain_prefix, chain_step, genesis, org_bytes
from aaf.domain.events import transition
from aaf.domain.merkle import leaf_hash, tree_root
from aaf.domain.pack import export_header, export_line
from aaf.domain.states import State

VECTOR: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "ledger.json").read_text(encoding="utf-8")
)
ORG = str(VECTOR["org"])
BODIES = [entry["body"].encode() for entry in VECTOR["entries"]]
OTHER = "0198c0de-1111-7000-8000-00000000000b"


def chain_of(bodies: list[bytes], org: str = ORG) -> list[bytes]:
    values = [genesis(org)]
    for seq, body in enumerate(bodies, start=1):
        values.append(chain_next(org, seq, values[-1], leaf_hash(body)))
    return values


@pytest.mark.requirement("R26")
def test_pinned_chain_of_three_events() -> None:
    assert [value.hex() for value in chain_of(BODIES)] == [
        VECTOR["genesis"],
        *(entry["chain"] for entry in VECTOR["entries"]),
    ]
    assert [leaf_hash(body).hex() for body in BODIES] == [entry["leaf"] for entry in VECTOR["entries"]]
    assert tree_root([leaf_hash(body) for body in BODIES]).hex() == VECTOR["root"]


def test_a_step_is_the_next_value() -> None:
    previous, leaf = genesis(ORG), leaf_hash(BODIES[0])
    assert chain_step(chain_prefix(ORG), 1, previous, leaf) == chain_next(ORG, 1, previous, leaf)


def test_pinned_event_bodies_are_canonical() -> None:
    for body in BODIES:
        assert canonical(parse(body)) == body


def test_pinned_event_body_is_what_the_transition_writes() -> None:
    event = transition(
        event_id="0198c0de-5555-7000-8000-000000000001",
        org=ORG,
        at=1_760_000_000_000_001,
        actor=f"agent:{VECTOR['agent']}",
        action=VECTOR["action"],
        seq=1,
        before=State.SUBMITTED,
        after=State.ALLOWED,
        data=json.loads(BODIES[0])["data"],
        commit=json.loads(BODIES[0])["commit"],
    )
    assert event.body == BODIES[0]


def test_pinned_ledger_export() -> None:
    header = export_header(org=ORG, origin=VECTOR["origin"], size=3, checkpoints=[])
    lines = [
        export_line(entry["seq"], bytes.fromhex(entry["chain"]), entry["body"].encode()) for entry in VECTOR["entries"]
    ]
    export = header + b"".join(lines)
    assert sha256(export).hexdigest() == VECTOR["export_sha256"]
    assert export.count(b"\n") == 4
    assert export.endswith(b"\n")


@pytest.mark.requirement("R26")
@pytest.mark.parametrize(
    "bodies",
    [
        [BODIES[0].replace(b'"code":"rule"', b'"code":"none"'), *BODIES[1:]],
        [BODIES[1], BODIES[0], BODIES[2]],
        [BODIES[1], BODIES[2]],
        [BODIES[0], BODIES[0], BODIES[1], BODIES[2]],
        BODIES[:2],
    ],
    ids=["rewritten", "reordered", "dropped", "doubled", "cut"],
)
def test_a_tampered_ledger_ends_in_another_chain_value(bodies: list[bytes]) -> None:
    assert chain_of(bodies)[-1] != chain_of(BODIES)[-1]


def test_the_same_events_of_another_organisation_make_another_chain() -> None:
    assert not set(chain_of(BODIES)) & set(chain_of(BODIES, OTHER))


def test_the_same_event_at_another_place_has_another_value() -> None:
    previous, leaf = genesis(ORG), leaf_hash(BODIES[0])
    assert chain_next(ORG, 1, previous, leaf) != chain_next(ORG, 2, previous, leaf)


@pytest.mark.parametrize(
    "org",
    [
        "",
        ORG.upper(),
        ORG.replace("-", ""),
        f"{{{ORG}}}",
        f"urn:uuid:{ORG}",
        ORG + "\n",
        ORG[:-1],
        ORG[:-1] + "g",
        ORG.replace("-", "0"),
    ],
)
def test_an_organisation_has_one_spelling(org: str) -> None:
    for function in (org_bytes, genesis, chain_prefix):
        with pytest.raises(ValueError, match="36 lowercase"):
            function(org)
    assert len(org_bytes(ORG)) == 16
