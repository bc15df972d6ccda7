"""The client's one place for clock, chance and sleep."""

import random  # noqa: TID251 - this is the place
import time
import uuid


def now() -> float:
    """Seconds on a clock that never goes back."""
    return time.monotonic()  # noqa: TID251 - as above


def wall() -> float:
    """Seconds since 1970-01-01T00:00:00Z, as this machine believes."""
    return time.time()  # noqa: TID251 - as above


def jitter() -> float:
    """A random number from 0 to 1."""
    return random.random()  # noqa: S311 - spreads attempts in time, hides nothing


def fresh_key() -> str:
    """A random idempotency key."""
    return str(uuid.uuid4())  # noqa: TID251 - as above


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)  # noqa: TID251 - as above
