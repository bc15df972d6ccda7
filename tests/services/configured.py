"""A world whose configuration people change: what they send, and what came of it."""

from collections.abc import Mapping

from aaf.domain.record import ManagedBy, Release
from aaf.services import changing
from aaf.services.releases import Activated, activate, files_of, tag
from tests.services.world import FILES, World, edited

OPEN = edited("aaf.yaml", ("use_within: 15m", "use_within: 14m"))
"""What is active to begin with; it differs from the world's own, so that it is a release of its own."""


def texts(*changes: tuple[str, str], files: Mapping[str, bytes] = OPEN) -> dict[str, str]:
    """Files as they are sent."""
    return {name: data.decode() for name, data in edited("aaf.yaml", *changes, files=files).items()}


def opened(world: World, files: Mapping[str, bytes] = OPEN) -> Release:
    """Have the configuration managed by API."""
    core = world.core
    work = activate(
        core.store,
        core.ids,
        core.loader,
        org=world.org,
        files=files,
        author="system",
        message="test",
        managed_by=ManagedBy.API,
    )
    return world.run(work).release


def active(world: World) -> Release:
    found = world.run(world.store.release(world.org))
    assert found is not None
    return found


def replace(
    world: World, files: Mapping[str, str], *, by: str = "admin", expected: str | None = None, message: str = ""
) -> Activated:
    """Replace the files, on top of what is active unless `expected` says otherwise."""
    began = tag(active(world)) if expected is None else expected
    work = changing.replace(world.core, world.caller(by), files=files, message=message, expected=began)
    return world.run(work)


def roll_back(world: World, number: int) -> Activated:
    began = tag(active(world))
    work = changing.roll_back(world.core, world.admin, number=number, message="", expected=began)
    return world.run(work)


def kept(world: World) -> dict[str, bytes]:
    """The files of what is active."""
    return files_of(active(world))


__all__ = ["FILES", "OPEN", "active", "kept", "opened", "replace", "roll_back", "texts"]
