"""Takes typed values out of a positioned tree; whatever is wrong, missing or left over is a problem with its place.

A reader never raises and never guesses: it returns the default so that reading can go on, and the problem keeps the whole
configuration from being loaded.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from enum import StrEnum
from itertools import islice
from typing import TypeVar

from aaf.policy.positioned import Faults, Node

_Choice = TypeVar("_Choice", bound=StrEnum)
_DURATION = re.compile(r"([1-9][0-9]{0,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
MAX_DURATION = 30 * 86_400
_MAX_KNOWN = 500
_MAX_PAIRS = 1 << 17
_MAX_SHOWN = 20
_MAX_WORD = 64


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known word, or the first few where none is near.

    The work is bounded: of very many words only the first are looked at, and long ones are near to nothing.
    """
    names = sorted(set(islice(known, _MAX_KNOWN)))
    near = get_close_matches(word, _comparable(word, names), n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    shown = [name[:_MAX_WORD] for name in names[:_MAX_SHOWN]] + ["…"] * (len(names) > _MAX_SHOWN)
    return f"known are: {', '.join(shown)}" if names else "none is known"


def _comparable(word: str, names: Iterable[str]) -> list[str]:
    """The names that could be near to a word, as many as may be compared with it: each costs the square of the length."""
    if not 0 < len(word) <= _MAX_WORD:
        return []
    # Beyond this difference in length the ratio can't reach the 0.6 that makes two words near.
    alike = (name for name in names if 3 * len(word) <= 7 * len(name) and 3 * len(name) <= 7 * len(word))
    return list(islice(alike, _MAX_PAIRS // len(word) ** 2))


class Section:
    """One mapping being read. `what` names it in messages, such as `rule large-refunds`."""

    def __init__(self, node: Node, what: str, faults: Faults) -> None:
        """Read `node`; a node that is no mapping is a problem and reads as an empty one."""
        self.node = node
        self.what = what
        self.faults = faults
        self._known: set[str] = set()
        self._fields: dict[str, Node] = node.value if isinstance(node.value, dict) else {}
        if not isinstance(node.value, dict):
            faults.at(node, f"{what} must be a mapping", "write it as `key: value` lines")

    def take(self, key: str, *, required: bool = False) -> Node | None:
        """The node under `key`, which is known from now on."""
        self._known.add(key)
        node = self._fields.get(key)
        if node is None and required and isinstance(self.node.value, dict):
            self.faults.at(self.node, f"{self.what} lacks `{key}`", f"add `{key}:`")
        return node

    def text(self, key: str, default: str = "", *, required: bool = False) -> str:
        """A string that is not empty."""
        node = self.take(key, required=required)
        if node is None:
            return default
        if not isinstance(node.value, str) or not node.value:
            self.faults.at(node, f"`{key}` must be a string", "quote it")
            return default
        return node.value

    def choice(self, key: str, kind: type[_Choice], default: _Choice, *, required: bool = False) -> _Choice:
        """A member of a closed set."""
        node = self.take(key, required=required)
        return default if node is None else choose(node, kind, default, f"`{key}`", self.faults)

    def flag(self, key: str, *, default: bool = False) -> bool:
        """True or false."""
        node = self.take(key)
        if node is None:
            return default
        if not isinstance(node.value, bool):
            self.faults.at(node, f"`{key}` must be true or false", "without quotes; yes and no are strings here")
            return default
        return node.value

    def whole(self, key: str, default: int, *, least: int, most: int) -> int:
        """A whole number within bounds."""
        node = self.take(key)
        if node is None:
            return default
        if type(node.value) is not int or not least <= node.value <= most:
            self.faults.at(node, f"`{key}` must be a whole number from {least} to {most}")
            return default
        return node.value

    def texts(self, key: str, default: Sequence[str] = ()) -> list[tuple[str, Node]]:
        """A list of strings, each with its node; the defaults carry the section's own node."""
        node = self.take(key)
        if node is None:
            return [(text, self.node) for text in default]
        if not isinstance(node.value, list):
            self.faults.at(node, f"`{key}` must be a list of strings", "write it as [a, b]")
            return []
        found: list[tuple[str, Node]] = []
        for item in node.value:
            if isinstance(item.value, str) and item.value:
                found.append((item.value, item))
            else:
                self.faults.at(item, f"`{key}` must hold strings", "quote it")
        return found

    def seconds(self, key: str, default: int) -> int:
        """A duration such as `15m`, in whole seconds, at most 30 days."""
        node = self.take(key)
        if node is None:
            return default
        parts = _DURATION.fullmatch(node.value) if isinstance(node.value, str) else None
        seconds = int(parts[1]) * _SECONDS[parts[2]] if parts else 0
        if not 0 < seconds <= MAX_DURATION:
            self.faults.at(node, f"`{key}` must be a duration of at most 30 days", "write it like 30s, 15m, 2h or 1d")
            return default
        return seconds

    def section(self, key: str, what: str) -> "Section | None":
        """A mapping under `key`."""
        node = self.take(key)
        return None if node is None else Section(node, what, self.faults)

    def nodes(self, key: str, what: str) -> list[Node]:
        """The items of a list."""
        node = self.take(key)
        if node is None:
            return []
        if not isinstance(node.value, list):
            self.faults.at(node, f"`{key}` must be a list of {what}", "begin each item with a dash")
            return []
        return node.value

    def rest(self, *, known: Iterable[str] = ()) -> list[tuple[str, Node]]:
        """What was not taken, in order; taken from now on."""
        self._known.update(known)
        left = [(key, node) for key, node in self._fields.items() if key not in self._known]
        self._known.update(key for key, _ in left)
        return left

    def close(self, *, explain: Callable[[str], str | None] = lambda _key: None, also: Iterable[str] = ()) -> None:
        """Every key that nobody took is a problem; `explain` may say more about one, and `also` are known though read elsewhere."""
        known = frozenset(self._known).union(also)
        for key, node in self.rest():
            hint = explain(key) or did_you_mean(key, known)
            self.faults.at_key(node, f"{self.what} has no key `{key}`", hint)


def choose(node: Node, kind: type[_Choice], default: _Choice, what: str, faults: Faults) -> _Choice:
    """The member of `kind` that `node` names."""
    names = [member.value for member in kind]
    if node.value in names:
        return kind(node.value)
    faults.at(node, f"{what} can't be `{_shown(node)}`", did_you_mean(_shown(node), names))
    return default


def _shown(node: Node) -> str:
    """A scalar as written, cut to what fits a message."""
    return "…" if isinstance(node.value, dict | list) else str(node.value)[:64]
