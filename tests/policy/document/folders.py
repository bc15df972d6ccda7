"""Configuration folders that the tests of the document vary: the sample's action types, and texts by their names."""

import pytest

from aaf.domain.errors import ConfigurationInvalid
from aaf.policy.configuration import Configuration, load
from tests.policy.samples import ACTIONS, CONNECTORS

HEAD = f"version: 1\n{CONNECTORS}"


def folder(main: str, **parts: str) -> dict[str, bytes]:
    """The sample's actions, `aaf.yaml` that begins with `HEAD`, and other files: `rules__pay` is rules/pay.yaml."""
    named = {f"{name.replace('__', '/')}.yaml": text.encode() for name, text in parts.items()}
    return {"aaf.yaml": (HEAD + main).encode(), **ACTIONS, **named}


def loaded(main: str, **parts: str) -> Configuration:
    """What the folder is compiled to, after it was stored and read back."""
    found = load(folder(main, **parts))
    assert Configuration.from_stored(found.to_stored()).to_stored() == found.to_stored()
    return found


def problems(main: str, **parts: str) -> list[str]:
    """What is wrong with the folder."""
    return problems_of(folder(main, **parts))


def problems_of(files: dict[str, bytes]) -> list[str]:
    """What is wrong with these files."""
    with pytest.raises(ConfigurationInvalid) as caught:
        load(files)
    return [str(problem) for problem in caught.value.problems]
