"""Host names as labels: which are well formed, which name something inside, and which a pattern covers.

Names are compared label by label after normalisation, never as text. A name in other letters than ASCII is refused: it has to be given in
its `xn--` form, which is what is dialled, certified and shown. Nothing here knows where a name leads.
"""

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Self

from aaf.analysis.url_faults import UrlFault, UrlRefused

MAX_HOST = 253
"""Characters of the longest host name (RFC 1035, without the root's dot)."""

MAX_PORT = 65535
DEFAULT_PORTS = {"http": 80, "https": 443}

INTERNAL_TOP_LABELS = frozenset(
    {
        # Special use: RFC 6761, 6762, 7686, 8375 (home.arpa), 9476; `.internal` and `.private` as ICANN has set them aside.
        *("alt", "arpa", "example", "internal", "invalid", "local", "localhost", "onion", "private", "test"),
        # Never delegated, because networks use them: ICANN's name collision reports; RFC 6762 appendix G.
        *("corp", "home", "intranet", "lan", "localdomain", "mail", "workgroup"),
        # Clusters and containers.
        *("consul", "docker", "kubernetes", "svc"),
    }
)
"""Last labels of names that stand for something inside a network, or for nothing."""

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z")
_TOP_LABEL = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z")
_DIGITS = re.compile(r"[1-9][0-9]{0,4}\Z")
_PREFIX = "xn--"
"".encode("punycode")  # loads the codec, which is a file: a confined process can open none when the first name comes
_HYPHENS = frozenset("-\u00b7\u30fb")
"""Punctuation inside names: RFC 5892's middle dots besides the hyphen."""


@dataclass(frozen=True, slots=True)
class Host:
    """A normalised host: ASCII, lower case, without the root's dot; an IPv6 literal has no brackets."""

    name: str
    is_literal: bool

    @property
    def internal(self) -> UrlFault | None:
        """Why its name alone refuses it; None for literals, which are judged as addresses."""
        if self.is_literal:
            return None
        _, dot, top = self.name.rpartition(".")
        if top in INTERNAL_TOP_LABELS:
            return UrlFault.INTERNAL_NAME
        return None if dot else UrlFault.SINGLE_LABEL


def parse_host(text: str) -> Host:
    """Read the host of a URL: labels, a dotted quad, or an IPv6 address in brackets.

    Whatever another reader could take for a number (WHATWG URL section 3.5, "ends in a number") is a canonical dotted quad or refused.

    Raises:
        UrlRefused: it is something else.
    """
    if not text:
        raise UrlRefused(UrlFault.EMPTY_HOST)
    if not text.isascii():
        raise UrlRefused(UrlFault.NON_ASCII_HOST)
    if text[0] == "[":
        return _bracketed(text)
    name = text.lower().removesuffix(".")
    if len(name) > MAX_HOST:
        raise UrlRefused(UrlFault.HOST_TOO_LONG)
    labels = name.split(".")
    if _NUMBER.match(labels[-1]):
        return _dotted_quad(text)
    for label in labels:
        _check_label(label)
    if not _TOP_LABEL.match(labels[-1]):
        raise UrlRefused(UrlFault.HOST_LABEL)
    return Host(name, is_literal=False)


def _bracketed(text: str) -> Host:
    if text[-1] != "]" or "%" in text:  # a zone (RFC 6874) names an interface of this machine
        raise UrlRefused(UrlFault.ODD_ADDRESS)
    try:
        return Host(str(IPv6Address(text[1:-1])), is_literal=True)
    except ValueError:
        raise UrlRefused(UrlFault.ODD_ADDRESS) from None


def _dotted_quad(text: str) -> Host:
    try:
        return Host(str(IPv4Address(text)), is_literal=True)
    except ValueError:
        raise UrlRefused(UrlFault.ODD_ADDRESS) from None


def _check_label(label: str) -> None:
    if not _LABEL.match(label):
        raise UrlRefused(UrlFault.HOST_LABEL)
    if label.startswith(_PREFIX) and not _is_one_form(label):
        raise UrlRefused(UrlFault.PUNYCODE)


def _is_one_form(label: str) -> bool:
    """Whether a label is the Punycode (RFC 3492) of a name that is its own normal form, so that no two labels mean one name."""
    try:
        name = label.removeprefix(_PREFIX).encode().decode("punycode")
        again = name.encode("punycode").decode()
    except UnicodeError:
        return False
    normal = unicodedata.normalize("NFKC", name).lower()
    return (
        not name.isascii()
        and _PREFIX + again == label
        and normal == name
        and all(unicodedata.category(character)[0] in "LMN" or character in _HYPHENS for character in name)
    )


def parse_port(text: str) -> int | None:
    """A port in plain decimal digits; None where it is something else."""
    if not _DIGITS.match(text) or int(text) > MAX_PORT:
        return None
    return int(text)


@dataclass(frozen=True, slots=True)
class HostPattern:
    """A host that may be called: `api.example.com`, `*.example.com` (one label or more in its place), with `:port` or the scheme's own."""

    labels: tuple[str, ...]
    below: bool
    port: int | None
    literal: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a pattern.

        Raises:
            ValueError: it is no host, or the wildcard stands elsewhere than for the first label of at least three.
        """
        host, colon, digits = text.rpartition(":") if _has_port(text) else (text, "", "")
        port = parse_port(digits)
        if colon and port is None:
            raise ValueError(UrlFault.PORT.sentence)
        below = host.startswith("*.")
        try:
            found = parse_host(host.removeprefix("*."))
        except UrlRefused as refused:
            raise ValueError(str(refused)) from None
        if below and (found.is_literal or "." not in found.name):
            raise ValueError("A wildcard stands for the first label of a name that has two more.")
        if found.is_literal:
            return cls((), below=False, port=port, literal=found.name)
        return cls(tuple(found.name.split(".")), below=below, port=port, literal=None)

    def covers(self, scheme: str, host: str, port: int) -> bool:
        """Whether this origin, in the normalised form of `parse_url`, is one of the pattern's."""
        if port != (self.port or DEFAULT_PORTS.get(scheme)):
            return False
        if self.literal is not None:
            return host == self.literal
        labels = tuple(host.split("."))
        if not self.below:
            return labels == self.labels
        return len(labels) > len(self.labels) and labels[-len(self.labels) :] == self.labels

    def __str__(self) -> str:
        """As `parse` reads it."""
        name = ("*." if self.below else "") + ".".join(self.labels)
        if self.literal is not None:
            name = f"[{self.literal}]" if ":" in self.literal else self.literal
        return name if self.port is None else f"{name}:{self.port}"


def _has_port(text: str) -> bool:
    return ":" in text and not text.endswith("]")
