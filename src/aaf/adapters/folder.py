"""Read a configuration folder as names and bytes: `aaf.yaml` and what lies in `actions/`. Nothing is parsed here."""

from importlib import resources
from pathlib import Path

from aaf.domain.errors import ConfigurationInvalid, Problem

MAX_FILES = 500
MAX_BYTES = 1 << 20
_PARTS = ("actions", "policies")


def read_folder(folder: Path) -> dict[str, bytes]:
    """The folder's files by their names in it, hidden files left out.

    Raises:
        ConfigurationInvalid: it isn't there, or a file can't be read or is over 1 MiB.
    """
    if not folder.is_dir():
        raise _problem(".", "there is no such folder", "name the folder that holds aaf.yaml")
    found = [path for path in sorted(folder.iterdir()) if path.is_file()]
    for part in _PARTS:
        if (folder / part).is_dir():
            found += sorted(path for path in (folder / part).iterdir() if path.is_file())
    visible = [path for path in found if not path.name.startswith(".")]
    if len(visible) > MAX_FILES:
        raise _problem(".", f"there are more than {MAX_FILES} files", "leave only configuration in this folder")
    return {name: _read(folder, name) for name in (path.relative_to(folder).as_posix() for path in visible)}


def _read(folder: Path, name: str) -> bytes:
    """One file."""
    path = folder / name
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _problem(name, "the file is over 1 MiB", "split it")
        return path.read_bytes()
    except OSError as failure:
        raise _problem(name, f"the file can't be read: {failure.strerror}", "check its permissions") from None


def _problem(file: str, message: str, hint: str) -> ConfigurationInvalid:
    """One problem of a whole file."""
    return ConfigurationInvalid((Problem(file, 0, 0, message, hint),))


def shipped(name: str) -> Path:
    """The folder of a shipped configuration, `safe` or `demo`."""
    return Path(str(resources.files("aaf") / "shipped" / name))
