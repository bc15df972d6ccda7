"""The shipped policy packs: complete configuration folders with cases, to begin from. Copying one is all that is done with them."""

import os
from dataclasses import dataclass
from pathlib import Path

from aaf.adapters.folder import shipped
from aaf.domain.errors import Code, InputRefused
from aaf.policy.reading import did_you_mean

_MARK = "# "


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack: what it is for is the first line of its `aaf.yaml`."""

    name: str
    purpose: str
    folder: Path


def packs() -> tuple[Pack, ...]:
    """All of them, in the order of names."""
    return tuple(_pack(one) for one in sorted(shipped("packs").iterdir()) if (one / "aaf.yaml").is_file())


def _pack(folder: Path) -> Pack:
    first = (folder / "aaf.yaml").read_text(encoding="utf-8").partition("\n")[0]
    return Pack(folder.name, first.removeprefix(_MARK), folder)


def copy_pack(name: str, target: Path) -> tuple[str, ...]:
    """Copy a pack into a folder that isn't there yet or is empty; the names of what was copied.

    Raises:
        InputRefused: there is no such pack, or something is in the folder already.
        OSError: a file can't be written.
    """
    known = {pack.name: pack.folder for pack in packs()}
    if name not in known:
        hint = did_you_mean(name, known)
        raise InputRefused(Code.NOT_FOUND, "There is no such pack.", hint=f"{hint[:1].upper()}{hint[1:]}")
    if target.exists() and not _empty(target):
        hint = "Name a folder that isn't there yet, or an empty one."
        raise InputRefused(
            Code.BAD_REQUEST, "There is something in that folder already; nothing was copied.", hint=hint
        )
    names = [path.relative_to(known[name]) for path in sorted(known[name].rglob("*")) if path.is_file()]
    for one in names:
        (target / one.parent).mkdir(parents=True, exist_ok=True)
        # Whatever appeared in the folder since it was looked at stays what it is.
        descriptor = os.open(target / one, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write((known[name] / one).read_bytes())
    return tuple(str(one) for one in names)


def _empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())
