"""An engine for each test, ended after it."""

from collections.abc import Iterator

import pytest

from aaf.adapters.driving import drive
from aaf.adapters.rego.engine import Engine
from tests.adapters.rego.material import HURRIED, make


@pytest.fixture
def engine() -> Iterator[Engine]:
    """One that waits as long as a busy machine needs."""
    made = make()
    yield made
    drive(made.close())


@pytest.fixture
def hurried() -> Iterator[Engine]:
    """One with a short deadline for answers."""
    made = make(patience=HURRIED)
    yield made
    drive(made.close())
