"""A dry run over history: every recorded decision that a candidate configuration would change, before anybody is judged by it.

Each recorded input is judged by the candidate, and by the active release or as it was then. It reads and compares; nothing is written, charged or
run, and no target is looked at. What can't be decided is counted as that, never as no change.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import StrEnum, unique

from aaf.domain.canonical import Json
from aaf.domain.decision import Decision, Vote
from aaf.domain.errors import Code, ConfigurationInvalid, InputRefused, NotFound
from aaf.domain.instants import instant
from aaf.domain.principal import Kind, Permission
from aaf.domain.record import DataKey, Recorded
from aaf.policy.configuration import Configuration
from aaf.policy.rego.answers import Spoken
from aaf.policy.replaying import Tally, Undecidable, first_said, fits, said
from aaf.services.access import require
from aaf.services.core import Caller, Core
from aaf.services.replay_candidate import Candidate, compiled, told
from aaf.services.replay_judging import NotDecidable, Opened, Prepared, asked_modules, decided, opened, prepared

PAGE = 50
"""Actions in one read, so that none keeps others waiting for long."""
BREATH = 5
"""Actions between two times that whoever drives this may do something else."""
MAX_EXAMPLES = 20


@unique
class Against(StrEnum):
    """What the candidate is compared with."""

    ACTIVE = "active"
    """What the active release says of the same input."""
    RECORDED = "recorded"
    """What was decided when the action was submitted."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to compare: instants in microseconds, an agent by name or id, action types such as `files.*`; `limit` ends it early.

    `examples` is how many ids each group keeps.
    """

    candidate: Candidate
    since: int = 0
    until: int | None = None
    agent: str | None = None
    types: tuple[str, ...] = ()
    against: Against = Against.ACTIVE
    limit: int | None = None
    examples: int = 3


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a dry run is: how many actions were looked at, and the time of the last of them between the first's and the end."""

    looked_at: int
    first: int
    at: int
    until: int

    def to_json(self) -> dict[str, Json]:
        """As shown; `done` is parts of a thousand of the time that is looked at."""
        length = max(1, self.until - self.first)
        return {"done": min(1000, 1000 * (self.at - self.first) // length), "looked_at": self.looked_at}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end: what was compared with what, and what was found; `complete` unless `limit` ended it."""

    wanted: Wanted
    release: int
    until: int
    complete: bool
    tally: Tally

    def to_json(self) -> dict[str, Json]:
        """As shown."""
        return {
            "against": self.wanted.against,
            "candidate": told(self.wanted.candidate),
            "complete": self.complete,
            "release": self.release,
            "since": instant(self.wanted.since),
            "until": instant(self.until),
            **self.tally.to_json(),
        }


async def replay(core: Core, caller: Caller, wanted: Wanted) -> AsyncIterator[Progress | Outcome]:
    """Compile the candidate and begin; the outcome is what comes last.

    Raises:
        NotPermitted: the caller may not have decisions explained.
        NotFound: there is no such agent, draft or release.
        InputRefused: the candidate has problems, or a bound makes no sense.
    """
    require(caller, Permission.ORG_DECISION_EXPLAIN)
    if not 0 <= wanted.examples <= MAX_EXAMPLES or (wanted.limit is not None and wanted.limit < 1):
        raise InputRefused(Code.WRONG_TYPE, f"`examples` is 0 to {MAX_EXAMPLES}, and `limit` at least 1.")
    agent = None if wanted.agent is None else agent_id(caller, wanted.agent)
    candidate = await compiled(core, caller, wanted.candidate)
    now = await core.store.now()
    until = now if wanted.until is None else min(wanted.until, now)
    run = _Run(core, wanted, caller.known.configuration, caller.known.release, candidate, Tally(wanted.examples))
    return run.steps(caller, agent, until)


def agent_id(caller: Caller, named: str) -> str:
    """The id of an agent by its name or id.

    Raises:
        NotFound: nobody has it.
    """
    # A person may have an agent's name; who submits is an agent first.
    for one in sorted(caller.known.people.values(), key=lambda one: one.kind is not Kind.AGENT):
        if named in {one.id, one.name}:
            return one.id
    raise NotFound(Code.NOT_FOUND, "There is no such agent.", hint="`aaf keys list` shows their names.")


@dataclass(slots=True)
class _Run:
    """One dry run."""

    core: Core
    wanted: Wanted
    active: Configuration
    number: int
    candidate: Configuration
    tally: Tally
    _alike: dict[str, bool] = field(default_factory=dict)
    _then: dict[int, Configuration | None] = field(default_factory=dict)
    _same_modules: bool = False

    def __post_init__(self) -> None:
        """Look whether modules would be asked the same under both."""
        mine, theirs = self.active, self.candidate
        self._same_modules = (mine.modules, mine.approvals, bool(mine.limits)) == (
            theirs.modules,
            theirs.approvals,
            bool(theirs.limits),
        )

    async def steps(self, caller: Caller, agent: str | None, until: int) -> AsyncIterator[Progress | Outcome]:
        """Page by page, oldest first; who may ask is looked at again with each."""
        org, release = caller.principal.org, caller.known.release
        disclose = caller.principal.may(Permission.ORG_PROOF_DISCLOSE)
        after, first, complete = "", None, True
        while True:
            caller = await caller.again(self.core)
            require(caller, Permission.ORG_DECISION_EXPLAIN)
            disclose = disclose and caller.principal.may(Permission.ORG_PROOF_DISCLOSE)
            page = await self.core.store.decided(org, since=self.wanted.since, after=after, limit=PAGE)
            keys: dict[str, DataKey | None] = {}
            for number, row in enumerate(page):
                record = row.action
                first = record.created_at if first is None else first
                if number % BREATH == 0:
                    yield Progress(self.tally.looked_at, first, record.created_at, until)
                if record.created_at > until or (agent is not None and record.agent != agent):
                    continue
                if not fits(record.type, self.wanted.types):
                    continue
                if self.tally.looked_at == self.wanted.limit:
                    complete = False
                    break
                await self._compare(row, keys, disclose=disclose)
            if not complete or len(page) < PAGE:
                break
            after = page[-1].action.id
        yield Outcome(self.wanted, release, until, complete, self.tally)

    async def _compare(self, row: Recorded, keys: dict[str, DataKey | None], *, disclose: bool) -> None:
        """One action."""
        try:
            found = await opened(self.core, row, keys, disclose=disclose)
            then = await self._release(row.action.org, found.asked.release)
            given = prepared(self.core, self.candidate, self.active, then, found)
            heard = await asked_modules(self.core, self.candidate, found, given)
            after = said(decided(self.candidate, found, given, *heard))
            if self.wanted.against is Against.RECORDED:
                before = first_said(row.action)
            else:
                before = said(await self._by_the_active(found, given, then, heard))
        except NotDecidable as cause:
            self.tally.leave_out(row.action, cause.why)
        except Exception as failure:  # noqa: BLE001 - one action that can't be judged again is no reason to lose the others, and never no change
            self.core.log.entry("replay_failed", {"action": row.action.id, "cause": type(failure).__name__})
            self.tally.leave_out(row.action, Undecidable.UNREADABLE)
        else:
            self.tally.compare(row.action, before, after)

    async def _release(self, org: str, number: int) -> Configuration | None:
        """The release that an action was judged under; None where nobody can read it."""
        if number == self.number:
            return self.active
        if number not in self._then:
            release = await self.core.store.release(org, number)
            try:
                read = None if release is None else Configuration.from_stored(json.loads(release.document))
            except ConfigurationInvalid:
                read = None
            self._then[number] = read
        return self._then[number]

    async def _by_the_active(
        self,
        found: Opened,
        given: Prepared,
        then: Configuration | None,
        heard: tuple[Spoken, tuple[Vote, ...]],
    ) -> Decision:
        """What the active release says; what is the same under both is not asked twice."""
        alike = self._same_entry(found.asked.name)
        theirs = given if alike else prepared(self.core, self.active, self.active, then, found)
        if not (alike and self._same_modules):
            heard = await asked_modules(self.core, self.active, found, theirs)
        return decided(self.active, found, theirs, *heard)

    def _same_entry(self, name: str) -> bool:
        """Whether both configurations say the same of an action type, of its limits and of the connector that runs it."""
        known = self._alike.get(name)
        if known is None:
            mine, theirs = self.active.catalogue.get(name), self.candidate.catalogue.get(name)
            known = mine is theirs is None or (mine is not None and theirs is not None and mine.hash == theirs.hash)
            if known and mine is not None and mine.effect != "caller":
                known = self.active.connectors == self.candidate.connectors
                known = known and self.active.run_timeout == self.candidate.run_timeout
            # Which counters matter depends on rules and modules too.
            known = known and not (_is_limited(self.active, name) or _is_limited(self.candidate, name))
            self._alike[name] = known
        return known


def _is_limited(configuration: Configuration, name: str) -> bool:
    """Whether a limit that is judged is about actions of this type."""
    found = configuration.limits_on(name)
    return bool(found.judged or found.spend)
