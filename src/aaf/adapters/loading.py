"""Compiling the files of a configuration, with the engine's parser where there are policy modules."""

import contextlib
from collections.abc import Mapping
from importlib.util import find_spec

from aaf.policy.configuration import Configuration, load
from aaf.policy.rego.parsing import Parser


def parser_for(files: Mapping[str, bytes]) -> contextlib.AbstractContextManager[Parser | None]:
    """What reads policy modules; None where there are none, or the engine isn't installed."""
    if not any(name.endswith(".rego") for name in files) or find_spec("regorus") is None:
        return contextlib.nullcontext()
    from aaf.adapters.rego.parser import WorkerParser  # noqa: PLC0415 - only for modules

    return WorkerParser()


def compiled(files: Mapping[str, bytes]) -> Configuration:
    """Compile here and now.

    Raises:
        ConfigurationInvalid: it has problems.
    """
    with parser_for(files) as parser:
        return load(files, parser=parser)


class InPlace:
    """The port `Loader` where nothing else waits: it never suspends."""

    async def load(self, files: Mapping[str, bytes], /) -> Configuration:
        """Compile here and now."""
        return compiled(files)
