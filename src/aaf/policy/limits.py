"""How often somebody may act and how much may be spent: what a limit is about, what it counts for whom, and what it says of a count.

Pure: counting is the store's, in the append. What was counted becomes part of the decision input, and what a limit votes follows from that
alone, so an action that is judged again is held to the count of its submission and charged nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Any, TypeAlias

from aaf.domain.canonical import Json
from aaf.domain.decision import Requirement, Source, Verdict, Vote
from aaf.domain.errors import Code
from aaf.domain.spending import decimal_text
from aaf.policy.catalogue import ActionClass, Entry

AGENT = "agent"
"""The name of the limit that every configuration may have in its short form."""
RATE_EXCEEDED = "agent_rate_exceeded"
"""The counter behind `rate_limit_exceeded`: whether the agent was over one of its rates that policy enforces, 0 or 1."""
SECOND = 1_000_000

Counters: TypeAlias = Mapping[str, int | str]
"""By `<limit>.<member>`; numbers of units are integers, money is a decimal string."""


@unique
class Enforce(StrEnum):
    """Who refuses what is over a rate: the submission, before it is judged (`door`), or the judgement (`policy`)."""

    DOOR = "door"
    POLICY = "policy"


@unique
class Over(StrEnum):
    """What a limit that is judged says of an action over it; `inform` leaves it to the rules and modules that ask."""

    DENY = "deny"
    INFORM = "inform"
    REQUIRE_APPROVAL = "require_approval"


@unique
class Per(StrEnum):
    """What is counted apart: each action type, each agent, each user; or everything of the organisation together."""

    ACTION = "action"
    AGENT = "agent"
    ORGANISATION = "organisation"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Scope:
    """The action types that a limit is about; empty parts leave them open."""

    tools: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    def covers(self, tool: str, operation: str, klass: str) -> bool:
        """Whether an action type is one of them."""
        return (
            (not self.tools or tool in self.tools)
            and (not self.operations or operation in self.operations)
            and (not self.classes or klass in self.classes)
        )

    def to_json(self) -> dict[str, Json]:
        """As stored, and as shown."""
        return {"class": list(self.classes), "operation": list(self.operations), "tool": list(self.tools)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Scope":
        """What `to_json` stored."""
        return cls(tuple(stored["tool"]), tuple(stored["operation"]), tuple(stored["class"]))


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate: one unit each `interval` microseconds, and at most `burst` at once; `rate` is as it was written."""

    name: str
    interval: int
    burst: int
    enforce: Enforce = Enforce.DOOR
    per: tuple[Per, ...] = (Per.AGENT,)
    scope: Scope = EVERYTHING
    over: Over = Over.INFORM
    requirement: Requirement | None = None
    rate: str = field(default="", compare=False)

    @property
    def tolerance(self) -> int:
        """Microseconds by which a unit may come early."""
        return self.interval * (self.burst - 1)

    @property
    def key(self) -> str:
        """Its name in the store: a rate that was changed begins anew, and none is named as those of connectors."""
        return f"rate:{self.name}:{self.interval}"

    def frees_at(self, ready: int, now: int) -> int:
        """When one more unit comes back, in microseconds; `ready` lies after `now`."""
        left = self.count(ready, now)[f"{self.name}.remaining"]
        return ready - self.tolerance + int(left) * self.interval

    def count(self, ready: int, now: int) -> dict[str, int | str]:
        """What a decision at `now` knows of it; `ready` is the stored theoretical arrival time, both in microseconds."""
        early = max(ready, now) - now
        left = (self.tolerance - early) // self.interval + 1 if early <= self.tolerance else 0
        counted: dict[str, int | str] = {f"{self.name}.exceeded": int(not left), f"{self.name}.remaining": left}
        if not left:
            counted[f"{self.name}.retry_after"] = seconds(early - self.tolerance)
        return counted

    def to_json(self) -> dict[str, Json]:
        """As stored."""
        return {
            "burst": self.burst,
            "enforce": self.enforce,
            "interval": self.interval,
            "name": self.name,
            "rate": self.rate,
            **_common(self),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Limit":
        """What `to_json` stored, or a version before `enforce` or `per` did."""
        enforce = Enforce(stored.get("enforce", Enforce.DOOR))
        if "per" not in stored:
            return cls(stored["name"], stored["interval"], stored["burst"], enforce)
        return cls(
            stored["name"], stored["interval"], stored["burst"], enforce, rate=stored["rate"], **_common_from(stored)
        )


@dataclass(frozen=True, slots=True)
class SpendLimit:
    """A ceiling for what actions spend within `window` microseconds: micro-units by currency. What has no ceiling here is not spent."""

    name: str
    ceilings: Mapping[str, int]
    window: int
    per: tuple[Per, ...]
    scope: Scope
    over: Over = Over.DENY
    requirement: Requirement | None = None

    def count(self, spent: int, amount: int, currency: str) -> dict[str, int | str]:
        """What a decision on an action of `amount` knows of it; `spent` is what counts by now, both in micro-units."""
        left = self.ceilings[currency] - spent
        return {f"{self.name}.exceeded": int(amount > left), f"{self.name}.remaining": decimal_text(max(left, 0))}

    def unknown(self) -> dict[str, int | str]:
        """What a decision on an action of an unknown amount knows of it."""
        return {f"{self.name}.exceeded": 1, f"{self.name}.remaining": "0.00", f"{self.name}.unknown": 1}

    def to_json(self) -> dict[str, Json]:
        """As stored."""
        return {"ceilings": dict(self.ceilings), "name": self.name, "window": self.window, **_common(self)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "SpendLimit":
        """What `to_json` stored."""
        return cls(stored["name"], stored["ceilings"], stored["window"], **_common_from(stored))


def _common(limit: Limit | SpendLimit) -> dict[str, Json]:
    return {
        "over": limit.over,
        "per": list(limit.per),
        "requirement": limit.requirement.to_json() if limit.requirement else None,
        "scope": limit.scope.to_json(),
    }


def _common_from(stored: Mapping[str, Any]) -> dict[str, Any]:
    wanted = stored["requirement"]
    return {
        "over": Over(stored["over"]),
        "per": tuple(Per(per) for per in stored["per"]),
        "requirement": Requirement(**{**wanted, "approvers": tuple(wanted["approvers"])}) if wanted else None,
        "scope": Scope.from_json(stored["scope"]),
    }


@dataclass(frozen=True, slots=True)
class Applying:
    """The limits that are about one action type: rates at the door, rates that are judged, ceilings."""

    door: tuple[Limit, ...] = ()
    judged: tuple[Limit, ...] = ()
    spend: tuple[SpendLimit, ...] = ()

    def votes(self, counters: Counters) -> list[Vote]:
        """What they say to what was counted. A limit that wasn't there when it was counted says nothing."""
        if not counters:
            return []
        limits: list[Limit | SpendLimit] = [*self.judged, *self.spend]
        return [
            _vote(limit, counters)
            for limit in limits
            if limit.over is not Over.INFORM and counters.get(f"{limit.name}.exceeded")
        ]


def _vote(limit: Limit | SpendLimit, counters: Counters) -> Vote:
    code, reason = Code.RATE_LIMITED, f"The rate {limit.name} is used up."
    if isinstance(limit, SpendLimit):
        if counters.get(f"{limit.name}.unknown"):
            reason = f"What this would spend can't be counted under {limit.name}."
            return Vote(Verdict.DENY, Source.LIMIT, Code.AMOUNT_UNKNOWN, limit.name, reason)
        code, reason = Code.SPEND_EXCEEDED, f"This would go over the ceiling of {limit.name}."
    wait = counters.get(f"{limit.name}.retry_after", 0)
    return Vote(
        Verdict(limit.over),
        Source.LIMIT,
        code,
        limit.name,
        reason,
        limit.requirement,
        retry_after=wait if isinstance(wait, int) else 0,
    )


NONE = Applying()


def applying(limits: Iterable[Limit], spend: Iterable[SpendLimit], name: str, entry: Entry | None) -> Applying:
    """Those that are about the action type `name`; one that the catalogue doesn't have is of the class `other`."""
    tool, _, operation = name.rpartition(".")
    klass = entry.klass if entry else ActionClass.OTHER
    rates = [limit for limit in limits if limit.scope.covers(tool, operation, klass)]
    return Applying(
        tuple(limit for limit in rates if limit.enforce is Enforce.DOOR),
        tuple(limit for limit in rates if limit.enforce is Enforce.POLICY),
        tuple(limit for limit in spend if limit.scope.covers(tool, operation, klass)),
    )


def subject_of(per: Iterable[Per], *, agent: str, user: str | None, action: str) -> str | None:
    """For whom a limit counts, as the store names it, such as `action=stripe.refund agent=<id>`; None where there is no such one.

    Parts stand in the order of `per`, which is that of the alphabet, and none holds a space or an equals sign.
    """
    known = {Per.ACTION: action, Per.AGENT: agent, Per.USER: user}
    parts: list[str] = []
    for one in per:
        who = known.get(one, "")
        if who is None:
            return None
        if who:
            parts.append(f"{one}={who}")
    return " ".join(parts) or Per.ORGANISATION


def seconds(microseconds: int) -> int:
    """Whole seconds, at least 1, after which as many microseconds have surely passed."""
    return max(1, -(-microseconds // SECOND))
