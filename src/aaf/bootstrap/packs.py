"""The shipped policy packs, for entry points."""

from pathlib import Path


def listed_packs() -> tuple[tuple[str, str], ...]:
    """Each pack's name and what it is for."""
    from aaf.adapters.packs import packs

    return tuple((pack.name, pack.purpose) for pack in packs())


def begin_from(name: str, target: Path) -> tuple[str, ...]:
    """Copy a pack into a new or empty folder; the names of what was copied.

    Raises:
        InputRefused: there is no such pack, or something is in the folder already.
    """
    from aaf.adapters.packs import copy_pack

    return copy_pack(name, target)
