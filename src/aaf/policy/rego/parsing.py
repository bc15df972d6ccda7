"""Reading a module's text into a syntax tree, as the publish-time check needs it.

A parser promises no more than that: what it accepts may still be unsafe, recursive or undefined. Text is held to its bounds
(`source`) before any parser sees it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from aaf.domain.canonical import Json
from aaf.policy.rego.module import Dialect, Module


class ModuleRefused(Exception):
    """The text is no module; line and column count from 1, 0 where the place isn't known."""

    def __init__(self, line: int, column: int, message: str) -> None:
        """Keep the place and one sentence without the engine's own decoration."""
        super().__init__(message)
        self.line = line
        self.column = column
        self.message = message


@dataclass(frozen=True, slots=True)
class Failure:
    """What became of trying a module out; `fatal` is what would make a deny of every action that it is asked about."""

    module: str
    line: int
    message: str
    fatal: bool


class Parser(Protocol):
    """Turns text into the engine's syntax tree. It doesn't promise that the text can be evaluated: that is tried out with all modules together."""

    def parse(self, name: str, text: str, dialect: Dialect, /) -> Json:
        """The module's syntax tree: the engine's list of trees, or the one item of it.

        Raises:
            ModuleRefused: the text can't be read, or not within the parser's bounds of time and memory.
        """
        ...

    def try_out(
        self, modules: tuple[Module, ...], asked: Sequence[tuple[Module, bytes]], facts: bytes, /
    ) -> tuple[Failure, ...]:
        """Load `modules` as a release does, ask some of them about a document each, and say what failed."""
        ...
