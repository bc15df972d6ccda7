"""What a guard or an analysis saw in an action: values only, made by pure computation.

A finding informs policy and people, and raises risk. Only one with `deny` set decides by itself, and then it can't be
discharged. The note is a sentence without values of the action.
"""

from dataclasses import dataclass
from enum import StrEnum, unique

from aaf.domain.errors import Code


@unique
class Severity(StrEnum):
    """How much a finding weighs."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info up to 4 for critical."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation: `code` is stable, `field` a JSON path such as `params.path`, `deny` the code of the vote that it casts."""

    code: str
    severity: Severity
    field: str
    note: str
    deny: Code | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """One unit of a rate that the action's target has: one each `interval` microseconds, at most `burst` at once.

    `name` is the rate's, `subject` what it is counted for; both are of the configuration, never of the action.
    """

    name: str
    subject: str
    interval: int
    burst: int

    @property
    def tolerance(self) -> int:
        """Microseconds by which a unit may come early."""
        return self.interval * (self.burst - 1)


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything that a connector can say of the parameters alone; `target` is what the action touches, None if that isn't clear.

    `charges` are the target's rates, charged once in the append.
    """

    findings: tuple[Finding, ...] = ()
    target: str | None = None
    charges: tuple[Charge, ...] = ()
