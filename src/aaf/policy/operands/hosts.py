"""`host`: whether a host name, or the host of a URL, is one of a list of hosts and wildcards.

Hosts are parsed and compared label by label, never as text. What can't be read in one way only (a user name before the host, an odd
address, letters of other scripts) is unknown, so a deny meets it and an allow doesn't. A pattern without a port says nothing of ports.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from aaf.analysis.addresses import carries_another
from aaf.analysis.hosts import Host, HostPattern, parse_host, parse_port
from aaf.analysis.url import MAX_URL, origin_of
from aaf.analysis.url_faults import UrlRefused
from aaf.domain.canonical import Json
from aaf.policy.operands.answers import Answer, Misfit, at, texts


class Seen(NamedTuple):
    """A host that was read: its labels from the last to the first (a literal address is one label), and the port where it is known."""

    labels: tuple[str, ...]
    port: int | None
    carrying: bool = False
    """Whether it is an IPv6 address that carries an IPv4 address."""


def misfit(operand: Json) -> Misfit | None:
    """What is wrong with the patterns."""
    listed, wrong = texts("host", operand, '"*.example.com"')
    for place, text in enumerate(listed):
        if "://" in text:
            host = text.partition("://")[2].partition("/")[0]
            return Misfit(
                f"`{text[:64]}` is a URL, not a host", f"write the host alone: {host[:64]}", at(operand, place)
            )
        try:
            _parsed(text)
        except ValueError as error:
            hint = 'write a host such as api.example.com, or "*.example.com" for all beneath one'
            return Misfit(
                f"`{text[:64]}` is no host: {str(error)[0].lower()}{str(error)[1:-1]}", hint, at(operand, place)
            )
    return wrong


class Named(NamedTuple):
    """What a pattern names: labels as `Seen` has them, whether those beneath are meant, and the port where it says one."""

    labels: tuple[str, ...]
    below: bool
    port: int | None


def named(operand: Json) -> list[Named]:
    """What the patterns of an operand name that has no misfit."""
    return [
        Named((found.literal,) if found.literal is not None else found.labels[::-1], found.below, found.port)
        for found in map(_parsed, texts("host", operand, "")[0])
    ]


@lru_cache(maxsize=1_024)
def _parsed(text: str) -> HostPattern:
    return HostPattern.parse(text)


def asked(operand: Json) -> Callable[[Seen | None], Answer]:
    """What the patterns say of a host that was read; the time doesn't grow with their number."""
    names: dict[tuple[str, ...], set[int | None]] = {}
    above: dict[tuple[str, ...], set[int | None]] = {}
    for labels, below, port in named(operand):
        (above if below else names).setdefault(labels, set()).add(port)
    of_four = any(len(labels) == 1 and labels[0][0].isdigit() and "." in labels[0] for labels in names)

    def answer(seen: Seen | None) -> Answer:
        if seen is None:
            return None
        labels, port, carrying = seen
        outcome = _on_port(names.get(labels), port)
        if carrying and of_four and not outcome:
            return None
        if outcome is True or not above:
            return outcome
        for length in range(2, len(labels)):
            said = _on_port(above.get(labels[:length]), port)
            if said is True:
                return True
            outcome = None if said is None else outcome
        return outcome

    return answer


def _on_port(ports: set[int | None] | None, port: int | None) -> Answer:
    """Whether one of the patterns for this host takes the port; unknown where a port is asked that wasn't said."""
    if ports is None:
        return False
    if None in ports or port in ports:
        return True
    return None if port is None else False


def read(text: object) -> Seen | None:
    """The host that a text names: `host`, `host:port` or a URL of the scheme http or https; None where it names none plainly."""
    return _read(text) if isinstance(text, str) and len(text) <= MAX_URL else None


@lru_cache(maxsize=64)
def _read(text: str) -> Seen | None:
    try:
        if "://" in text:
            host, port = origin_of(text)
            return _seen(host, port)
        name, colon, digits = text.rpartition(":") if _has_port(text) else (text, "", "")
        given = parse_port(digits) if colon else None
        return None if colon and given is None else _seen(parse_host(name), given)
    except UrlRefused:
        return None


def _seen(host: Host, port: int | None) -> Seen:
    if host.is_literal:
        return Seen((host.name,), port, carries_another(host.name))
    return Seen(tuple(host.name.split("."))[::-1], port)


def _has_port(text: str) -> bool:
    return ":" in text and not text.endswith("]")


def covers(one: list[Named], other: list[Named]) -> bool:
    """Whether every host of `one` is a host of `other`."""
    return all(any(_covers(narrow, wide) for wide in other) for narrow in one)


def apart(one: list[Named], other: list[Named]) -> bool:
    """Whether no host is one of both."""
    return not any(_meet(first, second) for first in one for second in other)


def _covers(narrow: Named, wide: Named) -> bool:
    return wide.port in (None, narrow.port) and _lies_in(narrow, wide)


def _lies_in(narrow: Named, wide: Named) -> bool:
    """Whether a pattern names nothing that the other doesn't, ports left aside."""
    inner, outer = narrow.labels, wide.labels
    if not wide.below:
        return not narrow.below and inner == outer
    return inner[: len(outer)] == outer and (narrow.below or len(inner) > len(outer))


def _meet(one: Named, other: Named) -> bool:
    if None not in (one.port, other.port) and one.port != other.port:
        return False
    if one.below and other.below:
        first, second = sorted((one.labels, other.labels), key=len)
        return second[: len(first)] == first
    return _lies_in(one, other) or _lies_in(other, one)
