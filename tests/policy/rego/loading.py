"""A configuration with modules, for the tests of what may be published."""

from aaf.domain.errors import ConfigurationInvalid, Problem
from aaf.policy.configuration import Configuration, load
from aaf.policy.rego.module import Module
from tests.policy.rego.engine import InProcess
from tests.policy.samples import with_main

V1 = "package aaf.policies\n"


def loaded(modules: dict[str, str], main: str = "version: 1\n") -> Configuration:
    """The sample's configuration with modules, by the names of their files without `policies/`."""
    files = {f"policies/{name}": text.encode() for name, text in modules.items()}
    return load({**with_main(main), **files}, parser=InProcess())


def published(text: str, **libraries: str) -> Module:
    """One module that may be published."""
    others = {f"{name}.rego": library for name, library in libraries.items()}
    (module,) = (one for one in loaded({"m.rego": text, **others}).modules if one.name == "policies/m.rego")
    return module


def problems(modules: dict[str, str] | str) -> tuple[Problem, ...]:
    """What keeps modules from being published; nothing where they may be."""
    try:
        loaded({"m.rego": modules} if isinstance(modules, str) else modules)
    except ConfigurationInvalid as invalid:
        return invalid.problems
    return ()
