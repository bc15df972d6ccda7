"""What a client of the outside may do, and how much of everything: values only."""

from dataclasses import dataclass, field

from aaf.analysis.addresses import Exemption

__all__ = ["Exemption", "Limits", "Rules"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps of one call with all its redirects; sizes in bytes, times in seconds."""

    seconds: float = 30.0
    connect_seconds: float = 10.0
    redirects: int = 3
    head: int = 64 << 10
    """Status line and headers of one answer, interim answers counted in."""

    wire: int = 5 << 20
    """Body as it comes over the wire."""

    body: int = 5 << 20
    """Body after decompression."""

    ratio: int = 100
    """How many times its wire size a body of more than RATIO_FREE bytes may have."""

    request_body: int = 1 << 20
    answers: int = 32
    """Addresses of one name; a name with more is refused."""

    dials: int = 4
    """Addresses that are tried in turn."""


RATIO_FREE = 1 << 20
"""Bytes of decompressed body up to which the ratio doesn't matter."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Schemes and ports that may be called, and the exact exemptions from the guard of addresses.

    A scheme's own port is always among the ports. An exemption brings its scheme and port along, for its origin only.
    """

    schemes: frozenset[str] = frozenset({"https"})
    ports: frozenset[int] = frozenset()
    exempt: tuple[Exemption, ...] = ()
    limits: Limits = field(default_factory=Limits)
