"""Whatever is asked in whatever order: the stores on disk and in memory give the same answers and hold the same things."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from aaf.adapters.clock import FixedClock
from aaf.adapters.driving import drive
from aaf.adapters.memory import MemoryStore
from aaf.adapters.sqlite.file import Options
from aaf.adapters.sqlite.store import SqliteStore
from aaf.adapters.waiting import Blocking
from aaf.domain.errors import StoreFailed
from aaf.domain.record import Aggregate
from aaf.domain.states import State
from aaf.ports import (
    AddAggregate,
    ChargeLimit,
    Commit,
    ConsumePermit,
    InsertAction,
    InsertDataKey,
    InsertIdempotency,
    InsertKey,
    InsertOpening,
    InsertPermit,
    InsertPrincipal,
    InsertRelease,
    InsertReview,
    InsertSealed,
    NotAfter,
    NotBefore,
    PutDraft,
    PutWatch,
    RaiseEpoch,
    RemoveDraft,
    ReserveSpend,
    RevokeKey,
    Store,
    TakeAggregate,
    UpdateAction,
    Write,
)
from tests.contract.material import (
    DRAFT,
    ORG,
    OTHER,
    action,
    checkpoint,
    data_key,
    draft,
    event,
    key,
    permit,
    principal,
    release,
    review,
    sealed,
    watch,
)

FEW = [f"01890000-0000-7000-8000-00000000000{digit}" for digit in "123"]
START = FixedClock().at

few = st.sampled_from(FEW)
small = st.integers(0, 3)
instants = st.integers(START - 2, START + 5_000_000)
deadlines = st.none() | instants
states = st.sampled_from([State.ALLOWED, State.DENIED, State.PENDING_APPROVAL])
moves = st.sampled_from([State.ALLOWED, State.DENIED, State.EXECUTING, State.UNKNOWN])
actions = st.builds(action, few, version=st.integers(1, 3), state=states, deadline=deadlines)
spenders = st.builds(action, few, version=st.integers(1, 3), state=moves).map(lambda one: replace(one, spends=True))
ceilings = st.none() | st.integers(0, 12)
aggregates = st.builds(Aggregate, st.just(ORG), few, few, st.sampled_from([60, 120]), small)

writes: st.SearchStrategy[Write] = st.one_of(
    st.builds(InsertAction, actions.map(lambda one: replace(one, version=1))),
    st.builds(UpdateAction, actions),
    st.builds(UpdateAction, spenders),
    st.builds(ReserveSpend, few, few, few, st.integers(-1, 6), ceilings, st.integers(1, 3_000_000)),
    st.builds(InsertSealed, st.builds(sealed, few, ciphertext=st.binary(max_size=3))),
    st.builds(InsertDataKey, st.builds(data_key, few, key_id=few)),
    st.builds(InsertReview, few, st.integers(1, 2), small, small, st.builds(review, few)),
    st.builds(InsertOpening, few, small, few, small),
    st.builds(InsertIdempotency, few, few, few, few, instants),
    st.builds(ChargeLimit, few, few, st.integers(1, 2_000_000), st.integers(0, 3_000_000)),
    st.builds(InsertPermit, st.builds(permit, few, jti=few, expires_at=instants)),
    st.builds(ConsumePermit, few),
    st.builds(NotAfter, instants),
    st.builds(NotBefore, st.integers(START - 5, START)),
    st.builds(InsertPrincipal, st.builds(principal, few, principal_id=few)),
    st.builds(InsertKey, st.builds(key, few, mac=st.binary(min_size=1, max_size=1), key_id=few)),
    st.builds(RevokeKey, few),
    st.just(RaiseEpoch()),
    st.builds(InsertRelease, st.builds(release, st.integers(1, 3))),
    st.builds(PutDraft, st.builds(draft, st.integers(1, 3))),
    st.builds(PutWatch, st.builds(watch, few)),
    st.builds(RemoveDraft, st.just(DRAFT), st.integers(0, 3)),
    st.builds(AddAggregate, aggregates),
    st.builds(TakeAggregate, aggregates),
)


class SameAnswers(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = FixedClock()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "aaf.db"
        self.sqlite = SqliteStore.open(
            path, waiting=Blocking(), clock=self.clock, options=Options(free=lambda path: 1 << 40)
        )
        self.memory = MemoryStore(self.clock)
        self.past: list[Commit] = []

    def teardown(self) -> None:
        drive(self.sqlite.close())
        self.folder.cleanup()

    def both(self, name: str, *arguments: Any, **named: Any) -> Any:
        """Ask both, and return what both said."""
        said = [self.one(store, name, *arguments, **named) for store in (self.sqlite, self.memory)]
        assert said[0] == said[1], (name, arguments)
        return said[0]

    def one(self, store: Store, name: str, *arguments: Any, **named: Any) -> Any:
        try:
            return drive(getattr(store, name)(*arguments, **named))
        except StoreFailed as error:
            return error.code

    def named(self, store: Store, name: str) -> set[str]:
        """A list of organisations, in which the installation is called by the same name for both."""
        own = drive(store.installation())
        return {"own" if org == own else org for org in self.one(store, name)}

    @rule(
        chosen=st.lists(writes, max_size=5), events=st.integers(0, 2), epoch=st.none() | small, admission=st.booleans()
    )
    def commit(self, chosen: list[Write], events: int, epoch: int | None, admission: bool) -> None:
        one = Commit(ORG, tuple(chosen), tuple(event(FEW[0]) for _ in range(events)), epoch, admission)
        self.past.append(one)
        self.both("commit", one)

    @rule(place=small)
    def repeat(self, place: int) -> None:
        for one in self.past[-place:][:1]:
            self.both("commit", one)

    @rule()
    def elsewhere(self) -> None:
        self.both("commit", Commit(OTHER, (RaiseEpoch(),), (event(),)))

    @rule(microseconds=st.integers(0, 3_000_000))
    def time_passes(self, microseconds: int) -> None:
        self.clock.advance(microseconds / 1_000_000)

    @rule(seconds=st.sampled_from([-100, -1, 1, 100]))
    def clock_jumps(self, seconds: int) -> None:
        self.clock.jump(seconds)

    @rule(size=st.integers(1, 8))
    def put_checkpoint(self, size: int) -> None:
        head = self.both("head", ORG)
        root = drive(self.memory.subtree(ORG, 0, size)) if size <= head.size else head.root
        self.both("put_checkpoint", checkpoint(size, root))

    @rule(holder=few, seconds=st.integers(1, 3))
    def lease(self, holder: str, seconds: int) -> None:
        self.both("take_lease", "checkpoint", holder, seconds)
        self.both("lease", "checkpoint")

    @rule(why=st.sampled_from([None, "restored"]))
    def recovery(self, why: str | None) -> None:
        self.both("set_recovering", why)

    @rule(state=st.none() | states, before=st.none() | few, limit=st.integers(1, 3))
    def listed(self, state: State | None, before: str | None, limit: int) -> None:
        self.both("actions", ORG, state=state, before=before, limit=limit)
        self.both("due", self.clock.at, limit)
        self.both("events", ORG, after=limit, limit=limit)

    @invariant()
    def they_hold_the_same(self) -> None:
        for name in ("now", "recovering"):
            self.both(name)
        for name in ("organisations", "dirty"):
            known, same = (self.named(store, name) for store in (self.sqlite, self.memory))
            assert known == same
        sizes = [drive(store.head(drive(store.installation()))).size for store in (self.sqlite, self.memory)]
        assert sizes[0] == sizes[1]
        for org in (ORG, OTHER):
            for name in (
                "head",
                "epoch",
                "principals",
                "keys",
                "release",
                "releases",
                "drafts",
                "watch",
                "decided",
                "events",
                "checkpoints",
                "checkpoint",
                "actions",
            ):
                self.both(name, org)
        self.both("aggregates", 1000)
        for each in FEW:
            self.both("permit", each)
            for name in ("action", "data_key", "data_key_of", "events_of"):
                self.both(name, ORG, each)
            self.both("sealed", ORG, each, "params")
            for other in FEW:
                self.both("limit", ORG, each, other)
                self.both("spent", ORG, each, other, since=self.clock.at - 2_000_000)
                self.both("commitments", ORG, each, other, since=self.clock.at - 2_000_000, limit=2)
                self.both("idempotent", ORG, each, other)
                self.both("aggregate", ORG, each, other, 60)
                self.both("openings", ORG, each, 1, other)
            self.both("reviews", ORG, each, 1)
            self.both("limits", ORG, each, since=self.clock.at, limit=2)
            self.both("spent_by", ORG, each, since=self.clock.at - 1_000_000, limit=2)


SameAnswers.TestCase.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
TestSameAnswers = SameAnswers.TestCase
