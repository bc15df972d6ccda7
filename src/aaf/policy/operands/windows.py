"""Instants and `within`: whether the time of a decision is after an instant, or in the business hours of a place.

A week in a time zone is 10,080 minutes, and a window is the set of those that it covers: a window whose end is not after its start ends
on the next day, and belongs to the day on which it began. Nothing here reads a clock; the zones' data are the machine's own.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from aaf.domain.canonical import Json
from aaf.domain.instants import read as instant
from aaf.policy.operands.answers import Answer, Misfit
from aaf.policy.reading import did_you_mean

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_KEYS = ("days", "hours", "zone")
_DAY = 1_440
_WEEK = 7 * _DAY
_MINUTE = 60_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")
_HOURS = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")
_ZONE = re.compile(r"[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*)*")
_NO_PLACE = frozenset({"Factory"})


def instant_misfit(operand: Json) -> Misfit | None:
    """What is wrong with an instant."""
    hint = "such as 2026-12-24T18:00:00Z, or with an offset such as +01:00"
    if not isinstance(operand, str) or not _INSTANT.fullmatch(operand):
        return Misfit("`time` is compared with an instant, date and time with their offset from UTC", hint)
    try:
        instant(operand)
    except (ValueError, OverflowError):
        return Misfit(f"`{operand}` is no instant", hint)
    return None


def misfit(operand: Json) -> Misfit | None:
    """What is wrong with a window."""
    if not isinstance(operand, dict) or not operand:
        return Misfit(
            "`within` takes a mapping", 'such as {days: [mon-fri], hours: "09:00-17:00", zone: Europe/Zurich}'
        )
    for key in operand:
        if key not in _KEYS:
            return Misfit(f"`within` has no key `{key}`", did_you_mean(key, _KEYS), (key,))
    if "days" not in operand and "hours" not in operand:
        return Misfit("`within` says neither days nor hours", 'add days: [mon-fri] or hours: "09:00-17:00"')
    if "zone" not in operand:
        return Misfit("`within` lacks `zone`", "add zone: UTC, or an IANA zone such as Europe/Zurich")
    return (
        _each(operand, "days", _day_misfit) or _each(operand, "hours", _hours_misfit) or _zone_misfit(operand["zone"])
    )


def _each(operand: dict[str, Json], key: str, wrong: Callable[[Json], Misfit | None]) -> Misfit | None:
    if key not in operand:
        return None
    given = operand[key]
    if not isinstance(given, list):
        found = wrong(given)
        return found and found.under(key)
    if not given:
        return Misfit(f"`{key}` of `within` is empty", "leave it out, or say which", (key,))
    return next((found.under(key, place) for place, one in enumerate(given) if (found := wrong(one))), None)


def _day_misfit(given: Json) -> Misfit | None:
    first, dash, last = given.partition("-") if isinstance(given, str) else ("", "", "")
    for name in (first, last) if dash else (first,):
        if name not in DAYS:
            said = given[:16] if isinstance(given, str) else "this"
            return Misfit(f"`{said}` is no day of the week", f"write {', '.join(DAYS)}, or a range such as mon-fri")
    return None


def _hours_misfit(given: Json) -> Misfit | None:
    found = _HOURS.fullmatch(given) if isinstance(given, str) else None
    hint = 'write them as "09:00-17:00", in quotes; "22:00-06:00" goes over midnight'
    if found is None:
        return Misfit("hours are two times of day with a hyphen between", hint)
    start, end = _minutes(found)
    if end > _DAY or start >= _DAY:
        return Misfit(f"`{given}` has no such time of day", "a day begins at 00:00 and ends at 24:00")
    return Misfit(f"`{given}` begins and ends at once", 'the whole day is "00:00-24:00"') if start == end else None


def _minutes(found: re.Match[str]) -> tuple[int, int]:
    hour, minute, until_hour, until_minute = map(int, found.groups())
    return hour * 60 + minute, until_hour * 60 + until_minute


def _zone_misfit(given: Json) -> Misfit | None:
    if isinstance(given, str) and _ZONE.fullmatch(given) and given not in _NO_PLACE:
        try:
            zone(given)
        except (LookupError, OSError, ValueError):
            pass
        else:
            return None
    said = given[:64] if isinstance(given, str) else "this"
    return Misfit(f"`{said}` is no time zone that this machine knows", _nearest(said), ("zone",))


def _nearest(said: str) -> str:
    import zoneinfo  # noqa: PLC0415 - only where a rule names a zone

    # A machine without the data (the package tzdata brings them) knows UTC alone.
    known = {"UTC", *(name for name in zoneinfo.available_timezones() if name[:1] == said[:1].upper())}
    hint = did_you_mean(said, known)
    return hint if hint.startswith("did") else "write UTC, or an IANA zone such as Europe/Zurich"


@lru_cache(maxsize=64)
def zone(name: str) -> tzinfo:
    """The zone of this IANA name.

    Raises:
        LookupError, OSError, ValueError: this machine knows no such zone.
    """
    if name == "UTC":
        return UTC
    import zoneinfo  # noqa: PLC0415 - as above

    return zoneinfo.ZoneInfo(name)


def minutes(operand: Any) -> int:  # noqa: ANN401 - `misfit` has checked it
    """The minutes of a week that a window covers, as bits; the lowest is Monday 00:00."""
    days, hours = operand.get("days", [*DAYS]), operand.get("hours", "00:00-24:00")
    return _covered((*_listed(days),), (*_listed(hours),))


@lru_cache(maxsize=1_024)
def _covered(days: tuple[str, ...], hours: tuple[str, ...]) -> int:
    """Kept, because a rule about time is compiled for every action type."""
    spans = [found for one in hours if (found := _HOURS.fullmatch(one)) is not None]
    covered = 0
    for day in sorted({day for one in days for day in _days(one)}):
        for found in spans:
            start, end = _minutes(found)
            length = (end - start) % _DAY or _DAY
            bits = ((1 << length) - 1) << (day * _DAY + start)
            covered |= bits & ((1 << _WEEK) - 1) | bits >> _WEEK
    return covered


def _listed(given: Any) -> list[Any]:  # noqa: ANN401 - `misfit` has checked it
    return given if isinstance(given, list) else [given]


def _days(given: str) -> list[int]:
    first, dash, last = given.partition("-")
    start, end = DAYS.index(first), DAYS.index(last if dash else first)
    return [(start + step) % 7 for step in range((end - start) % 7 + 1)]


def asked(operand: Any) -> Callable[[int], Answer]:  # noqa: ANN401 - `misfit` has checked it
    """Whether an instant, in microseconds since 1970, is in the window."""
    covered, place = minutes(operand), zone(operand["zone"])
    return lambda time: bool(covered >> _minute_of_week(place, time // _MINUTE) & 1)


@lru_cache(maxsize=256)
def _minute_of_week(place: tzinfo, minute: int) -> int:
    local = (_EPOCH + timedelta(minutes=minute)).astimezone(place)
    return local.weekday() * _DAY + local.hour * 60 + local.minute


def window(operand: Any) -> tuple[str, int]:  # noqa: ANN401 - `misfit` has checked it
    """The zone of a window and the minutes that it covers."""
    return operand["zone"], minutes(operand)


def covers(one: tuple[str, int], other: tuple[str, int]) -> bool:
    """Whether `other` covers every minute of `one`, both in one zone."""
    return one[0] == other[0] and not one[1] & ~other[1]


def apart(one: tuple[str, int], other: tuple[str, int]) -> bool:
    """Whether no minute is in both, both in one zone."""
    return one[0] == other[0] and not one[1] & other[1]
