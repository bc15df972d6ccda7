"""Whether a relative path names one thing beneath a root, and nothing that is protected: by its letters alone.

A path is taken as it is or refused; nothing is repaired. What the letters can't tell (links, races, mounts) is the opener's
business, not this module's.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique
from fnmatch import fnmatchcase

from aaf.domain.errors import Code

MAX_PATH = 4096
"""Bytes of the longest path, Linux's PATH_MAX."""

MAX_SEGMENT = 255
"""Bytes of the longest name, Linux's NAME_MAX."""

_DEVICES = frozenset({"aux", "clock$", "con", "conin$", "conout$", "nul", "prn"}) | {
    f"{name}{digit}" for name in ("com", "lpt") for digit in range(10)
}
_ODD_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})

PROTECTED = (
    # The firewall's own data, keys and configuration; its temporary files begin with `.aaf-`.
    ".aaf*",
    "aaf.db*",
    "aaf.yaml",
    # Credentials.
    "*.jks",
    "*.key",
    "*.keystore",
    "*.p12",
    "*.pem",
    "*.pfx",
    ".aws",
    ".azure",
    ".docker",
    ".env*",
    ".git-credentials",
    ".gnupg",
    ".kube",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".ssh",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "id_rsa*",
    # What runs by itself: repositories' hooks, and the hooks and settings of coding agents.
    ".git",
    "git~*",
    ".claude/hooks",
    ".claude/settings*.json",
    ".claude.json",
    ".codex",
    ".cursor",
    ".gemini",
    ".mcp.json",
    ".opencode",
    "opencode.json*",
)
"""Patterns that no configuration takes away. One may span several segments; what lies beneath a match is protected too."""


@unique
class PathFault(StrEnum):
    """Why a path is refused."""

    ABSOLUTE = "absolute"
    BACKSLASH = "backslash"
    COLON = "colon"
    DEVICE_NAME = "device_name"
    DOT_SEGMENT = "dot_segment"
    EMPTY = "empty"
    EMPTY_SEGMENT = "empty_segment"
    HOME = "home"
    LOOKALIKE = "lookalike"
    NOT_NFC = "not_nfc"
    ODD_CHARACTER = "odd_character"
    PARENT = "parent"
    TOO_LONG = "too_long"
    TRAILING = "trailing"

    @property
    def code(self) -> Code:
        """The stable code that a caller gets."""
        return Code.PATH_OUTSIDE_ROOT if self in _OUTSIDE else Code.PATH_NOT_PLAIN

    @property
    def sentence(self) -> str:
        """What is wrong, without a word of the path."""
        return _SENTENCES[self]


_OUTSIDE = frozenset({PathFault.ABSOLUTE, PathFault.HOME, PathFault.PARENT})
_SENTENCES = {
    PathFault.ABSOLUTE: "The path is absolute; it has to be relative to the root.",
    PathFault.BACKSLASH: "The path has a backslash; segments are separated by a slash.",
    PathFault.COLON: "The path has a colon.",
    PathFault.DEVICE_NAME: "A segment of the path is the name of a device.",
    PathFault.DOT_SEGMENT: "A segment of the path is a single dot.",
    PathFault.EMPTY: "The path is empty.",
    PathFault.EMPTY_SEGMENT: "A segment of the path is empty.",
    PathFault.HOME: "The path begins with a tilde; it has to be relative to the root.",
    PathFault.LOOKALIKE: "A segment of the path holds a character that stands for a separator or a dot.",
    PathFault.NOT_NFC: "The path is not in Unicode normalisation form C.",
    PathFault.ODD_CHARACTER: "The path has a control, format, unassigned or unusual blank character.",
    PathFault.PARENT: "The path leads upwards.",
    PathFault.TOO_LONG: f"The path is longer than {MAX_PATH} bytes, or a segment than {MAX_SEGMENT}.",
    PathFault.TRAILING: "A segment of the path ends in a dot or a space.",
}


@dataclass(frozen=True, slots=True)
class CleanPath:
    """A path that `clean` accepted; it has at least one part."""

    parts: tuple[str, ...]

    def __str__(self) -> str:
        """The path with slashes, exactly as it came."""
        return "/".join(self.parts)


def clean(path: str) -> CleanPath | PathFault:
    """Judge a path by its letters."""
    fault = _whole(path)
    if fault is not None:
        return fault
    parts = tuple(path.split("/"))
    for part in parts:
        fault = _segment(part)
        if fault is not None:
            return fault
    return CleanPath(parts)


def protected(path: CleanPath, patterns: Iterable[str] = ()) -> str | None:
    """Return the pattern that protects this path (`Code.PATH_PROTECTED`), or None.

    `patterns` are added to the built-in ones: `*`, `?` and `[…]` within a segment, segments separated by a slash. Names are compared
    after compatibility normalisation and case folding.
    """
    names = tuple(folded(part) for part in path.parts)
    return next((pattern for pattern in (*PROTECTED, *patterns) if _matches(names, folded(pattern))), None)


def _whole(path: str) -> PathFault | None:
    """Faults of the path as a whole, the most telling first."""
    if not path:
        return PathFault.EMPTY
    if len(path.encode("utf-8", "surrogatepass")) > MAX_PATH:
        return PathFault.TOO_LONG
    if path.startswith("/"):
        return PathFault.ABSOLUTE
    if path.startswith("~"):
        return PathFault.HOME
    if ".." in path.replace("\\", "/").split("/"):
        return PathFault.PARENT
    if not path.isascii() and unicodedata.normalize("NFC", path) != path:
        return PathFault.NOT_NFC
    return PathFault.ODD_CHARACTER if any(map(_odd, path)) else None


def _odd(character: str) -> bool:
    category = unicodedata.category(character)
    return category in _ODD_CATEGORIES or (category == "Zs" and character != " ")


def _segment(part: str) -> PathFault | None:
    """Faults of one segment, also of what it stands for after compatibility normalisation."""
    fault = _structure(part)
    if fault is not None or part.isascii():
        return fault
    return None if _structure(unicodedata.normalize("NFKC", part)) is None else PathFault.LOOKALIKE


def _structure(part: str) -> PathFault | None:
    if part in ("", "."):
        return PathFault.DOT_SEGMENT if part else PathFault.EMPTY_SEGMENT
    if "\\" in part:
        return PathFault.BACKSLASH
    if ":" in part:
        return PathFault.COLON
    if "/" in part:
        return PathFault.LOOKALIKE
    if part.endswith((".", " ")):
        return PathFault.TRAILING
    if part.partition(".")[0].rstrip(" ").casefold() in _DEVICES:
        return PathFault.DEVICE_NAME
    return PathFault.TOO_LONG if len(part.encode()) > MAX_SEGMENT else None


def folded(text: str) -> str:
    """What names have in common that some file systems take for one: compatibility normalisation and case folding."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _matches(names: tuple[str, ...], pattern: str) -> bool:
    """Whether the pattern's segments match neighbouring names anywhere in the path."""
    wanted = pattern.split("/")
    return any(
        all(fnmatchcase(name, part) for name, part in zip(names[start:], wanted, strict=False))
        for start in range(len(names) - len(wanted) + 1)
    )
