"""A world for each test: in memory, or on a file where processes, bytes or threads matter."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.world import World, make


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """On the store in memory."""
    made = make(tmp_path, memory=True)
    yield made
    made.close()


@pytest.fixture
def filed(tmp_path: Path) -> Iterator[World]:
    """On an SQLite file."""
    made = make(tmp_path, memory=False)
    yield made
    made.close()


@pytest.fixture(params=["memory", "sqlite"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """On both, one after the other."""
    made = make(tmp_path, memory=request.param == "memory")
    yield made
    made.close()
