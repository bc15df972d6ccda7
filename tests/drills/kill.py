"""The crash drill: kill a process at a random moment under load, open its files again, and count what is not as it was acknowledged.

`make kill`, or `python tests/drills/kill.py [--rounds 20] [--seed N] [--folder DIR]`. A child process works on a store with many threads: it
submits, issues permits, consumes them (its own, each other's, those of rounds before), runs a side effect for each one it got, and reports outcomes.
It acknowledges to its parent whatever it was told is durable. SIGKILL leaves the page cache, so loss of power is not what this proves.
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

# The path above has to be known before these are imported.
from aaf.adapters.driving import drive  # noqa: E402
from aaf.adapters.sqlite.store import SqliteStore  # noqa: E402
from aaf.adapters.system import SystemIds  # noqa: E402
from aaf.adapters.waiting import Blocking  # noqa: E402
from aaf.domain.chain import chain_next, genesis  # noqa: E402
from aaf.domain.errors import StoreFailed  # noqa: E402
from aaf.domain.events import Event, EventType  # noqa: E402
from aaf.domain.merkle import Frontier, leaf_hash  # noqa: E402
from aaf.domain.record import Aggregate, PermitState  # noqa: E402
from aaf.domain.states import State  # noqa: E402
from aaf.ports import (  # noqa: E402
    AddAggregate,
    Commit,
    Committed,
    ConsumePermit,
    InsertAction,
    InsertPermit,
    InsertSealed,
    UpdateAction,
    Write,
)
from tests.contract.material import ORG, action, checkpoint, permit, sealed  # noqa: E402

THREADS = 12
OLD = 200
"""Permits of earlier rounds that every child tries to consume again."""


# --- the child --------------------------------------------------------------------------------------------------------


@dataclass
class Worker:
    """One thread's share of the load."""

    store: SqliteStore
    acknowledge: int
    effects: int
    issued: list[tuple[str, str]]
    chance: random.Random
    ids: SystemIds

    def run(self) -> None:
        while True:
            self.submit()
            for _ in range(3):
                self.race(*self.chance.choice(self.issued[-OLD:]))

    def commit(self, kind: EventType, about: str, *writes: Write) -> bool:
        """Commit with one event; acknowledge it once it is said to be durable."""
        event = Event(self.ids.new(), kind, json.dumps({"about": about, "kind": str(kind)}).encode(), about)
        answer = drive(self.store.commit(Commit(ORG, writes, (event,))))
        if isinstance(answer, Committed):
            os.write(self.acknowledge, f"{event.id} {answer.seq}\n".encode())
        return isinstance(answer, Committed)

    def submit(self) -> None:
        """A new action with its permit."""
        record, jti = action(self.ids.new()), self.ids.new()
        count = Aggregate(ORG, "submitted", "drill", 0, 1)
        secret = sealed(record.id, ciphertext=os.urandom(200))
        self.commit(
            EventType.ACTION_ALLOWED, record.id, InsertAction(record), InsertSealed(secret), AddAggregate(count)
        )
        self.commit(EventType.PERMIT_ISSUED, record.id, InsertPermit(permit(record.id, jti=jti)))
        self.issued.append((record.id, jti))

    def race(self, action_id: str, jti: str) -> None:
        """Try to use a permit that others try to use too; run the side effect only where it was ours."""
        record = drive(self.store.action(ORG, action_id))
        if record is None:
            return
        running = replace(record, version=record.version + 1, state=State.EXECUTING)
        if self.commit(EventType.ACTION_EXECUTING, action_id, ConsumePermit(jti), UpdateAction(running)):
            os.write(self.effects, f"{jti}\n".encode())
            os.fsync(self.effects)
            done = replace(running, version=running.version + 1, state=State.SUCCEEDED)
            self.commit(EventType.ACTION_SUCCEEDED, action_id, UpdateAction(done))


def keep_checkpoints(store: SqliteStore) -> None:
    """What the checkpointer does, as often as it can."""
    while True:
        head = drive(store.head(ORG))
        if head.size:
            drive(store.put_checkpoint(checkpoint(head.size, head.root)))
        time.sleep(0.05)


def child(folder: Path, acknowledge: int, seed: int) -> None:
    """Work until killed."""
    store = SqliteStore.open(folder / "aaf.db", waiting=Blocking())
    effects = os.open(folder / "effects", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    with sqlite3.connect(folder / "aaf.db") as connection:
        issued = connection.execute("SELECT action, jti FROM permit ORDER BY jti DESC LIMIT ?", (OLD // 2,)).fetchall()
    connection.close()
    workers = [
        Worker(store, acknowledge, effects, issued, random.Random(seed + number), SystemIds())
        for number in range(THREADS)
    ]
    for worker in workers:
        threading.Thread(target=worker.run, daemon=True).start()
    keep_checkpoints(store)


# --- the parent -------------------------------------------------------------------------------------------------------


@dataclass
class Findings:
    """What the rounds have shown; every list ought to stay empty."""

    rounds: int = 0
    acknowledged: int = 0
    unacknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def summary(self) -> str:
        return (
            f"kill: {self.rounds} rounds, {self.acknowledged} acknowledged, {len(self.lost)} lost, "
            f"{len(self.twice)} ran twice, {self.unacknowledged} durable before they could be acknowledged, "
            f"chain {'broken' if self.broken else 'ok'}"
        )

    def good(self) -> bool:
        return self.acknowledged > 0 and not (self.lost or self.twice or self.broken)


class Mode(Protocol):
    """What is killed and what is looked at afterwards. `kill_server.py` beside this file drills a whole server."""

    def start(self, acknowledge: int, seed: int) -> "subprocess.Popen[bytes]":
        """Start the child; it writes lines `<event id> <seq>` to the descriptor `acknowledge`."""

    def check(self, acknowledged: list[tuple[str, int]], findings: Findings) -> None:
        """Open what it left and note what is wrong."""


class StoreMode:
    """The store alone, without doors."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._size = 0
        self._chain = genesis(ORG)
        self._frontier = Frontier()

    def start(self, acknowledge: int, seed: int) -> "subprocess.Popen[bytes]":
        command = [
            sys.executable,
            __file__,
            "--child",
            str(acknowledge),
            "--folder",
            str(self._folder),
            "--seed",
            str(seed),
        ]
        return subprocess.Popen(command, pass_fds=[acknowledge])

    def check(self, acknowledged: list[tuple[str, int]], findings: Findings) -> None:
        before = self._size
        store = SqliteStore.open(self._folder / "aaf.db", waiting=Blocking())
        try:
            self._check_chain(store, findings)
            self._check_effects(store, findings)
        finally:
            drive(store.close())
        connection = sqlite3.connect(self._folder / "aaf.db")
        try:
            for event_id, seq in acknowledged:
                row = connection.execute("SELECT seq FROM event WHERE org = ? AND id = ?", (ORG, event_id)).fetchone()
                if row != (seq,):
                    findings.lost.append(f"{event_id} at {seq}")
            self._check_halves(connection, findings)
        finally:
            connection.close()
        findings.unacknowledged += self._size - before - len(acknowledged)

    def _check_chain(self, store: SqliteStore, findings: Findings) -> None:
        """Go on from where the last round's check ended; what was checked before must still be the beginning."""
        while rows := drive(store.events(ORG, after=self._size, limit=5000)):
            for row in rows:
                self._size += 1
                leaf = leaf_hash(row.body)
                self._chain = chain_next(ORG, self._size, self._chain, leaf)
                self._frontier.append(leaf)
                if (row.seq, row.chain) != (self._size, self._chain):
                    findings.broken.append(f"entry {row.seq}")
                    return
        head = drive(store.head(ORG))
        if (head.size, head.chain, head.root) != (self._size, self._chain, self._frontier.root()):
            findings.broken.append(f"head {head.size}, events {self._size}")
        newest = drive(store.checkpoint(ORG))
        if newest is not None and drive(store.subtree(ORG, 0, newest.size)) != newest.root:
            findings.broken.append(f"checkpoint {newest.size}")

    def _check_effects(self, store: SqliteStore, findings: Findings) -> None:
        """A side effect ran at most once, and only where its permit is consumed."""
        path = self._folder / "effects"
        ran = Counter(path.read_text().split()) if path.exists() else Counter[str]()
        findings.twice = [jti for jti, count in ran.items() if count > 1]
        for jti in ran:
            kept = drive(store.permit(jti))
            if kept is None or kept.state is not PermitState.CONSUMED:
                findings.broken.append(f"ran without a consumed permit: {jti}")

    def _check_halves(self, connection: sqlite3.Connection, findings: Findings) -> None:
        """Events and the rows beside them tell the same story, and the file is sound."""
        kinds = Counter(
            dict(connection.execute("SELECT type, count(*) FROM event WHERE org = ? GROUP BY type", (ORG,)))
        )
        moves = ("action.allowed", "action.executing", "action.succeeded")
        expected = {
            "SELECT count(*) FROM action": kinds["action.allowed"],
            "SELECT count(*) FROM sealed": kinds["action.allowed"],
            "SELECT coalesce(sum(count), 0) FROM aggregate": kinds["action.allowed"],
            "SELECT count(*) FROM permit": kinds["permit.issued"],
            "SELECT count(*) FROM permit WHERE state = 'consumed'": kinds["action.executing"],
            "SELECT coalesce(sum(version), 0) FROM action": sum(kinds[kind] for kind in moves),
            "SELECT count(*) FROM action WHERE state = 'succeeded'": kinds["action.succeeded"],
            "PRAGMA integrity_check": "ok",
        }
        for query, value in expected.items():
            (found,) = connection.execute(query).fetchone()
            if found != value:
                findings.broken.append(f"{query}: {found}, the events say {value}")


def one_round(mode: Mode, chance: random.Random, seed: int, findings: Findings) -> None:
    """Start, let it work for a random while, kill, check."""
    reading, writing = os.pipe()
    process = mode.start(writing, seed)
    os.close(writing)
    end = chance.uniform(0.15, 1.0)
    said = b""
    started: float | None = None
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        killer: threading.Timer | None = None
        while part := pipe.read(65_536):
            if started is None:
                started = time.monotonic()
                killer = threading.Timer(end, process.send_signal, (signal.SIGKILL,))
                killer.start()
            said += part
    code = process.wait()
    if killer is not None:
        killer.join()
    if code != -signal.SIGKILL:
        findings.broken.append(f"the child ended by itself with {code}")
    lines = [line.split() for line in said.decode().split("\n")[:-1]]
    acknowledged = [(event_id, int(seq)) for event_id, seq in lines]
    mode.check(acknowledged, findings)
    findings.rounds += 1
    findings.acknowledged += len(acknowledged)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--child", type=int, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        child(options.folder, options.child, options.seed)
        return 1
    seed = random.randrange(1 << 32) if options.seed is None else options.seed
    chance, findings = random.Random(seed), Findings()
    with tempfile.TemporaryDirectory() as temporary:
        mode: Mode = StoreMode(options.folder or Path(temporary))
        for number in range(options.rounds):
            try:
                one_round(mode, chance, seed + 1000 * number, findings)
            except (StoreFailed, sqlite3.Error) as error:
                findings.broken.append(f"cannot be opened again: {error}")
    for what, found in (("lost", findings.lost), ("ran twice", findings.twice), ("broken", findings.broken)):
        for one in found[:20]:
            print(f"kill: {what}: {one}")
    print(f"{findings.summary()} (seed {seed})")
    return 0 if findings.good() else 1


if __name__ == "__main__":
    sys.exit(main())
