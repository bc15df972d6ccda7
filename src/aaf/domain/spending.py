"""Money as whole micro-units, and what becomes of a reservation when its action moves on.

Nothing is rounded: an amount that doesn't fit is no amount. Whether it fits under a ceiling is for the store to say, in the append.
"""

import re
from enum import StrEnum, unique

from aaf.domain.errors import Code
from aaf.domain.record import ActionRecord
from aaf.domain.states import State

SCALE = 1_000_000
"""Micro-units in one unit of a currency."""
MAX_AMOUNT = 1_000_000_000 * SCALE
"""Micro-units that no amount reaches: a thousand million units."""
MAX_WINDOW = 30 * 86_400 * 1_000_000
"""Microseconds: the longest window of a spend limit."""
KEPT = MAX_WINDOW + 86_400 * 1_000_000
"""Microseconds after which a committed entry counts in no window and may be cleared."""

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,8})(?:\.([0-9]{1,6}))?")
_CURRENCY = re.compile(r"[A-Z]{3}")


def micros(text: object) -> int | None:
    """The micro-units of a plain decimal string such as `100.00`; None for anything else: a sign, an exponent, a seventh decimal, a leading zero."""
    parts = _AMOUNT.fullmatch(text) if isinstance(text, str) else None
    return None if parts is None else int(parts[1]) * SCALE + int((parts[2] or "").ljust(6, "0"))


def decimal_text(amount: int) -> str:
    """Micro-units, at least 0, as a decimal string with two to six decimals."""
    units, rest = divmod(amount, SCALE)
    decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{units}.{decimals}"


def is_currency(text: object) -> bool:
    """Whether it is written like an ISO 4217 code."""
    return isinstance(text, str) and _CURRENCY.fullmatch(text) is not None


@unique
class Settlement(StrEnum):
    """What a move does to what the action reserved."""

    COMMIT = "commit"
    KEEP = "keep"
    RELEASE = "release"


_ENDED_UNUSED = frozenset({State.CANCELLED, State.DENIED, State.EXPIRED, State.LAPSED, State.REJECTED})
_DONE_ALL_THE_SAME = frozenset({Code.RESULT_TOO_LARGE, Code.RESULT_WITHHELD})
"""Failures of what came back, after the thing was done."""


def settlement(record: ActionRecord) -> Settlement:
    """What becomes of the reservations of an action that has just moved to where `record` is.

    What the caller says failed stays committed, also where the caller is a person who says so later: nobody's word frees what they may have spent.
    What recovery closes may have run in the part of the ledger that is lost, so it counts as spent.
    """
    if record.state is State.EXECUTING:
        return Settlement.COMMIT
    if record.state in _ENDED_UNUSED:
        return Settlement.COMMIT if record.code == Code.RECOVERING else Settlement.RELEASE
    if record.state is State.FAILED and record.code not in _DONE_ALL_THE_SAME:
        outcome = record.outcome or {}
        trusted = outcome.get("source") in {"connector", "person"} and outcome.get("by") != record.agent
        return Settlement.RELEASE if trusted else Settlement.KEEP
    return Settlement.KEEP
