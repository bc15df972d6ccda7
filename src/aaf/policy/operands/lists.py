"""`every`, `some` and `size`: what is asked of the items of a list, and of how many there are.

The items are asked with the same operators as any field, and their answers combine as the parts of a rule do: of an item for which it
can't be known, neither can it be for the list, unless another item settles it. Every item of an empty list is anything.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from aaf.domain.canonical import Json
from aaf.policy.operands.answers import Absent, Answer, Misfit, Question


def misfit(op: str, operand: Json, wrong: Callable[[str, Json], Misfit | None]) -> Misfit | None:
    """What is wrong with the tests of the items, or of the size; `wrong` says it of one operator and its operand."""
    if not isinstance(operand, dict):
        return wrong("in", operand) if isinstance(operand, list) else wrong("eq", operand)
    if not operand:
        return Misfit(f"`{op}` has no operator", "such as {eq: value}")
    return next((found.under(inner) for inner, one in operand.items() if (found := wrong(inner, one))), None)


def tests(operand: Json) -> list[tuple[str, Json]]:
    """The operators that are asked and their operands: a scalar is one of them, a list is OR, and those of a mapping are ANDed."""
    if isinstance(operand, dict):
        return [*operand.items()]
    return [("in", operand)] if isinstance(operand, list) else [("eq", operand)]


def conjunction(questions: Iterable[Question]) -> Question:
    """Whether all of them say yes of one value."""
    listed = tuple(questions)
    if len(listed) == 1:
        return listed[0]

    def answer(value: Any) -> Answer:  # noqa: ANN401 - a JSON value
        return _all(asked(value) for asked in listed)

    return answer


def _all(said: Iterable[Answer]) -> Answer:
    outcome: Answer = True
    for one in said:
        if one is False:
            return False
        outcome = None if one is None else outcome
    return outcome


def among(wanted: frozenset[Any]) -> Question:
    """Whether one of the items is one of these; null has none."""

    def answer(values: Collection[Any] | None) -> Answer:
        if values is None:
            return False
        if not wanted.isdisjoint(values):
            return True
        return None if Absent.ERASED in values else False

    return answer


def every(asked: Question) -> Question:
    """Whether all items are so."""
    return lambda value: _all(_of(asked, item) for item in value) if _is_list(value) else None


def some(asked: Question) -> Question:
    """Whether at least one item is so; null has none."""

    def answer(value: Any) -> Answer:  # noqa: ANN401 - a JSON value
        if not _is_list(value):
            return False if value is None else None
        outcome: Answer = False
        for one in value:
            said = _of(asked, one)
            if said is True:
                return True
            outcome = None if said is None else outcome
        return outcome

    return answer


def size(asked: Question) -> Question:
    """Whether the number of items is so."""
    return lambda value: asked(len(value)) if _is_list(value) else None


def _of(asked: Question, item: Any) -> Answer:  # noqa: ANN401 - a JSON value, or why there is none
    return None if item.__class__ is Absent else asked(item)


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple | frozenset)
