"""The fenced blocks of a page, with what the comment before one says of it: `<!-- file: NAME -->` or `<!-- fragment: why -->`.

What is marked otherwise, or is of a kind such as `yaml match`, has a test of its own page.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>file|fragment|limits|load)(?:: (?P<said>[^\n]*?))? -->\n)?```(?P<language>[a-z]*)(?P<kind> [a-z]+)?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    language: str
    text: str
    file: str = ""
    fragment: str = ""
    elsewhere: bool = False
    """Whether a test of its own page loads it."""

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    whole = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(whole):
        said = {found["mark"]: found["said"]} if found["mark"] in ("file", "fragment") else {}
        elsewhere = found["kind"] is not None or found["mark"] in ("limits", "load")
        line = whole.count("\n", 0, found.start("language")) + 1
        yield Block(page.name, line, found["language"], found["text"], elsewhere=elsewhere, **said)
