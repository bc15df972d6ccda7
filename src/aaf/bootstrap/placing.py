"""Where the problems of a configuration stand, as seen from the working directory and not from within the folder: so that one can go there."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from aaf.domain.errors import ConfigurationInvalid

_FILE = re.compile(r"\A([^:\n]+?\.(?:yaml|rego))(:)")


def placed(invalid: ConfigurationInvalid, folder: Path | None) -> ConfigurationInvalid:
    """The same problems, their files beneath `folder`; those of the shipped configuration, None, stay as they are."""
    if folder is None:
        return invalid
    return ConfigurationInvalid(
        tuple(replace(one, file=_from_here(folder, Path(one.file))) for one in invalid.problems)
    )


def placed_warnings(warnings: Iterable[str], folder: Path | None) -> tuple[str, ...]:
    """The same warnings, each of which begins with its file, placed as problems are."""
    if folder is None:
        return tuple(warnings)
    return tuple(
        _FILE.sub(lambda found: _from_here(folder, Path(found[1])) + found[2], one, count=1) for one in warnings
    )


@contextmanager
def placing(folder: Path | None) -> Iterator[None]:
    """Raise what is wrong with the configuration as `placed` says it."""
    try:
        yield
    except ConfigurationInvalid as invalid:
        raise placed(invalid, folder) from None


def _from_here(folder: Path, file: Path) -> str:
    here, place = Path.cwd(), (folder / file).absolute()
    return str(place.relative_to(here) if place.is_relative_to(here) else place)
