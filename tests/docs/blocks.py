"""The fenced blocks of a page, with what the comment before one says of it: `<!-- file: NAME -->` or `<!-- fragment: why -->`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>file|fragment): (?P<said>.*?) -->\n)?```(?P<language>[a-z]*)\n(?P<text>.*?)^```$",
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

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    whole = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(whole):
        said = {found["mark"]: found["said"]} if found["mark"] else {}
        line = whole.count("\n", 0, found.start("language")) + 1
        yield Block(page.name, line, found["language"], found["text"], **said)
