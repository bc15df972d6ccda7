"""What modules said, as votes.

Every answer of a known shape is a vote of its module. An unknown shape is a deny that names the module: what can't be understood
isn't guessed at. Defaults are kept apart, because they count only where nobody has spoken; those of a module marked `guard` are votes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from aaf.domain.canonical import Json
from aaf.domain.decision import DEFAULT_REQUIREMENT, Requirement, Source, Verdict, Vote
from aaf.domain.errors import Code
from aaf.policy.positioned import Faults
from aaf.policy.rego.module import Module
from aaf.policy.rego.outputs import Output, as_node, read_output

MAX_SPOKEN = 100
"""Decisions that one module may give at once."""


@dataclass(frozen=True, slots=True)
class Undefined:
    """No rule of the module applied."""


@dataclass(frozen=True, slots=True)
class Value:
    """What the module's output rule is; a set is a list."""

    value: Json


Answer: TypeAlias = Undefined | Value


@dataclass(frozen=True, slots=True)
class Spoken:
    """The votes of modules, and the defaults of those that were silent."""

    pool: tuple[Vote, ...] = ()
    defaults: tuple[Vote, ...] = ()


NOTHING = Spoken()


def spoken(answers: Sequence[tuple[Module, Answer]], requirement: Requirement = DEFAULT_REQUIREMENT) -> Spoken:
    """The votes that `answers` are; `requirement` is what a hold asks for where its module doesn't say."""
    pool: tuple[Vote, ...] = ()
    defaults: tuple[Vote, ...] = ()
    for module, answer in answers:
        key = id(module), id(answer), id(requirement)
        kept = _understood.get(key)
        if kept is None:
            kept = module, answer, requirement, _one(module, answer, requirement)
            if len(_understood) >= MAX_UNDERSTOOD:
                _understood.clear()
            _understood[key] = kept
        pool += kept[3].pool
        defaults += kept[3].defaults
    return Spoken(pool, defaults)


MAX_UNDERSTOOD = 256
"""Answers whose votes are kept: an engine gives the same object for the same bytes, and what it is kept with keeps its identity its own."""
_understood: dict[tuple[int, int, int], tuple[Module, Answer, Requirement, Spoken]] = {}


def _one(module: Module, answer: Answer, requirement: Requirement) -> Spoken:
    """What one module said."""
    votes = tuple(_votes(module, answer, requirement))
    if votes or module.default is None:
        return Spoken(votes)
    said = (_vote(module, module.default, requirement, of_default=not module.guard),)
    return Spoken(said) if module.guard else Spoken((), said)


def _votes(module: Module, answer: Answer, requirement: Requirement) -> list[Vote]:
    """The votes of one module that has an answer; none where it is silent."""
    if isinstance(answer, Undefined):
        return []
    if module.output == "decision":
        return [_vote(module, answer.value, requirement)]
    if not isinstance(answer.value, list) or len(answer.value) > MAX_SPOKEN:
        return [_confused(module)]
    return [_vote(module, item, requirement) for item in answer.value]


def _vote(module: Module, value: Json, requirement: Requirement, *, of_default: bool = False) -> Vote:
    """One decision as a vote. A reason counts only in words of the module: values of the action don't belong into one."""
    faults = Faults(module.name)
    output = read_output(as_node(value), requirement, faults)
    if faults.problems:
        return _confused(module)
    source = Source.DEFAULT if of_default else Source.MODULE
    return Vote(
        output.verdict,
        source,
        Code.MODULE,
        module.name,
        _reason(module, output),
        output.requirement,
        risk=output.risk,
    )


def _reason(module: Module, output: Output) -> str:
    return output.reason if output.reason in module.strings else f"{module.name} says {output.verdict}."


def _confused(module: Module) -> Vote:
    reason = f"{module.name} gave an answer that is no decision."
    return Vote(Verdict.DENY, Source.MODULE, Code.POLICY_ERROR, module.name, reason)
