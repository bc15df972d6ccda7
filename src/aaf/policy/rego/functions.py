"""What policy modules may compute besides what the language has: hosts, addresses, paths, amounts, hours.

Pure functions of their arguments, so that a decision comes out the same when it is judged again. An argument that can be read in more than one
way is an error, and an error is a deny: `false` would let a rule that forbids something pass over it. No message quotes a value. The worker imports
this module, so it stands on the standard library and on `analysis` alone.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum, unique
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, TypeAlias

from aaf.analysis.addresses import AddressClass, carries_another, classify, parse_address
from aaf.analysis.hosts import Host, HostPattern
from aaf.analysis.path import PathFault, clean, folded
from aaf.analysis.url import host_of
from aaf.analysis.url_faults import UrlRefused

Calendar: TypeAlias = Callable[[int, str], tuple[str, tuple[int, int, int]]]
"""The English weekday, and hour, minute and second, of an instant in nanoseconds in a time zone."""

MAX_TEXT = 8192
_DECIMAL = re.compile(r"-?[0-9]{1,64}(\.[0-9]{1,64})?")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_ZONE = re.compile(r"UTC|[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){1,2}")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@unique
class Argument(StrEnum):
    """What a function takes, in words that fit a message."""

    AMOUNT = 'an amount, a decimal number in quotes such as "100.00"'
    CLOCK = 'a time of day such as "09:00"'
    DAYS = 'a list of days such as ["monday", "friday"]'
    HOST = "a URL, a host or an address"
    NETWORK = 'a network such as "10.0.0.0/8"'
    PATH = "a path without . and .. and empty parts"
    PATTERN = 'a host such as "api.example.com" or "*.example.com"'
    TIME = "an instant in nanoseconds such as `input.time`"
    ZONE = 'a time zone such as "Europe/Berlin"'


_CARRIED = "an IPv4 address inside an IPv6 address can't be compared with one that stands alone"


class ArgumentError(ValueError):
    """An argument isn't what the function takes; it names the kind, never the value."""


def functions(calendar: Calendar) -> Mapping[str, tuple[int, Callable[..., object]]]:
    """Every function by its name in a module, with how many arguments it takes."""

    def hours(at: object, zone: object, days: object, begins: object, ends: object) -> bool:
        return within_hours(calendar, at, zone, days, begins, ends)

    return {
        "aaf.amount_compare": (2, amount_compare),
        "aaf.amount_greater": (2, lambda one, other: amount_compare(one, other) > 0),
        "aaf.cidr_contains": (2, cidr_contains),
        "aaf.host_matches": (2, host_matches),
        "aaf.is_private_address": (1, is_private_address),
        "aaf.path_beneath": (2, path_beneath),
        "aaf.within_hours": (5, hours),
        "is_private_ip": (1, is_private_address),
        "is_private_network": (1, is_private_address),
    }


def fault(argument: Argument, value: object) -> str | None:
    """Why a value is none that a function takes, or None where it is."""
    try:
        _READERS[argument](value)
    except ArgumentError as wrong:
        return str(wrong)
    return None


def amount_compare(one: object, other: object) -> int:
    """-1, 0 or 1 as `one` is less than, equal to or greater than `other`; exact, whatever the number of digits.

    Raises:
        ArgumentError: one of them is no decimal number in text and no whole number.
    """
    left, right = _amount(one), _amount(other)
    return (left > right) - (left < right)


def cidr_contains(network: object, address: object) -> bool:
    """Whether an address, or the address that is a URL's host, lies in a network; another version's never does.

    Raises:
        ArgumentError: one of them is none; names aren't looked up, and an IPv4 address inside an IPv6 address isn't either.
    """
    within, host = _network(network), _host(address)
    found = parse_address(host.name) if host.is_literal else None
    if found is None:
        raise ArgumentError("what is looked for in a network is an address, not a name")
    if isinstance(within, IPv4Network) and carries_another(host.name):
        raise ArgumentError(_CARRIED)
    return found.version == within.version and found in within


def host_matches(host: object, pattern: object) -> bool:
    """Whether a host, or a URL's, is a pattern's: label by label, `*.` for one label or more.

    Raises:
        ArgumentError: one of them is none.
    """
    asked, wanted = _host(host), _pattern(pattern)
    if wanted.literal is not None and ":" not in wanted.literal and asked.is_literal and carries_another(asked.name):
        raise ArgumentError(_CARRIED)
    return wanted.covers("https", asked.name, 443)


def is_private_address(host: object) -> bool:
    """Whether a host, or a URL's, is an address that isn't a public one, or a name that stands for something inside; names aren't looked up.

    Raises:
        ArgumentError: it is none.
    """
    found = _host(host)
    return classify(found.name) is not AddressClass.GLOBAL if found.is_literal else found.internal is not None


def path_beneath(path: object, root: object) -> bool:
    """Whether a path is a root or lies beneath it, by its letters alone: links aren't followed.

    Raises:
        ArgumentError: one of them has parts that some reader takes for others, as `..` or a backslash; only one of them begins with a slash; or they
            differ in letters only that some file systems take for the same, as in case.
    """
    parts, beginning = _path(path), _path(root)
    if (parts[0] == "") is not (beginning[0] == ""):
        raise ArgumentError("one of the paths is absolute, and the other one isn't")
    above = parts[: len(beginning)]
    if above == beginning:
        return True
    if [*map(folded, above)] == [*map(folded, beginning)]:
        raise ArgumentError("the paths differ only in letters that some file systems take for the same")
    return False


def within_hours(calendar: Calendar, at: object, zone: object, days: object, begins: object, ends: object) -> bool:
    """Whether an instant lies between two times of a day, the second not included, on one of the days; over midnight, of the day where it begins.

    Raises:
        ArgumentError: one of them is none, they begin and end at once, or the zone isn't known.
    """
    instant, wanted, first, last = _time(at), _days(days), _clock(begins), _clock(ends)
    name = _zone(zone)
    try:
        day, (hour, minute, _) = calendar(instant, name)
    except Exception:  # noqa: BLE001 - whatever the engine raises about a zone, it isn't known
        raise ArgumentError("this time zone isn't known") from None
    if first == last:
        raise ArgumentError('these hours begin and end at once; the whole day is "00:00" to "24:00"')
    today, now = DAYS.index(day.lower()), hour * 60 + minute
    if first < last:
        return DAYS[today] in wanted and first <= now < last
    if now >= first:
        return DAYS[today] in wanted
    return now < last and DAYS[today - 1] in wanted


def _text(value: object, what: Argument) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT:
        raise _none(what)
    return value


def _none(what: Argument) -> ArgumentError:
    return ArgumentError(f"this is not {what}")


def _amount(value: object) -> Decimal:
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise _none(Argument.AMOUNT)
    return Decimal(value)


def _host(value: object) -> Host:
    try:
        return host_of(_text(value, Argument.HOST))
    except UrlRefused:
        raise _none(Argument.HOST) from None


def _pattern(value: object) -> HostPattern:
    try:
        found = HostPattern.parse(_text(value, Argument.PATTERN))
    except ValueError:
        raise _none(Argument.PATTERN) from None
    if found.port is not None:
        raise _none(Argument.PATTERN)
    return found


def _network(value: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(_text(value, Argument.NETWORK))
    except ValueError:
        raise _none(Argument.NETWORK) from None


def _path(value: object) -> list[str]:
    text = _text(value, Argument.PATH)
    if text == "/":
        return [""]
    names = text.removeprefix("/").removesuffix("/")
    if isinstance(clean(names), PathFault):
        raise _none(Argument.PATH)
    return [*([""] if text.startswith("/") else []), *names.split("/")]


def _clock(value: object) -> int:
    """Minutes since midnight."""
    text = _text(value, Argument.CLOCK)
    if not _CLOCK.fullmatch(text):
        raise _none(Argument.CLOCK)
    return int(text[:2]) * 60 + int(text[3:])


def _days(value: object) -> frozenset[str]:
    days = (
        frozenset(value)
        if isinstance(value, list | set | tuple) and all(isinstance(one, str) for one in value)
        else frozenset()
    )
    if not days or not days.issubset(DAYS):
        raise _none(Argument.DAYS)
    return days


def _time(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _none(Argument.TIME)
    return value


def _zone(value: object) -> str:
    text = _text(value, Argument.ZONE)
    if not _ZONE.fullmatch(text):
        raise _none(Argument.ZONE)
    return text


_READERS: Mapping[Argument, Callable[[object], Any]] = {
    Argument.AMOUNT: _amount,
    Argument.CLOCK: _clock,
    Argument.DAYS: _days,
    Argument.HOST: _host,
    Argument.NETWORK: _network,
    Argument.PATH: _path,
    Argument.PATTERN: _pattern,
    Argument.TIME: _time,
    Argument.ZONE: _zone,
}
