"""How often an agent may act: the limits of a configuration, as written and as stored. Counting is the store's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any

from aaf.domain.canonical import Json
from aaf.policy.reading import Section, choose

_RATE = re.compile(r"([1-9][0-9]{0,6})/([smhd])")
_MICROSECONDS = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_MAX_BURST = 100_000


@unique
class Enforce(StrEnum):
    """Who refuses what is over a limit: the submission, before it is judged (`door`), or the policy modules that ask for it."""

    DOOR = "door"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate: one unit each `interval` microseconds, and at most `burst` at once."""

    name: str
    interval: int
    burst: int
    enforce: Enforce = Enforce.DOOR

    @property
    def tolerance(self) -> int:
        """Microseconds by which a unit may come early."""
        return self.interval * (self.burst - 1)

    def to_json(self) -> dict[str, Json]:
        """As stored."""
        return {"burst": self.burst, "enforce": self.enforce, "interval": self.interval, "name": self.name}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Limit":
        """What `to_json` stored, or a version before `enforce` did."""
        return cls(stored["name"], stored["interval"], stored["burst"], Enforce(stored.get("enforce", Enforce.DOOR)))


def read_limits(section: Section | None) -> tuple[Limit, ...]:
    """Read `limits`."""
    if section is None:
        return ()
    found: list[Limit] = []
    agent = section.section("agent", "limits of agents")
    if agent is not None:
        rate, node = agent.text("rate", required=True), agent.take("rate")
        parts = _RATE.fullmatch(rate)
        if node is not None and rate and parts is None:
            agent.faults.at(
                node, "`rate` must be a number per unit of time", "write it like 60/m; units are s, m, h, d"
            )
        burst = agent.whole("burst", 1, least=1, most=_MAX_BURST)
        stated = agent.take("enforce")
        enforce = Enforce.DOOR if stated is None else choose(stated, Enforce, Enforce.DOOR, "`enforce`", agent.faults)
        agent.close()
        if parts:
            found.append(Limit("agent", max(1, _MICROSECONDS[parts[2]] // int(parts[1])), burst, enforce))
    section.close()
    return tuple(found)
