"""`host`: whether a host name, or the host of a URL, is one of a list of hosts and wildcards.

Hosts are parsed and compared label by label, never as text. What can't be read in one way only (a user name before the host, an odd
address, letters of other scripts) is unknown, so a deny meets it and an allow doesn't. A pattern without a port says nothing of ports.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from aaf.analysis.hosts import Host, HostPattern, parse_host, parse_port
from aaf.analysis.url import MAX_URL, origin_of
from aaf.analysis.url_faults import UrlRefused
from aaf.domain.canonical import Json
from aaf.policy.operands.answers import Answer, Misfit, at, texts


class Seen(NamedTuple):
    """A host that was read: its labels from the last to the first (a literal address is one label), and the port where it is known."""

    labels: tuple[str, ...]
    port: int | None


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


def patterns(operand: Json) -> list[HostPattern]:
    """The patterns of an operand that has no misfit."""
    return [_parsed(text) for text in texts("host", operand, "")[0]]


@lru_cache(maxsize=1_024)
def _parsed(text: str) -> HostPattern:
    return HostPattern.parse(text)


def asked(operand: Json) -> Callable[[Seen | None], Answer]:
    """What the patterns say of a host that was read; the time doesn't grow with their number."""
    names: dict[tuple[str, ...], set[int | None]] = {}
    above: dict[tuple[str, ...], set[int | None]] = {}
    for pattern in patterns(operand):
        (above if pattern.below else names).setdefault(labels_of(pattern), set()).add(pattern.port)

    def answer(seen: Seen | None) -> Answer:
        if seen is None:
            return None
        labels, port = seen
        outcome = _on_port(names.get(labels), port)
        if outcome is True or not above:
            return outcome
        for length in range(2, len(labels)):
            said = _on_port(above.get(labels[:length]), port)
            if said is True:
                return True
            outcome = None if said is None else outcome
        return outcome

    return answer


def labels_of(pattern: HostPattern) -> tuple[str, ...]:
    """The labels from the last to the first, as `Seen` has them."""
    return (pattern.literal,) if pattern.literal is not None else pattern.labels[::-1]


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
    return Seen((host.name,) if host.is_literal else tuple(host.name.split("."))[::-1], port)


def _has_port(text: str) -> bool:
    return ":" in text and not text.endswith("]")


def covers(one: Json, other: Json) -> bool:
    """Whether every host of `one` is a host of `other`."""
    wide = patterns(other)
    return all(any(_covers(pattern, around) for around in wide) for pattern in patterns(one))


def apart(one: Json, other: Json) -> bool:
    """Whether no host is one of both."""
    return not any(_meet(first, second) for first in patterns(one) for second in patterns(other))


def _covers(narrow: HostPattern, wide: HostPattern) -> bool:
    if wide.port not in (None, narrow.port):
        return False
    inner, outer = labels_of(narrow), labels_of(wide)
    if not wide.below:
        return not narrow.below and inner == outer
    return inner[: len(outer)] == outer and (narrow.below or len(inner) > len(outer))


def _meet(one: HostPattern, other: HostPattern) -> bool:
    if None not in (one.port, other.port) and one.port != other.port:
        return False
    first, second = sorted((labels_of(one), labels_of(other)), key=len)
    if one.below and other.below:
        return second[: len(first)] == first
    return _covers(replace(one, port=None), replace(other, port=None)) or _covers(
        replace(other, port=None), replace(one, port=None)
    )
