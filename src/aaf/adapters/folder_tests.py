"""Find and read the files of policy tests: `tests/policies/*.yaml` of a configuration folder are cases, `*_test.rego` test modules. Nothing is parsed here."""

from pathlib import Path

from aaf.adapters.folder import MAX_BYTES, MAX_FILES
from aaf.domain.errors import ConfigurationInvalid, Problem

TESTS = Path("tests", "policies")
MAIN = "aaf.yaml"
_UPWARDS = 3
"""Folders above a test file in which its configuration is looked for."""


def files_of_tests(place: Path, suffix: str) -> list[Path]:
    """The test files with this suffix: `place` itself, those of its `tests/policies`, or where it has none those that lie in it.

    Raises:
        ConfigurationInvalid: it isn't there, or holds too many.
    """
    if place.is_file():
        return [place] if place.suffix == suffix else []
    inner = place / TESTS if (place / TESTS).is_dir() or (place / MAIN).exists() else place
    if not place.is_dir():
        raise ConfigurationInvalid((Problem(str(place), 0, 0, "there is no such file or folder", "name one"),))
    if not inner.is_dir():
        return []
    found = [one for one in sorted(inner.glob(f"*{suffix}")) if one.is_file() and not one.name.startswith(".")]
    if len(found) > MAX_FILES:
        raise ConfigurationInvalid((Problem(str(inner), 0, 0, f"there are more than {MAX_FILES} files", "merge some"),))
    return found


def configuration_of(place: Path) -> Path | None:
    """The configuration folder that tests at `place` are about: the nearest with an `aaf.yaml`, from it upwards."""
    start = (place if place.is_dir() else place.parent).absolute()
    return next((one for one in [start, *start.parents][: _UPWARDS + 1] if (one / MAIN).exists()), None)


def read_test(path: Path) -> bytes:
    """One file.

    Raises:
        ConfigurationInvalid: it can't be read, or is over 1 MiB.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigurationInvalid((Problem(str(path), 0, 0, "the file is over 1 MiB", "split it"),))
        return path.read_bytes()
    except OSError as failure:
        what = f"the file can't be read: {failure.strerror}"
        raise ConfigurationInvalid((Problem(str(path), 0, 0, what, "check its permissions"),)) from None
