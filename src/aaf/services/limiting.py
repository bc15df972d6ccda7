"""Count an action under its limits: refuse it at the door, or hand what was counted to the judgement and the charges to the commit.

Nothing is charged here. What is charged is compared once more by the store, in the append; what was counted is one snapshot, taken before
the action is judged. A store that can't be asked refuses the action.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from aaf.domain.canonical import Json
from aaf.domain.decision import Verdict
from aaf.domain.errors import Code, TooMany
from aaf.domain.principal import Kind, Permission
from aaf.domain.record import Spent
from aaf.domain.spending import micros
from aaf.policy.catalogue import Entry
from aaf.policy.limits import (
    RATE_EXCEEDED,
    Limit,
    Per,
    SpendLimit,
    seconds,
    subject_of,
)
from aaf.ports import ChargeLimit, ReserveSpend, Write
from aaf.services.access import require
from aaf.services.core import Caller, Core
from aaf.services.forming import Formed
from aaf.services.refusals import count_refusal
from aaf.services.timers import sweep

UNDECLARED = "undeclared"
"""What an action type that the catalogue doesn't have is counted as: its name is the caller's own."""
SHOWN = 50
"""Subjects of a limit that are listed, those with the least left first."""


@dataclass(frozen=True, slots=True)
class Expense:
    """What an action would spend under one ceiling, in micro-units; `ceiling` is that of its currency, `window` how far back spending counts."""

    limit: SpendLimit
    subject: str
    amount: int
    ceiling: int
    window: int
    exceeded: bool


@dataclass(slots=True)
class Counted:
    """The snapshot for the judgement, the charges of its rates, and what it would spend."""

    counters: dict[str, int | str] = field(default_factory=dict)
    charges: list[Write] = field(default_factory=list)
    expenses: list[Expense] = field(default_factory=list)


async def count_rates(core: Core, caller: Caller, name: str, now: int) -> Counted:
    """Count an action of the type `name` under its rates; what is over a rate doesn't charge it.

    Raises:
        TooMany: a rate that the door enforces is used up.
        Unavailable: the store can't say.
    """
    counted = Counted()
    found = caller.known.configuration.limits_on(name)
    for rate in found.door:
        subject = _subject(caller, name, rate.per)
        if subject is None:
            continue
        ready = await core.store.limit(caller.principal.org, rate.key, subject)
        late_by = max(ready, now) - now - rate.tolerance
        if late_by > 0:
            await _refuse(core, caller, late_by)
        counted.charges.append(_charge(rate, subject))
    for rate in found.judged:
        subject = _subject(caller, name, rate.per)
        if subject is None:
            continue
        said = rate.count(await core.store.limit(caller.principal.org, rate.key, subject), now)
        counted.counters.update(said)
        exceeded = bool(said[f"{rate.name}.exceeded"])
        if Per.AGENT in rate.per:
            counted.counters[RATE_EXCEEDED] = max(int(exceeded), int(counted.counters.get(RATE_EXCEEDED, 0)))
        if not exceeded:
            counted.charges.append(_charge(rate, subject))
    return counted


async def _refuse(core: Core, caller: Caller, late_by: int) -> None:
    """Refuse at the door.

    Raises:
        TooMany: always.
    """
    principal = caller.principal
    await count_refusal(core, org=principal.org, code=Code.RATE_LIMITED, source=principal.id)
    raise TooMany(
        Code.RATE_LIMITED,
        "A rate limit is reached.",
        retry_after=seconds(late_by),
        hint="Wait as long as Retry-After says; nothing was recorded as an action.",
    )


def _charge(rate: Limit, subject: str) -> ChargeLimit:
    return ChargeLimit(rate.key, subject, rate.interval, rate.tolerance)


def _subject(caller: Caller, name: str, per: Iterable[Per]) -> str | None:
    """For whom it counts; None for nobody, where only what users submit counts."""
    principal = caller.principal
    user = principal.id if principal.kind is Kind.USER else None
    action = name if name in caller.known.configuration.catalogue else UNDECLARED
    return subject_of(per, agent=principal.id, user=user, action=action)


async def count_spend(core: Core, caller: Caller, formed: Formed, now: int, counted: Counted) -> None:
    """Add what the action would spend to `counted`. What the schema refused is denied and spends nothing.

    While the clock is in doubt nothing leaves a window: a clock that jumped forward by mistake must not free what was just spent.

    Raises:
        Unavailable: the store can't say.
    """
    found = caller.known.configuration.limits_on(formed.submission.name)
    if not found.spend or formed.fault_code is not None:
        return
    amount, currency = amount_of(formed.entry, formed.params)
    doubtful = await core.store.doubtful()
    for limit in found.spend:
        subject = _subject(caller, formed.submission.name, limit.per)
        if subject is None:
            continue
        ceiling = limit.ceilings.get(currency)
        if amount is None or ceiling is None:
            counted.counters.update(limit.unknown())
            continue
        org, place, window = caller.principal.org, f"{currency} {subject}", now if doubtful else limit.window
        spent = await core.store.spent(org, limit.name, place, since=now - window)
        if spent.reserved and spent.total + amount > ceiling and await sweep(core):
            # What is overdue must not block others where no worker lives that closes it.
            spent = await core.store.spent(org, limit.name, place, since=now - window)
        said = limit.count(spent.total, amount, currency)
        exceeded = bool(said[f"{limit.name}.exceeded"])
        counted.counters.update(said)
        counted.expenses.append(Expense(limit, place, amount, ceiling, window, exceeded))
        if exceeded and amount <= ceiling and not doubtful:
            wait = await _fits_in(core, org, counted.expenses[-1], spent.total, now)
            if wait:
                counted.counters[f"{limit.name}.retry_after"] = wait


def amount_of(entry: Entry | None, params: dict[str, Json]) -> tuple[int | None, str]:
    """Micro-units and currency as the action type declares them; None where that isn't exact, and no currency where there is none."""
    if entry is None or entry.amount is None:
        return None, ""
    value, currency = (_value_at(params, path) for path in entry.amount)
    return micros(value), currency if isinstance(currency, str) else ""


def _value_at(params: dict[str, Json], path: str) -> Json:
    """The value of a declared path, which begins with `params`."""
    found: Json = params
    for key in path.split(".")[1:]:
        found = found.get(key) if isinstance(found, dict) else None
    return found


async def _fits_in(core: Core, org: str, wanted: Expense, spent: int, now: int) -> int:
    """Seconds until enough of what was committed has left the window; 0 where that depends on what is only reserved."""
    window = wanted.limit.window
    over = spent + wanted.amount - wanted.ceiling
    for at, amount in await core.store.commitments(org, wanted.limit.name, wanted.subject, since=now - window):
        over -= amount
        if over <= 0:
            return seconds(at + window - now)
    return 0


def reservations(counted: Counted, action: str, verdict: Verdict) -> tuple[Write, ...]:
    """What is reserved with the record: nothing of what is denied; above a ceiling only where people are asked."""
    if verdict is Verdict.DENY:
        return ()
    held = verdict is Verdict.REQUIRE_APPROVAL
    return tuple(
        ReserveSpend(
            action,
            one.limit.name,
            one.subject,
            one.amount,
            None if one.exceeded and held else one.ceiling,
            one.window,
        )
        for one in counted.expenses
    )


# --- what is counted now ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RateUse:
    """One subject of a rate: units left at once, and when one more comes back, in microseconds."""

    subject: str
    remaining: int
    frees_at: int


@dataclass(frozen=True, slots=True)
class SpendUse:
    """One subject of a ceiling, in micro-units: what counts by now, and when the first of it that was committed leaves the window, in microseconds."""

    subject: str
    currency: str
    spent: Spent
    frees_at: int | None


@dataclass(frozen=True, slots=True)
class InUse:
    """A limit with those who use it now."""

    limit: Limit | SpendLimit
    uses: tuple[RateUse | SpendUse, ...]


async def limits_in_use(core: Core, caller: Caller) -> list[InUse]:
    """Every limit of the active configuration, each with at most 50 subjects.

    Raises:
        NotPermitted: the caller may not read the configuration.
    """
    require(caller, Permission.ORG_CONFIGURATION_READ)
    caller = await caller.again(core)
    require(caller, Permission.ORG_CONFIGURATION_READ)
    now, org = await core.store.now(), caller.principal.org
    configuration = caller.known.configuration
    found: list[InUse] = []
    for rate in configuration.limits:
        tats = await core.store.limits(org, rate.key, since=now, limit=SHOWN)
        found.append(InUse(rate, tuple(_rate_use(rate, subject, tat, now) for subject, tat in tats)))
    for limit in configuration.spend:
        spenders = await core.store.spent_by(org, limit.name, since=now - limit.window, limit=SHOWN)
        found.append(InUse(limit, tuple([await _spend_use(core, org, limit, *one, now) for one in spenders])))
    return found


def _rate_use(rate: Limit, subject: str, tat: int, now: int) -> RateUse:
    return RateUse(subject, int(rate.count(tat, now)[f"{rate.name}.remaining"]), rate.frees_at(tat, now))


async def _spend_use(core: Core, org: str, limit: SpendLimit, place: str, spent: Spent, now: int) -> SpendUse:
    first = await core.store.commitments(org, limit.name, place, since=now - limit.window, limit=1)
    currency, _, subject = place.partition(" ")
    return SpendUse(subject, currency, spent, first[0][0] + limit.window if first else None)
