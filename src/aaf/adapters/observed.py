"""A store whose commits are told to the log and the meter: one line and one count for each thing that happened, once it is durable.

What happens is a commit, whoever asked for it, so nothing can be forgotten at a call and nothing is told that isn't recorded. Names,
codes, states and opaque ids are told, never a parameter's value. Telling never fails a commit and never changes its answer; reads pass
straight through.
"""

import json
import time
from contextvars import ContextVar

from aaf.domain.canonical import Json
from aaf.domain.errors import StoreFailed
from aaf.domain.events import Event, EventType
from aaf.domain.metering import OTHER, Metric
from aaf.domain.record import ActionRecord
from aaf.domain.states import State
from aaf.ports import (
    Answer,
    Commit,
    Committed,
    Conflict,
    ConsumePermit,
    Duplicate,
    InsertAction,
    InsertPermit,
    InsertReview,
    Log,
    Meter,
    StaleEpoch,
    Store,
    UpdateAction,
    Write,
)

VERDICTS = {"allowed": "allow", "denied": "deny", "pending_approval": "require_approval"}
"""What a decision is called by the state that it led to."""
HIGH = frozenset({"critical", "high"})
ENDED = frozenset({State.FAILED, State.SUCCEEDED, State.UNKNOWN})
TOLD = (
    "code", "credential", "further", "index", "key", "kind", "principal", "problems", "release", "roles", "round", "size", "source",
    "state", "verdict",
)  # fmt: skip
"""What of an event's data is told; digests and names of files are not."""
_SECOND = 1e9


class Observed:
    """The port `Store`, over another."""

    def __init__(self, store: Store, log: Log, meter: Meter) -> None:
        """Observe `store`. Reads are its own methods, so that observing costs them nothing."""
        self._store = store
        self._log = log
        self._meter = meter
        self._began: ContextVar[tuple[int, int]] = ContextVar("began", default=(0, 0))
        self.doubtful = store.doubtful
        self.epoch = store.epoch
        self.action = store.action
        self.actions = store.actions
        self.count = store.count
        self.reviews = store.reviews
        self.openings = store.openings
        self.sealed = store.sealed
        self.data_key = store.data_key
        self.data_key_of = store.data_key_of
        self.idempotent = store.idempotent
        self.limit = store.limit
        self.limits = store.limits
        self.spent = store.spent
        self.spent_by = store.spent_by
        self.commitments = store.commitments
        self.permit = store.permit
        self.principals = store.principals
        self.keys = store.keys
        self.key_by_mac = store.key_by_mac
        self.release = store.release
        self.releases = store.releases
        self.draft = store.draft
        self.drafts = store.drafts
        self.watch = store.watch
        self.lease = store.lease
        self.decided = store.decided
        self.due = store.due
        self.events = store.events
        self.events_of = store.events_of
        self.head = store.head
        self.subtree = store.subtree
        self.checkpoint = store.checkpoint
        self.checkpoints = store.checkpoints
        self.dirty = store.dirty
        self.aggregate = store.aggregate
        self.aggregates = store.aggregates
        self.organisations = store.organisations
        self.recovering = store.recovering
        self.installation = store.installation
        self.put_checkpoint = store.put_checkpoint
        self.take_lease = store.take_lease
        self.set_recovering = store.set_recovering
        self.close = store.close

    async def now(self) -> int:
        """The store's clock; when it was asked is kept, because a decision's time is counted from there."""
        now = await self._store.now()
        self._began.set((now, time.monotonic_ns()))
        return now

    async def commit(self, commit: Commit) -> Answer:
        """Write all of it durably or nothing, and tell what happened."""
        asked = time.monotonic_ns()
        try:
            answer = await self._store.commit(commit)
        except StoreFailed as failure:
            self._meter.add(Metric.COMMITS_REFUSED, str(failure.code))
            raise
        done = time.monotonic_ns()
        self._meter.time(Metric.COMMIT_SECONDS, (done - asked) / _SECOND)
        if not isinstance(answer, Committed):
            self._meter.add(Metric.COMMITS_REFUSED, _name(answer))
            return answer
        try:
            self._tell(commit, done)
        except Exception as failure:  # noqa: BLE001 - it is recorded; whatever telling meets, the answer stays
            self._log.entry("telling_crashed", {"error": type(failure).__name__})
        return answer

    def _tell(self, commit: Commit, done: int) -> None:
        """Tell each write that means something to an operator, then each event that belongs to none of them."""
        for write in commit.writes:
            self._tell_write(commit, write, done)
        for event in commit.events:
            if event.type not in _TRANSITIONS:
                self._tell_event(commit.org, event)

    def _tell_write(self, commit: Commit, write: Write, done: int) -> None:
        match write:
            case InsertAction(record):
                at, began = self._began.get()
                self._decided(record, str(record.state), done - began if at == record.created_at else None)
            case UpdateAction(record):
                self._moved(record, str(record.state))
            case InsertReview():
                verdict = write.review.verdict.value
                self._meter.add(Metric.REVIEWS, verdict)
                self._log.entry(
                    "review",
                    {
                        "action": write.action,
                        "actor": f"user:{write.review.reviewer}",
                        "credential": write.review.credential,
                        "org": commit.org,
                        "round": write.round,
                        "verdict": verdict,
                    },
                )
            case InsertPermit():
                self._meter.add(Metric.PERMITS, "issued")
            case ConsumePermit():
                self._meter.add(Metric.PERMITS, "consumed")
            case _:
                pass

    def _decided(self, record: ActionRecord, state: str, duration: int | None) -> None:
        """The canonical line of a decision, and its counts."""
        verdict = VERDICTS[state]
        self._meter.add(
            Metric.DECISIONS, verdict, record.action_class, record.type if record.entry else OTHER, record.code
        )
        if duration is not None:
            self._meter.time(Metric.DECISION_SECONDS, duration / _SECOND)
        self._log.entry(
            "decision",
            {
                **_of(record, state),
                "class": record.action_class,
                "duration_us": None if duration is None else duration // 1_000,
                "names": [f"{reason['source']}:{reason['name']}" for reason in record.reasons],
                "release": record.release,
                "risk": record.risk,
                "verdict": verdict,
            },
        )

    def _moved(self, record: ActionRecord, state: str) -> None:
        """A move after the decision."""
        self._meter.add(Metric.TRANSITIONS, state)
        if record.state is State.EXECUTING:
            if record.risk in HIGH:
                self._meter.add(Metric.HIGH_RISK_RUNS, "yes" if record.round else "no")
            self._log.entry("run_started", {**_of(record, state), "risk": record.risk})
        elif record.state in ENDED:
            source = str((record.outcome or {}).get("source", "nobody"))
            self._meter.add(Metric.EXECUTIONS, state, source)
            self._log.entry("run_ended", {**_of(record, state), "outcome": state, "source": source})
        else:
            self._log.entry("action_moved", {**_of(record, state), "round": record.round})

    def _tell_event(self, org: str, event: Event) -> None:
        """An event that is no transition: access, keys, releases, recovery, refusals."""
        if event.type is EventType.PERMIT_REFUSED:
            self._meter.add(Metric.PERMITS, "refused")
        if event.type is EventType.CONFIGURATION_REFUSED:
            self._meter.add(Metric.CONFIGURATION_REFUSED)
        if event.type is EventType.APPROVAL_REVIEWED:
            return  # its write was told
        body = json.loads(event.body)
        told: dict[str, Json] = {name: body["data"][name] for name in TOLD if name in body["data"]}
        fields: dict[str, Json] = {"actor": body["actor"], "org": org, **told}
        if event.action is not None:
            fields["about"] = event.action
        self._log.entry(event.type.value.replace(".", "_"), fields)


_TRANSITIONS = frozenset(EventType(f"action.{state}") for state in State if state is not State.SUBMITTED)


def _of(record: ActionRecord, state: str) -> dict[str, Json]:
    """What every line about an action has."""
    return {
        "action": record.id,
        "agent": record.agent,
        "code": record.code,
        "org": record.org,
        "state": state,
        "type": record.type,
    }


def _name(answer: Duplicate | Conflict | StaleEpoch) -> str:
    """The answer in a word, of a closed set."""
    match answer:
        case Conflict(kind):
            return f"conflict_{kind.value}"
        case Duplicate():
            return "duplicate"
        case StaleEpoch():
            return "stale_epoch"
