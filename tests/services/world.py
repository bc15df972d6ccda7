"""A whole product in one process, with a clock that stands still: agents, people, a workspace, and moments in between.

Everything is the real thing: a store, keys, the connector for files. What can be scripted is what happens *between* two steps of a
service: `world.ids.then(...)` when it next takes an id or a salt, `world.hands.then(...)` when the connector is next asked.
"""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from aaf.adapters.anchors import FileAnchors, NoAnchors
from aaf.adapters.clock import FixedClock
from aaf.adapters.connectors.files import FilesConnector
from aaf.adapters.driving import drive
from aaf.adapters.folder import read_folder, shipped
from aaf.adapters.keys import KeyRing
from aaf.adapters.loading import InPlace
from aaf.adapters.memory import MemoryStore
from aaf.adapters.rego.engine import Engine, Patience
from aaf.adapters.rego.waiting import Blocking as Blocked
from aaf.adapters.sqlite.file import Options
from aaf.adapters.sqlite.store import SqliteStore
from aaf.adapters.system import SystemIds
from aaf.adapters.waiting import Blocking
from aaf.domain.approval import ReviewVerdict
from aaf.domain.canonical import Json, parse
from aaf.domain.effect import Effect
from aaf.domain.errors import AafError, Code
from aaf.domain.events import EventType, occurrence
from aaf.domain.finding import Analysis
from aaf.domain.principal import Kind
from aaf.domain.record import ActionRecord, EventRow, KeyRecord
from aaf.domain.states import State
from aaf.ports import Anchors, Commit, Connector, Store
from aaf.services.access import KeyWanted, authenticate, create_key, first_key, revoke_key
from aaf.services.actions import cancel
from aaf.services.core import Caller, Core, Knowledge
from aaf.services.execute import Ran, execute
from aaf.services.forming import read_submission
from aaf.services.ledger import verifier_key
from aaf.services.recovery import enter_if_older
from aaf.services.releases import Activated, activate
from aaf.services.review import Answer, review
from aaf.services.submit import Submitted, submit

T = TypeVar("T")
SECOND = 1_000_000
ORG = "0195b3c4-0000-7000-8000-0000000000a1"
UNHURRIED = Patience(answer=20.0, start=60.0, free=60.0)
"""A busy machine is no reason for a deny in a test that isn't about one."""

MAIN = """\
version: 1

rules:
  - name: reads
    match: {tool: files, operation: [read, list]}
    decision: allow
    reason: Reading beneath the root is allowed
  - name: changes
    match: {tool: files, operation: [write, delete]}
    decision: require_approval
    reason: Writing and deleting files need a person
  - name: commands
    match: {tool: shell, operation: run}
    decision: require_approval
    reason: Shell commands need a person
  - name: small-payments
    match: {tool: pay, params.amount: {lte: "100.00"}}
    decision: allow
    reason: Small payments are allowed
  - name: large-payments
    match: {tool: pay, params.amount: {gt: "100.00"}}
    decision: require_approval
    reason: Large payments need two people
    approval: {approvers: [role:approver], quorum: 2, timeout: 10m, reason_required: true}

approvals: {approvers: [role:approver, role:admin], quorum: 1, timeout: 15m, reason_required: false}
use_within: 15m
run_timeout: 30s

limits:
  agent: {rate: 120/m, burst: 60}

connectors:
  files: {root: ./workspace, max_bytes: 1048576, protect: []}
"""

PAY = """\
name: pay.send
class: payment
risk: high
description: Pay somebody.
input:
  type: object
  additionalProperties: false
  required: [to, amount]
  properties:
    to: {type: string, maxLength: 5000}
    amount: {type: string, pattern: "^[0-9]+[.][0-9]{2}$"}
    currency: {type: string, default: EUR}
    pin: {type: string, maxLength: 64}
output:
  type: object
  additionalProperties: false
  required: [reference]
  properties:
    reference: {type: string, maxLength: 5000}
targets: [params.to]
amount: {value: params.amount, currency: params.currency}
secret: [params.pin]
effect: caller
"""

FILES: Mapping[str, bytes] = {
    **read_folder(shipped("demo")),
    "aaf.yaml": MAIN.encode(),
    "actions/pay.send.yaml": PAY.encode(),
}


def edited(name: str, *changes: tuple[str, str], files: Mapping[str, bytes] = FILES) -> dict[str, bytes]:
    """The configuration with texts of one file replaced; each has to be there."""
    text = files[name].decode()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return {**files, name: text.encode()}


class Moments:
    """Things to do in between. What happens at a moment makes no moments itself."""

    def __init__(self) -> None:
        self._once: list[tuple[str, Callable[[], object]]] = []
        self._always: dict[str, Callable[[], object]] = {}
        self._busy = False

    def then(self, kind: str, *actions: Callable[[], object]) -> None:
        """Do `actions` one after another, one at each moment of this kind."""
        self._once += [(kind, action) for action in actions]

    def always(self, kind: str, action: Callable[[], object]) -> None:
        """Do it at every moment of this kind."""
        self._always[kind] = action

    def never(self) -> None:
        """Forget everything."""
        self._once, self._always = [], {}

    def pass_by(self, kind: str) -> None:
        """A moment."""
        if self._busy:
            return
        found = next((place for place, (wanted, _) in enumerate(self._once) if wanted == kind), None)
        action = self._always.get(kind) if found is None else self._once.pop(found)[1]
        if action is not None:
            self._busy = True
            try:
                action()
            finally:
                self._busy = False


class Ids(Moments):
    """The system's ids and salts; moments `id` and `salt`."""

    def __init__(self) -> None:
        super().__init__()
        self._inner = SystemIds()

    def new(self) -> str:
        self.pass_by("id")
        return self._inner.new()

    def salt(self) -> bytes:
        self.pass_by("salt")
        return self._inner.salt()


class Hands(Moments):
    """The connector for files; moments `analyse`, `dry_run`, `run` and `ran`. `answer` replaces a run's result."""

    name = "files"

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._inner = FilesConnector(root)
        self.runs = 0
        self.answer: Callable[[Json], Any] = lambda result: result

    def analyse(self, *, operation: str, params: Mapping[str, Json]) -> Analysis:
        self.pass_by("analyse")
        return self._inner.analyse(operation=operation, params=params)

    async def dry_run(self, *, operation: str, params: Mapping[str, Json]) -> Effect:
        self.pass_by("dry_run")
        return await self._inner.dry_run(operation=operation, params=params)

    async def run(self, *, operation: str, params: Mapping[str, Json], expected: Effect | None) -> Json:
        self.runs += 1
        self.pass_by("run")
        result = await self._inner.run(operation=operation, params=params, expected=expected)
        self.pass_by("ran")
        answer: Json = self.answer(result)
        return answer


class Notes:
    """The log that operators read, kept."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, dict[str, Json]]] = []

    def entry(self, kind: str, fields: Mapping[str, Json]) -> None:
        self.entries.append((kind, dict(fields)))


@dataclass
class Disk:
    """How much is free beside the database."""

    free: int = 1 << 40

    def __call__(self, _: Path) -> int:
        return self.free


@dataclass
class World:
    """One installation with one organisation. Callers are authenticated anew each time they are named."""

    folder: Path
    store: Store
    ring: KeyRing
    clock: FixedClock
    core: Core
    ids: Ids
    hands: Hands
    log: Notes
    disk: Disk
    org: str = ORG
    secrets: dict[str, str] = field(default_factory=dict)
    keys: dict[str, KeyRecord] = field(default_factory=dict)

    # --- people and agents ---

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return drive(coroutine)

    def caller(self, name: str) -> Caller:
        """Who holds the newest key of this name."""
        return self.run(authenticate(self.core, key=self.secrets[name], agent=None, source="test"))

    @property
    def admin(self) -> Caller:
        return self.caller("admin")

    @property
    def bot(self) -> Caller:
        return self.caller("bot")

    def add(self, name: str, kind: Kind = Kind.USER, *roles: str, **more: Any) -> Caller:
        """Make a key, by the administrator."""
        made = self.run(create_key(self.core, self.admin, KeyWanted(name, kind, roles, **more)))
        self.secrets[name], self.keys[name] = made.secret, made.record
        return self.caller(name)

    def revoke(self, name: str) -> None:
        self.run(revoke_key(self.core, self.admin, self.keys[name].id))

    def give_roles(self, name: str, *roles: str) -> None:
        """Change somebody's roles where they are stored, as a later version's own use case will."""
        person = self.keys[name].principal
        if isinstance(self.store, MemoryStore):
            tables = self.store._tables
            tables.principals[self.org, person] = replace(tables.principals[self.org, person], roles=roles)
            tables.epochs[self.org] += 1
            return
        listed = "[" + ",".join(f'"{role}"' for role in roles) + "]"
        with self.sql() as database:
            database.execute("UPDATE principal SET roles = ? WHERE id = ?", (listed, person))
            database.execute("UPDATE ledger SET epoch = epoch + 1 WHERE org = ?", (self.org,))

    def raise_epoch(self) -> None:
        """Something that every cached knowledge has to notice: here a key."""
        self.run(create_key(self.core, self.admin, KeyWanted("somebody", Kind.SERVICE)))

    # --- the way of an action ---

    def submit(
        self, action: str, params: Mapping[str, Any], *, by: str = "bot", key: str | None = None, **more: Any
    ) -> Submitted:
        body = {"action": action, "params": dict(params), **more}
        return self.run(submit(self.core, self.caller(by), read_submission(body), idempotency_key=key))

    def occasion(self) -> Commit:
        """A commit of one event that means nothing."""
        event = occurrence(
            event_id=self.ids.new(),
            org=self.org,
            at=self.clock.at,
            actor="system",
            kind=EventType.LEDGER_EXPORTED,
            data={},
        )
        return Commit(self.org, (), (event,))

    def write(self, content: str = "new\n", path: str = "a.txt", **more: Any) -> ActionRecord:
        """A held write."""
        record = self.submit("files.write", {"path": path, "content": content}, **more).record
        assert record.state is State.PENDING_APPROVAL, record.code
        return record

    def command(self, command: str = "ls") -> ActionRecord:
        """A held command of the agent's own shell."""
        return self.submit("shell.run", {"command": command}).record

    def payment(self, amount: str = "20.00", **more: Any) -> ActionRecord:
        """An action of the caller: allowed up to 100.00, beyond that held for two people with reasons."""
        return self.submit("pay.send", {"to": "shop", "amount": amount}, **more).record

    def answer(
        self,
        record: ActionRecord,
        verdict: ReviewVerdict = ReviewVerdict.APPROVE,
        *,
        by: str = "ann",
        reason: str = "",
        digest: str | None = None,
        view: str | None = None,
    ) -> ActionRecord:
        given = Answer(record.id, verdict, digest or record.digest, view or record.view_digest or "", reason)
        return self.run(review(self.core, self.caller(by), given))

    def approve(self, record: ActionRecord, *, by: str = "ann", reason: str = "") -> ActionRecord:
        return self.answer(record, by=by, reason=reason)

    def reject(self, record: ActionRecord, *, by: str = "ann", reason: str = "not now") -> ActionRecord:
        return self.answer(record, ReviewVerdict.REJECT, by=by, reason=reason)

    def execute(self, record: ActionRecord, *, by: str = "bot", digest: str | None = None) -> Ran:
        return self.run(execute(self.core, self.caller(by), record.id, digest=digest or record.digest))

    def cancel(self, record: ActionRecord) -> ActionRecord:
        return self.run(cancel(self.core, self.bot, record.id))

    def record(self, record: ActionRecord) -> ActionRecord:
        """The action as it stands."""
        found = self.run(self.store.action(self.org, record.id))
        assert found is not None
        return found

    # --- what is written ---

    def events(self, record: ActionRecord | None = None, org: str | None = None) -> list[EventRow]:
        if record is not None:
            return self.run(self.store.events_of(record.org, record.id))
        return self.run(self.store.events(org or self.org))

    def types(self, record: ActionRecord | None = None, org: str | None = None) -> list[str]:
        return [row.type for row in self.events(record, org)]

    def bodies(self, kind: str, org: str | None = None) -> list[dict[str, Any]]:
        """The bodies of every event of one type."""
        found = []
        for row in self.events(org=org):
            body = parse(row.body)
            assert isinstance(body, dict)
            if row.type == kind:
                found.append(body)
        return found

    @contextmanager
    def unrecorded(self) -> Iterator[None]:
        """Nothing of this organisation's ledger or actions changes in here."""
        before = self.run(self.store.head(self.org)), self.run(self.store.actions(self.org, limit=1000))
        yield
        assert (self.run(self.store.head(self.org)), self.run(self.store.actions(self.org, limit=1000))) == before

    # --- configuration and files ---

    def configure(self, files: Mapping[str, bytes]) -> Activated:
        """Activate another configuration; policy modules are read by the real engine."""
        done = activate(self.store, self.ids, InPlace(), org=self.org, files=files, author="system", message="test")
        return self.run(done)

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    def content(self, path: str = "a.txt") -> str:
        return (self.workspace / path).read_text()

    # --- more than one process, and the file itself ---

    @property
    def database(self) -> Path:
        return self.folder / "aaf.db"

    def twin(self) -> "World":
        """The same installation as another process sees it."""
        return replace(
            self, **_opened(self.folder, self.clock, self.ring, self.disk, self.hands), log=Notes(), ids=Ids()
        )._joined()

    def _joined(self) -> "World":
        self.core = replace(self.core, ids=self.ids, log=self.log)
        return self

    @contextmanager
    def sql(self) -> Iterator[sqlite3.Connection]:
        """The database as somebody with a shell sees it."""
        connection = sqlite3.connect(self.database)
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def backup(self) -> Path:
        """A copy of the database as it is now."""
        copy = self.folder / "backup.db"
        with self.sql() as source:
            target = sqlite3.connect(copy)
            source.backup(target)
            target.close()
        return copy

    def restore(self, copy: Path) -> "World":
        """Put a copy back and start again."""
        self.close()
        for rest in self.folder.glob("aaf.db*"):
            rest.unlink()
        shutil.copy(copy, self.database)
        world = self.twin()
        world.run(enter_if_older(world.store, world.core.anchors, world.core.ids))
        return world

    def close(self) -> None:
        self.run(self.core.engine.close())
        self.run(self.store.close())

    # --- the offline verifier ---

    def verify(self, data: bytes, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the verifier as an outsider does: one file, isolated, with a key from elsewhere."""
        given, key = self.folder / "given", self.folder / "log.keys"
        given.write_bytes(data)
        key.write_text(verifier_key(self.core, self.org) + "\n")
        program = Path(__file__).parents[2] / "src" / "aaf_verify.py"
        return subprocess.run(
            [sys.executable, "-I", "-S", str(program), "--key", str(key), *options, str(given)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


class Fixed:
    """Connectors that are the same under every configuration."""

    def __init__(self, connectors: Mapping[str, Connector]) -> None:
        self._connectors = dict(connectors)

    def get(
        self, name: str, _settings: Mapping[str, Mapping[str, Json]], _timeout: int, _secrets: tuple[str, ...] = (), /
    ) -> Connector | None:
        return self._connectors.get(name)

    def clear(self) -> None:
        """Have none any more."""
        self._connectors.clear()


def _opened(
    folder: Path, clock: FixedClock, ring: KeyRing, disk: Disk, hands: Hands, *, memory: bool = False
) -> dict[str, Any]:
    """A store with everything around it, as `aaf.bootstrap` puts it together."""
    store: Store
    anchors: Anchors = NoAnchors()
    if memory:
        store = MemoryStore(clock, low=lambda: disk.free < Options().reserve)
    else:
        options = Options(busy_timeout=20_000, free=disk)
        store = SqliteStore.open(folder / "aaf.db", waiting=Blocking(), clock=clock, options=options)
        anchors = FileAnchors(folder / "checkpoints.json")
    ids, log = Ids(), Notes()
    core = Core(
        store=store,
        knowledge=Knowledge(store),
        ids=ids,
        vault=ring.vault(),
        secrets=ring.hashes(),
        log_signer=ring.signer("log"),
        permit_signer=ring.signer("permit"),
        connectors=Fixed({"files": hands}),
        anchors=anchors,
        log=log,
        installation=drive(store.installation()),
        process=ids.new(),
        engine=Engine(Blocked(1), workers=1, patience=UNHURRIED),
        loader=InPlace(),
    )
    return {"store": store, "core": core}


def make(folder: Path, *, memory: bool, files: Mapping[str, bytes] = FILES) -> World:
    """A new installation: an administrator, the agent `bot`, the approvers `ann` and `ben`, a file `a.txt`."""
    root = folder / "workspace"
    root.mkdir()
    (root / "a.txt").write_text("old\n")
    clock, ring, disk, hands = FixedClock(), KeyRing.fresh(), Disk(), Hands(root)
    opened = _opened(folder, clock, ring, disk, hands, memory=memory)
    world = World(folder, ring=ring, clock=clock, ids=Ids(), hands=hands, log=Notes(), disk=disk, **opened)._joined()
    world.configure(files)
    first = world.run(first_key(world.core, org=ORG, name="admin"))
    assert first is not None
    world.secrets["admin"], world.keys["admin"] = first.secret, first.record
    world.add("bot", Kind.AGENT)
    world.add("ann", Kind.USER, "approver")
    world.add("ben", Kind.USER, "approver")
    return world


@contextmanager
def refused(code: Code, error: type[AafError] = AafError) -> Iterator[list[AafError]]:
    """Expect an error with this code, and nothing else; it is in the list afterwards."""
    caught: list[AafError] = []
    with pytest.raises(error) as raised:
        yield caught
    assert raised.value.code is code, raised.value.message
    caught.append(raised.value)


def diff_lines(view: Mapping[str, Json]) -> list[str]:
    """The diff of a view as a reviewer reads it."""
    effect: Any = view["effect"]
    return ["".join(segment[1] for segment in line) for line in effect["diff"]]
