"""Stand-ins for the store's guards: each says that all is well, in the shape its caller expects."""

from aaf.adapters.clock import Mark, Reading
from aaf.domain.errors import StoreFailed


def always_within(*args: object, **kwargs: object) -> bool:
    """A limit that never ends."""
    return True


def never_past(*args: object, **kwargs: object) -> bool:
    """A clock that never reaches a deadline."""
    return False


def never_refused(*args: object, **kwargs: object) -> None:
    """A permit that is always good, a commit that always fits."""


def raises_for_all(error: BaseException) -> bool:
    """An error that concerns one item is everybody's."""
    return False


def believes_the_wall(mark: Mark, last: Reading, now: Reading) -> tuple[Mark, None]:
    """A store that takes the wall clock at its word."""
    return Mark(now.wall, behind=False), None


def all_failed(writer: object, works: list[object], now: Reading, why: StoreFailed) -> list[StoreFailed]:
    """A full disk that fails everybody in its batch."""
    return [why for _ in works]
