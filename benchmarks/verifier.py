"""How many events a second the offline verifier checks: chain, tree and signature of a ledger export."""

import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aaf.domain.canonical import Json
from aaf.domain.chain import chain_next, genesis
from aaf.domain.events import transition
from aaf.domain.merkle import Frontier, leaf_hash
from aaf.domain.note import assemble, checkpoint_text, signature_line, vkey
from aaf.domain.pack import export_header, export_line
from aaf.domain.states import State
from benchmarks.result import Figure

EVENTS = 200_000
ROUNDS = 5
LEAST = 100_000
ORG = "0190b0a0-0000-7000-8000-000000000001"
ORIGIN = f"aaf/0190b0a0-0000-7000-8000-000000000000/org/{ORG}"


def _export(path: Path) -> str:
    """A ledger of real event bodies; returns the vkey."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    chain, tree, lines = genesis(ORG), Frontier(), io.BytesIO()
    data: dict[str, Json] = {
        "agent": ORG,
        "class": "other",
        "code": "rule",
        "digest": "0" * 64,
        "entry": "1" * 64,
        "input": "2" * 64,
        "release": 1,
    }
    for seq in range(1, EVENTS + 1):
        event = transition(
            event_id=f"0190b0a0-0000-7000-8000-{seq:012x}",
            org=ORG,
            at=1_700_000_000_000_000 + seq,
            actor=f"agent:{ORG}",
            action=f"0190b0a0-0000-7000-9000-{seq:012x}",
            seq=1,
            before=State.SUBMITTED,
            after=State.DENIED,
            data=data,
            commit={"params.text": "3" * 64},
        )
        leaf = leaf_hash(event.body)
        chain = chain_next(ORG, seq, chain, leaf)
        tree.append(leaf)
        lines.write(export_line(seq, chain, event.body))
    text = checkpoint_text(ORIGIN, EVENTS, tree.root())
    note = assemble(text, [signature_line(ORIGIN, public, key.sign(text.encode()))])
    path.write_bytes(export_header(org=ORG, origin=ORIGIN, size=EVENTS, checkpoints=[note]) + lines.getvalue())
    return vkey(ORIGIN, public)


def measure() -> list[Figure]:
    """Whole process, start-up and reading included."""
    rates = []
    with tempfile.TemporaryDirectory() as name:
        ledger, keys = Path(name) / "ledger.aaf", Path(name) / "log.vkey"
        keys.write_text(_export(ledger) + "\n", encoding="ascii")
        for _ in range(ROUNDS):
            began = perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "aaf_verify", "--key", str(keys), str(ledger)], capture_output=True, check=False
            )
            rates.append(EVENTS / (perf_counter() - began))
            if done.returncode or not re.search(rb"prove", done.stdout):
                raise RuntimeError(done.stdout.decode() + done.stderr.decode())
    rates.sort()
    value = rates[len(rates) // 2]
    return [
        Figure(
            f"verifier, export of {EVENTS:,} events",
            value,
            "events/s",
            budget=f">= {LEAST:,} events/s",
            met=value >= LEAST,
        )
    ]
