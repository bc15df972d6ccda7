"""A policy test case: what an agent asks for, and what has to become of it.

A case is data, read from a file (`cases_reading`) and judged as a submission is (`services/rehearsal`). Here its outcome is compared with what
was expected. Nothing is judged here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from aaf.domain.canonical import Json
from aaf.domain.decision import Requirement
from aaf.policy.catalogue import Risk

REFUSED = "refused"
"""What becomes of what is no action at all: the door refuses it, and nothing is judged."""
NOON = 1_767_614_400_000_000
"""When a case is judged that doesn't say: Monday, 5 January 2026, 12:00 UTC. A case comes out the same on every day."""
AGENT = "00000000-0000-7000-8000-000000000001"
"""The id of a case's agent."""


@dataclass(frozen=True, slots=True)
class Given:
    """What is asked for, by whom, when. `body` is as it is submitted; `time` in microseconds.

    `findings`, `risk`, `labels` and `counters` are added to what analysis, the session and the store would say.
    """

    body: Mapping[str, Json]
    agent: str = "agent"
    agent_id: str = AGENT
    roles: frozenset[str] = frozenset({"agent"})
    time: int = NOON
    findings: tuple[str, ...] = ()
    risk: Risk = Risk.LOW
    labels: frozenset[str] = frozenset()
    counters: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """What has to come out; what is None isn't looked at. `decision` is a verdict or `refused`; `reasons` are names, in any order."""

    decision: str
    code: str | None = None
    reasons: frozenset[str] | None = None
    risk: str | None = None
    approvers: frozenset[str] | None = None
    quorum: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One case with its place in the file."""

    file: str
    line: int
    name: str
    given: Given
    expected: Expected


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out. `reasons` are the names of the votes that decided, each with its sentence; `spoke` every rule that matched.

    `said` are sentences about what was wrong with the action, without its values.
    """

    decision: str
    code: str
    reasons: Mapping[str, str] = field(default_factory=dict)
    risk: str = ""
    requirements: tuple[Requirement, ...] = ()
    spoke: tuple[str, ...] = ()
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that came out otherwise."""

    what: str
    expected: str
    was: str


def differences(expected: Expected, outcome: Outcome) -> tuple[Difference, ...]:
    """Everything in which an outcome isn't what was expected; none where the case holds."""
    return tuple(_differences(expected, outcome))


def _differences(expected: Expected, outcome: Outcome) -> Iterator[Difference]:
    if expected.decision != outcome.decision:
        yield Difference("decision", expected.decision, outcome.decision)
    if expected.code is not None and expected.code != outcome.code:
        yield Difference("code", expected.code, outcome.code)
    if expected.reasons is not None and expected.reasons != outcome.reasons.keys():
        yield Difference("reasons", _listed(expected.reasons), _listed(outcome.reasons))
    if expected.risk is not None and expected.risk != outcome.risk:
        yield Difference("risk", expected.risk, outcome.risk or "none")
    # Approvers and quorum belong together: of several requirements one has to be what was meant, not each half of two.
    if not any(_meets(expected, one) for one in outcome.requirements):
        if expected.approvers is not None:
            was = " and ".join(_listed(one.approvers) for one in outcome.requirements)
            yield Difference("approvers", _listed(expected.approvers), was or "none")
        if expected.quorum is not None:
            was = " and ".join(str(one.quorum) for one in outcome.requirements)
            yield Difference("quorum", str(expected.quorum), was or "none")


def _meets(expected: Expected, one: Requirement) -> bool:
    """Whether one requirement is the expected one."""
    return expected.approvers in (None, frozenset(one.approvers)) and expected.quorum in (None, one.quorum)


def _listed(names: Iterator[str] | frozenset[str] | Mapping[str, str] | tuple[str, ...]) -> str:
    return ", ".join(sorted(names)) or "none"
