from collections.abc import Iterator
from pathlib import Path

import pytest

from aaf import Firewall, Reviewer
from tests.embedded.material import Place, write_configuration


@pytest.fixture
def place(tmp_path: Path) -> Place:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "today.txt").write_text("Monday\n")
    return Place(tmp_path / "aaf.db", write_configuration(tmp_path / "config"), root)


@pytest.fixture
def firewall(place: Place) -> Iterator[Firewall]:
    with place.open() as opened:
        yield opened


@pytest.fixture
def reviewer(place: Place, firewall: Firewall) -> Iterator[Reviewer]:
    with place.reviewer() as opened:
        yield opened
