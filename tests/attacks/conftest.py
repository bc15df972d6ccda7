"""The worlds of the use cases' tests, for attacks on them."""

from tests.services.conftest import either, filed, world

__all__ = ["either", "filed", "world"]
