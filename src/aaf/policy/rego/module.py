"""A policy module as a release stores it and as the engine gets it.

Everything was checked when the configuration was loaded; nothing is parsed or checked here again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any

from aaf.domain.canonical import Json


@unique
class Dialect(StrEnum):
    """Which version of the language a module is written in."""

    V0 = "v0"
    V1 = "v1"


@dataclass(frozen=True, slots=True)
class Module:
    """One file of `policies/`.

    `text` is what the engine gets: the default of the decision blanked out, keyword imports supplied on the package line of a v0 module.
    `default` is the value that was cut out, None where there was none. `tools` are names of tools or of action types; none means every
    action. `output` is the rule to ask, `decision` or `decisions`, empty for a library. `strings` are the module's own texts,
    the only ones that it can give as a reason.
    """

    name: str
    dialect: Dialect
    package: str
    text: str
    default: Json | None = None
    tools: tuple[str, ...] = ()
    guard: bool = False
    library: bool = False
    warnings: tuple[str, ...] = ()
    output: str = "decision"
    strings: tuple[str, ...] = ()

    @property
    def query(self) -> str:
        """What to ask the engine for, such as `data.aaf.policies.decision`."""
        return f"data.{self.package}.{self.output}"

    def applies_to(self, name: str) -> bool:
        """Whether it has a word on actions of this type; a library never has."""
        if self.library:
            return False
        return not self.tools or name in self.tools or name.rpartition(".")[0] in self.tools

    def to_json(self) -> dict[str, Json]:
        """As stored."""
        return {
            "default": self.default,
            "dialect": self.dialect,
            "guard": self.guard,
            "library": self.library,
            "name": self.name,
            "output": self.output,
            "package": self.package,
            "strings": list(self.strings),
            "text": self.text,
            "tools": list(self.tools),
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Module":
        """What `to_json` stored."""
        return cls(
            name=stored["name"],
            dialect=Dialect(stored["dialect"]),
            package=stored["package"],
            text=stored["text"],
            default=stored["default"],
            tools=tuple(stored["tools"]),
            guard=stored["guard"],
            library=stored["library"],
            warnings=tuple(stored["warnings"]),
            output=stored["output"],
            strings=tuple(stored["strings"]),
        )
