"""What an operator says, and what is said of an operand that makes no sense.

Every operator answers true, false, or None where it can't be known. Null is a value: it names nothing, so nothing is true of it.
"""

from collections.abc import Callable
from enum import Enum, unique
from typing import Any, NamedTuple, TypeAlias

from aaf.domain.canonical import Json

Answer: TypeAlias = bool | None
Question: TypeAlias = Callable[[Any], Answer]


@unique
class Absent(Enum):
    """Why there is no value to ask: it was not sent, or it was sealed or erased since."""

    ERASED = "erased"
    MISSING = "missing"


class Misfit(NamedTuple):
    """Why an operand makes no sense; `path` is where inside it, from the operand down."""

    message: str
    hint: str = ""
    path: tuple[str | int, ...] = ()

    def under(self, *steps: str | int) -> "Misfit":
        """The same, seen from an operand that holds this one at `steps`."""
        return self._replace(path=(*steps, *self.path))


def opposite(asked: Question) -> Question:
    """The negation, in which unknown stays unknown."""

    def answer(value: Any) -> Answer:  # noqa: ANN401 - a JSON value
        said = asked(value)
        return None if said is None else not said

    return answer


def no_text(value: Any) -> Answer:  # noqa: ANN401 - a JSON value
    """What an operator on text says of what is no text: null has no letters; of another type nothing is known."""
    return False if value is None else None


def texts(op: str, operand: Json, example: str) -> tuple[list[str], Misfit | None]:
    """The strings of an operand that is one of them or a list, or why it is neither."""
    listed = operand if isinstance(operand, list) else [operand]
    if not listed:
        return [], Misfit(f"`{op}` takes a string, or a list that is not empty", f"such as {example}")
    found: list[str] = []
    for place, one in enumerate(listed):
        if not isinstance(one, str) or not one:
            path = (place,) if isinstance(operand, list) else ()
            return [], Misfit(f"`{op}` takes strings", f"such as {example}", path)
        found.append(one)
    return found, None


def at(operand: Json, place: int) -> tuple[int, ...]:
    """The path of the item at `place`: none where the operand is the only one."""
    return (place,) if isinstance(operand, list) else ()
