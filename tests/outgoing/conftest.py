"""The one world of these tests; its second secret comes from the environment."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.outgoing.world import LOGIN, World, running


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("AAF_SECRET_BANK_LOGIN", LOGIN)
    with running(tmp_path) as made:
        yield made
