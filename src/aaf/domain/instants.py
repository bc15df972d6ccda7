"""Instants as text, always in UTC, and the time between two of them. An instant is a number of microseconds since 1970; nothing here reads a clock."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = ((86_400, "days"), (3_600, "h"), (60, "min"))


def moment(at: int) -> datetime:
    """The instant as Python's own type."""
    return _EPOCH + timedelta(microseconds=at)


def instant(at: int) -> str:
    """RFC 3339 with microseconds: `2026-01-31T12:00:00.000000Z`."""
    second, rest = divmod(at, 1_000_000)
    return f"{_second(second)}.{rest:06d}Z"


def to_second(at: int) -> str:
    """RFC 3339 to the second: `2026-01-31T12:00:00Z`."""
    return f"{_second(at // 1_000_000)}Z"


def for_people(at: int) -> str:
    """`2026-01-31 12:00:00 UTC`."""
    return f"{_second(at // 1_000_000).replace('T', ' ')} UTC"


@lru_cache(maxsize=4_096)
def _second(second: int) -> str:
    """The instant without its fraction; those of one answer, and of answers and log lines of the same second, are alike."""
    return (_EPOCH + timedelta(seconds=second)).isoformat(timespec="seconds").removesuffix("+00:00")


def read(text: str) -> int:
    """The instant that an RFC 3339 text names.

    Raises:
        ValueError: it names none.
    """
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("no offset from UTC")
    return (found - _EPOCH) // timedelta(microseconds=1)


def span(microseconds: int) -> str:
    """`4 min`, as a person would say it; what is over is `0 s`."""
    seconds = max(0, microseconds // 1_000_000)
    for length, unit in _UNITS:
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
