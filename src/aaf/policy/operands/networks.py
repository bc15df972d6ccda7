"""`cidr`: whether an internet address is in one of a list of networks.

Only the canonical notation of an address is read, because others are read differently elsewhere. Of an IPv6 address that carries an
IPv4 address inside it, it can't be known whether that lies in an IPv4 network; nothing is looked through.
"""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import TypeAlias

from aaf.analysis.addresses import carries_another, parse_address
from aaf.domain.canonical import Json
from aaf.policy.operands.answers import Answer, Misfit, at, texts

Network: TypeAlias = IPv4Network | IPv6Network
Seen: TypeAlias = tuple[IPv4Address | IPv6Address, bool]
"""An address, and whether it carries an IPv4 address inside it."""

_MAX_ADDRESS = 45


def misfit(operand: Json) -> Misfit | None:
    """What is wrong with the networks."""
    listed, wrong = texts("cidr", operand, "10.0.0.0/8")
    for place, text in enumerate(listed):
        hint = _unusable(text)
        if hint is not None:
            return Misfit(f"`{text[:64]}` is no network in CIDR notation", hint, at(operand, place))
    return wrong


def _unusable(text: str) -> str | None:
    """A hint, where a network isn't written in the one way that everybody reads alike."""
    try:
        canonical = str(ip_network(text, strict=False))
    except ValueError:
        return "write it as 10.0.0.0/8 or 2001:db8::/32"
    return None if text == canonical else f"did you mean `{canonical}`?"


def networks(operand: Json) -> list[Network]:
    """The networks of an operand that has no misfit."""
    return [ip_network(text) for text in texts("cidr", operand, "")[0]]


def asked(operand: Json) -> Callable[[Seen | None], Answer]:
    """What the networks say of an address that was read."""
    listed = networks(operand)
    of_four = any(network.version == 4 for network in listed)  # noqa: PLR2004 - the version of the protocol

    def answer(seen: Seen | None) -> Answer:
        if seen is None:
            return None
        address, carrying = seen
        if any(address in network for network in listed):
            return True
        return None if carrying and of_four else False

    return answer


def read(text: object) -> Seen | None:
    """The address that a text is, in its canonical notation; None for anything else."""
    return _read(text) if isinstance(text, str) and len(text) <= _MAX_ADDRESS else None


@lru_cache(maxsize=64)
def _read(text: str) -> Seen | None:
    address = parse_address(text)
    carrying = carries_another(text)
    # How a carried address is written differs between readers, and nothing is decided by it but whether it is known.
    if address is None or (str(address) != text and not carrying):
        return None
    return address, carrying


def covers(one: list[Network], other: list[Network]) -> bool:
    """Whether every address of `one` is an address of `other`."""
    return all(any(_contains(around, network) for around in other) for network in one)


def apart(one: list[Network], other: list[Network]) -> bool:
    """Whether no address is in both."""
    return not any(_contains(a, b) or _contains(b, a) for a in one for b in other)


def _contains(wide: Network, narrow: Network) -> bool:
    return wide.version == narrow.version and wide.prefixlen <= narrow.prefixlen and narrow.network_address in wide
