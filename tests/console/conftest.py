import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.world import build
from tests.console.pages import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A fresh product in memory with its console."""
    root = tmp_path / "workspace"
    root.mkdir()
    with asyncio.Runner() as runner:
        world = runner.run(build(root, runner=runner))
        made = Desk.of(world)
        yield made
        made.close()
        runner.run(world.client.aclose())
