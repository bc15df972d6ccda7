"""What compiles the files of a configuration. It activates nothing."""

from collections.abc import Mapping
from typing import Protocol

from aaf.policy.configuration import Configuration


class Loader(Protocol):
    """Compiles files. It promises an end, not a quick one: policy modules are read and tried out."""

    async def load(self, files: Mapping[str, bytes], /) -> Configuration:
        """The configuration that files, by their names in its folder, make.

        Raises:
            ConfigurationInvalid: it has problems, or compiling took too long.
            Unavailable: too much is being compiled already.
        """
        ...
