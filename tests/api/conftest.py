import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.world import World, build


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A fresh product in memory."""
    root = tmp_path / "workspace"
    root.mkdir()
    with asyncio.Runner() as runner:
        made = runner.run(build(root, runner=runner))
        yield made
        runner.run(made.client.aclose())
