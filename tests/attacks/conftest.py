"""The worlds of the use cases' tests, for attacks on them."""

from tests.console.conftest import desk
from tests.services.conftest import either, filed, world

__all__ = ["desk", "either", "filed", "world"]
