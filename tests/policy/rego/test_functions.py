"""AAF's own functions: right answers, and an error wherever an argument can be read in more than one way."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.policy.rego.builtins import BUILTINS, OWN
from aaf.policy.rego.functions import DAYS, Argument, ArgumentError, fault, functions


def calendar(nanoseconds: int, zone: str) -> tuple[str, tuple[int, int, int]]:
    """The standard library's, in place of the engine's."""
    if zone == "Nowhere/At_All":
        raise RuntimeError("unknown timezone")
    at = datetime.fromtimestamp(nanoseconds // 10**9, UTC).astimezone(ZoneInfo(zone))
    return DAYS[at.weekday()].title(), (at.hour, at.minute, at.second)


OF = functions(calendar)


def call(name: str, *arguments: Any) -> Any:
    arity, function = OF[name]
    assert arity == len(arguments)
    return function(*arguments)


def at(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 10**9


def test_every_function_is_known_where_modules_are_checked() -> None:
    assert {name: arity for name, (arity, _) in OF.items()} == {name: len(taken) for name, taken in OWN.items()}
    assert {name: BUILTINS[name] for name in OF} == {name: arity for name, (arity, _) in OF.items()}


@pytest.mark.requirement("R18")
@pytest.mark.parametrize(
    ("name", "arguments", "answer"),
    [
        ("aaf.host_matches", ("https://api.example.com/x?y=1", "api.example.com"), True),
        ("aaf.host_matches", ("API.Example.COM.", "api.example.com"), True),
        ("aaf.host_matches", ("https://api.example.com:8443/", "*.example.com"), True),
        ("aaf.host_matches", ("a.b.example.com", "*.example.com"), True),
        ("aaf.host_matches", ("example.com", "*.example.com"), False),
        ("aaf.host_matches", ("https://evilexample.com/", "*.example.com"), False),
        ("aaf.host_matches", ("https://example.com.evil.net/", "example.com"), False),
        ("aaf.host_matches", ("http://[2001:db8::1]/", "[2001:db8::1]"), True),
        ("aaf.is_private_address", ("http://10.1.2.3/",), True),
        ("aaf.is_private_address", ("169.254.169.254",), True),
        ("aaf.is_private_address", ("http://localhost:8080/",), True),
        ("aaf.is_private_address", ("db.internal",), True),
        ("aaf.is_private_address", ("::1",), True),
        ("aaf.is_private_address", ("http://[::ffff:10.0.0.1]/",), True),
        ("aaf.is_private_address", ("8.8.8.8",), False),
        ("aaf.is_private_address", ("https://example.com/",), False),
        ("is_private_ip", ("http://192.168.0.1/admin",), True),
        ("is_private_network", ("http://192.168.0.1/admin",), True),
        ("is_private_network", ("https://api.trusted.com/",), False),
        ("aaf.cidr_contains", ("10.0.0.0/8", "10.255.255.255"), True),
        ("aaf.cidr_contains", ("10.0.0.0/8", "https://11.0.0.0/"), False),
        ("aaf.cidr_contains", ("2001:db8::/32", "http://[2001:db8::5]/"), True),
        ("aaf.cidr_contains", ("0.0.0.0/0", "::1"), False),
        ("aaf.path_beneath", ("/srv/data/a.txt", "/srv/data"), True),
        ("aaf.path_beneath", ("/srv/data", "/srv/data/"), True),
        ("aaf.path_beneath", ("/srv/database", "/srv/data"), False),
        ("aaf.path_beneath", ("/srv", "/"), True),
        ("aaf.path_beneath", ("/srv/other", "/srv/data"), False),
        ("aaf.path_beneath", ("notes/a.txt", "notes"), True),
        ("aaf.path_beneath", ("notes", "notes/a.txt"), False),
        ("aaf.amount_compare", ("100.00000000000000000001", "100"), 1),
        ("aaf.amount_compare", ("0.1", "0.10"), 0),
        ("aaf.amount_compare", ("-5", 3), -1),
        ("aaf.amount_greater", ("100.00000000000000000001", 100), True),
        ("aaf.amount_greater", ("100.00", "100.00"), False),
    ],
)
def test_it_answers(name: str, arguments: tuple[Any, ...], answer: Any) -> None:
    assert call(name, *arguments) == answer


@pytest.mark.attack(
    "G30", guard="aaf.policy.rego.functions:_host", without="tests.attacks.without_rego:any_host", part=True
)
@pytest.mark.parametrize(
    "host",
    [
        *(
            "http://user@10.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://10.1/",
            "http:\\\\10.0.0.1\\",
            "a b",
        ),
        *("http://10.0.0.1%2f.example.com/", "http://exa\u0301mple.com/", "", "http://", "//10.0.0.1/", "10.0.0.1/8"),
        *(None, 5, ["a"], "http://a..b/", "http://[fe80::1%25eth0]/", "x" * 9000, "https://example.com/../x"),
    ],
)
def test_a_host_that_can_be_read_in_two_ways_is_an_error_which_is_a_deny(host: Any) -> None:
    for name, more in (("aaf.is_private_address", ()), ("aaf.host_matches", ("example.com",))):
        with pytest.raises(ArgumentError) as raised:
            call(name, host, *more)
        assert str(raised.value) == f"this is not {Argument.HOST}"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *[("aaf.host_matches", ("example.com", one)) for one in ("*", "a*.example.com", "*.com", "example.com:443", "", 1)],
        *[("aaf.cidr_contains", (one, "10.0.0.1")) for one in ("10.0.0.1/8", "10.0.0.0/33", "ten", "", None)],
        ("aaf.cidr_contains", ("10.0.0.0/8", "example.com")),
        *[("aaf.cidr_contains", ("10.0.0.0/8", one)) for one in ("::ffff:10.0.0.1", "http://[64:ff9b::a00:1]/", "fe80::5efe:a00:1")],
        ("aaf.host_matches", ("http://[::ffff:10.0.0.1]/", "10.0.0.1")),
        *[("aaf.path_beneath", (one, "/srv/data")) for one in ("srv/data", "/srv/Data/a", "/SRV/data", "/srv/data./a", "/srv/\uff44ata/a")],
        *[("aaf.path_beneath", (one, "notes")) for one in ("/notes", "~/notes", "notes\uff1aa", "c:/notes")],
        *[("aaf.path_beneath", (one, "/srv")) for one in ("/srv/../etc", "/srv//x", "./srv", "..", "", "/srv\\x", "/a\x00", 1, "//")],
        *[("aaf.path_beneath", ("/srv", one)) for one in ("/srv/.", "", None)],
        *[("aaf.amount_compare", (one, "1")) for one in (1.5, True, "1e3", "", " 1", "1,000.00", None, "9" * 70)],
        *[("aaf.within_hours", (one, "UTC", ["monday"], "09:00", "17:00")) for one in (1.5, "1", None, True)],
        *[("aaf.within_hours", (0, one, ["monday"], "09:00", "17:00")) for one in ("utc", "../etc", "", 1, "Nowhere/At_All")],
        *[("aaf.within_hours", (0, "UTC", one, "09:00", "17:00")) for one in ([], ["mon"], "monday", [1], None)],
        *[("aaf.within_hours", (0, "UTC", ["monday"], one, "17:00")) for one in ("9:00", "24:01", "", 9)],
        *[("aaf.within_hours", (0, "UTC", ["monday"], "09:00", one)) for one in ("17:60", "17", None, "09:00")],
    ],
)  # fmt: skip
def test_what_is_no_argument_is_an_error(name: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(ArgumentError):
        call(name, *arguments)


WEEK = list(DAYS[:5])


@pytest.mark.parametrize(
    ("when", "zone", "days", "begins", "ends", "answer"),
    [
        ("2026-03-02T09:00:00", "Europe/Berlin", WEEK, "09:00", "17:00", True),  # a Monday
        ("2026-03-02T16:59:59", "Europe/Berlin", WEEK, "09:00", "17:00", True),
        ("2026-03-02T17:00:00", "Europe/Berlin", WEEK, "09:00", "17:00", False),
        ("2026-03-02T08:59:59", "Europe/Berlin", WEEK, "09:00", "17:00", False),
        ("2026-03-01T12:00:00", "Europe/Berlin", WEEK, "09:00", "17:00", False),
        ("2026-03-02T23:30:00", "Europe/Berlin", ["monday"], "22:00", "06:00", True),
        ("2026-03-03T05:59:00", "Europe/Berlin", ["monday"], "22:00", "06:00", True),
        ("2026-03-03T06:00:00", "Europe/Berlin", ["monday"], "22:00", "06:00", False),
        ("2026-03-02T05:00:00", "Europe/Berlin", ["monday"], "22:00", "06:00", False),
        ("2026-03-02T05:00:00", "Europe/Berlin", ["sunday"], "22:00", "06:00", True),
        ("2026-03-02T00:00:00", "UTC", {"monday"}, "00:00", "24:00", True),
    ],
)
def test_hours_are_those_of_the_zone_and_the_day_on_which_they_begin(
    when: str, zone: str, days: Any, begins: str, ends: str, answer: bool
) -> None:
    assert call("aaf.within_hours", at(when, zone), zone, days, begins, ends) is answer


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=8),
    st.decimals(allow_nan=False, allow_infinity=False, places=3),
)
def test_amounts_are_compared_exactly(one: Decimal, other: Decimal) -> None:
    texts = [f"{value:f}" for value in (one, other)]
    if all(fault(Argument.AMOUNT, text) is None for text in texts):
        assert call("aaf.amount_compare", *texts) == (one > other) - (one < other)


@given(st.sampled_from(Argument), st.text() | st.integers() | st.lists(st.text(max_size=3)) | st.none() | st.floats())
def test_whatever_is_given_there_is_an_answer_or_the_one_error(argument: Argument, value: Any) -> None:
    assert fault(argument, value) in {None, f"this is not {argument}"}
