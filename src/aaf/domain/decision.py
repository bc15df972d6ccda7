"""How votes become one decision: the most restrictive wins, and nothing can loosen a deny.

Votes of rules and policy modules are one pool. Defaults count only when that pool is empty, and none at all is a deny. Votes of
guards, limits and hooks are added after that and can only tighten. Approvals, grants and break-glass are no votes: they
discharge a hold after combination, elsewhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique

from aaf.domain.canonical import Json
from aaf.domain.errors import Code


@unique
class Verdict(StrEnum):
    """What policy says of an action."""

    ALLOW = "allow"
    REQUIRE_APPROVAL = "require_approval"
    DENY = "deny"

    @property
    def strictness(self) -> int:
        """0 for allow, 1 for require_approval, 2 for deny."""
        return _STRICTNESS[self]


_STRICTNESS = {Verdict.ALLOW: 0, Verdict.REQUIRE_APPROVAL: 1, Verdict.DENY: 2}


@unique
class Source(StrEnum):
    """Who voted."""

    DEFAULT = "default"
    GUARD = "guard"
    HOOK = "hook"
    LIMIT = "limit"
    MODULE = "module"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a hold asks of people before it is discharged.

    `approvers` are `role:<name>` or `user:<id>`, any of which makes a reviewer eligible; `quorum` counts distinct people;
    `timeout` is in whole seconds, after which the answer is no.
    """

    approvers: tuple[str, ...] = ("role:approver",)
    quorum: int = 1
    timeout: int = 900
    reason_required: bool = False

    def to_json(self) -> dict[str, Json]:
        """As stored and shown."""
        return {
            "approvers": list(self.approvers),
            "quorum": self.quorum,
            "reason_required": self.reason_required,
            "timeout": self.timeout,
        }


DEFAULT_REQUIREMENT = Requirement()


@dataclass(frozen=True, slots=True)
class Vote:
    """One voice: `name` is the rule, module, guard or limit, `reason` a sentence for people.

    `unknown` says that it fired for want of a value; `risk` is the risk that a module gave the action, empty where it gave none;
    `retry_after` is after how many seconds a limit may say otherwise, 0 where it doesn't know.
    """

    verdict: Verdict
    source: Source
    code: Code
    name: str
    reason: str = ""
    requirement: Requirement | None = None
    unknown: bool = False
    risk: str = ""
    retry_after: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome, the votes that made it (those as strict as it), and every requirement that must be met."""

    verdict: Verdict
    votes: tuple[Vote, ...]
    requirements: tuple[Requirement, ...] = ()

    @property
    def code(self) -> Code:
        """The stable code of the first deciding vote."""
        return self.votes[0].code


_NO_RULE = Vote(Verdict.DENY, Source.DEFAULT, Code.NO_RULE, "no_rule", "No rule speaks about this action.")


def combine(*, pool: Iterable[Vote], defaults: Iterable[Vote] = (), guards: Iterable[Vote] = ()) -> Decision:
    """Combine the votes of rules and modules, their defaults, and those of guards, limits and hooks.

    An added deny never loosens the outcome, an added hold loosens nothing that an explicit vote or a guard decided; an allow
    of a guard is no reason to run anything and is ignored.
    """
    spoken = tuple(pool) or tuple(defaults) or (_NO_RULE,)
    spoken += tuple(vote for vote in guards if vote.verdict is not Verdict.ALLOW)
    verdict = max((vote.verdict for vote in spoken), key=_STRICTNESS.__getitem__)
    deciding = tuple(vote for vote in spoken if vote.verdict is verdict)
    if verdict is not Verdict.REQUIRE_APPROVAL:
        return Decision(verdict, deciding)
    wanted = dict.fromkeys(vote.requirement or DEFAULT_REQUIREMENT for vote in deciding)
    return Decision(verdict, deciding, tuple(wanted))


def at_least_as_strict(now: tuple[Requirement, ...], before: tuple[Requirement, ...]) -> bool:
    """Whether reviews given for `before` also satisfy `now`: every requirement of `now` was one of `before`, or a weaker form of it."""
    return all(any(_covers(old, new) for old in before) for new in now)


def _covers(old: Requirement, new: Requirement) -> bool:
    """Whether meeting `old` means meeting `new`."""
    return (
        set(old.approvers) <= set(new.approvers)
        and old.quorum >= new.quorum
        and (old.reason_required or not new.reason_required)
    )
