"""A module's text before any engine sees it: is it text, is it small, and can reading it blow up?

Reading a nested literal costs the engine time that doubles with each level, and long chains of operators cost it stack. So brackets and
chains are counted here, on the raw text, with comments and strings left out. Nothing is understood of the language beyond that.
"""

import re
from dataclasses import dataclass

from aaf.policy.positioned import Faults

MAX_BYTES = 131_072
"""So that a module is read, checked and tried out in about two seconds."""
MAX_LINE = 1000
MAX_DEPTH = 12
MAX_CHAIN = 24
"""Operators, dots and brackets in a row, without a new operand between them."""

MAX_EFFORT = 1 << 19
"""Bound of the sum, over all opening brackets, of two to the power of their depth: what reading them may cost."""

_REFUSED = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\xac\xae-\u061b\u061d-\u180d\u180f-\u200a\u2010-\u2027\u202f-\u205f\u2070-\ud7ff\ue000-\ufefe"
    "\uff00-\ufff8\ufffc-\ufffd\U00010000-\U000dffff\U000f0000-\U0010fffd]|\r(?!\n)"
)
"""What no text needs: controls, invisible and bidirectional formatting, lone surrogates, tags."""

_TOKEN = re.compile(
    r"""
    (?P<comment>\#[^\n]*)
  | (?P<string>"(?:[^"\\\n]|\\[^\n])*")
  | (?P<raw>`[^`]*`)
  | (?P<broken>["`])
  | (?P<open>[\[({])
  | (?P<close>[\])}])
  | (?P<end>[,;])
  | (?P<word>[A-Za-z0-9_]+)
  | (?P<operator>:=|[=!<>]=|[-.+*/%|&<>=:!])
  | (?P<space>[ \t\r\n]+)
  | (?P<other>.)
    """,
    re.VERBOSE,
)
_BLANKED = frozenset({"comment", "raw", "string"})
_NOT_NEWLINE = re.compile(r"[^\n]")
_PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Source:
    """Text within bounds. `bare` has the same length, with comments and strings blanked out; `comments` are offsets and texts."""

    name: str
    text: str
    bare: str
    comments: tuple[tuple[int, str], ...] = ()

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, counted from 1."""
        return self.text.count("\n", 0, offset) + 1, offset - self.text.rfind("\n", 0, offset)


def read_source(data: bytes, faults: Faults) -> Source | None:
    """The text of a module, or None where `faults` says why it isn't even read."""
    if len(data) > MAX_BYTES:
        faults.add(
            (0, 0),
            f"the module is larger than {MAX_BYTES} bytes",
            "split it by tools, or move shared code to a library",
        )
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        faults.add((before.count("\n") + 1, len(before) - before.rfind("\n")), "not UTF-8", "save the file as UTF-8")
        return None
    source = Source(faults.file, text, "")
    found = _REFUSED.search(text)
    if found is not None:
        what = f"the character U+{ord(found[0]):04X} is not allowed"
        faults.add(source.place(found.start()), what, 'write it as an escape in a "quoted" string')
        return None
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_LINE:
            faults.add((number, MAX_LINE + 1), f"the line has more than {MAX_LINE} characters", "break it")
            return None
    return _scanned(source, faults)


def _scanned(source: Source, faults: Faults) -> Source | None:
    """Count brackets and chains; the source with its bare text, or None where one of them is too much."""
    counting = _Counting()
    bare: list[str] = []
    comments: list[tuple[int, str]] = []
    for token in _TOKEN.finditer(source.text):
        kind, text = str(token.lastgroup), token[0]
        bare.append(_NOT_NEWLINE.sub(" ", text) if kind in _BLANKED else text)
        if kind == "comment":
            comments.append((token.start(), text.rstrip()))
        fault = counting.take(kind, text, token.start())
        if fault is not None:
            faults.add(source.place(token.start()), *fault)
            return None
    if counting.open:
        text, at, _ = counting.open[-1]
        faults.add(source.place(at), f"`{text}` is never closed", "close it")
        return None
    return Source(source.name, source.text, "".join(bare), tuple(comments))


class _Counting:
    """Brackets and chains so far."""

    def __init__(self) -> None:
        self.open: list[tuple[str, int, int]] = []
        self._chain = 0
        self._effort = 0
        self._operand = False

    def take(self, kind: str, text: str, at: int) -> tuple[str, str] | None:
        """Count one token; what is wrong with it, and a hint."""
        match kind:
            case "broken":
                return "the string doesn't end", "close it on the same line; one in ` may be longer"
            case "open":
                self._chain, self._operand = self._chain + 1, False
                self.open.append((text, at, self._chain))
                self._effort += 1 << min(len(self.open), MAX_DEPTH)
            case "close":
                if not self.open or self.open[-1][0] != _PAIRS[text]:
                    return f"`{text}` closes nothing", "check the brackets before it"
                self._chain, self._operand = self.open.pop()[2], True
            case "end":
                self._chain, self._operand = 0, False
            case "word" | "string" | "raw":
                # Two operands side by side begin a new expression.
                self._chain, self._operand = (0 if self._operand else self._chain), True
            case "operator" | "other":
                self._chain, self._operand = self._chain + 1, False
        if len(self.open) > MAX_DEPTH:
            return f"brackets are nested deeper than {MAX_DEPTH} levels", "name the inner part in a rule of its own"
        if self._chain > MAX_CHAIN:
            return "this is too long for one expression", "split it into rules of its own"
        if self._effort > MAX_EFFORT:
            return "there are too many nested brackets", "split the module"
        return None
