"""What the operators that need more than a comparison say, by tables and held to plainer references."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.domain.canonical import Json
from aaf.policy.operands import folders, hosts, networks, windows
from aaf.policy.operands.answers import Absent, opposite
from aaf.policy.operators import Op, fault, gate, question, view
from aaf.policy.schemas import Kind

T, F, U = True, False, None
EXACT, BELOW, PORT = "api.example.com", "*.example.com", "api.example.com:8443"
BOTH: list[Json] = [EXACT, BELOW]
EUR: dict[str, Json] = {"value": "100.00", "currency": "EUR"}
AWAY = ["https://api.example.com.evil.tld/", "https://evil.tld/api.example.com", "https://evilexample.com/"]

ANSWERS: list[tuple[Kind, Op, Json, Any, bool | None]] = [
    (Kind.TEXT, Op.HOST, EXACT, "api.example.com", T),
    (Kind.TEXT, Op.HOST, EXACT, "API.Example.COM.", T),
    (Kind.TEXT, Op.HOST, EXACT, "https://api.example.com/a?b", T),
    (Kind.TEXT, Op.HOST, EXACT, "https://api.example.com:8443/", T),
    (Kind.TEXT, Op.HOST, EXACT, "api.example.com:8443", T),
    (Kind.TEXT, Op.HOST, EXACT, "https://x.api.example.com/", F),
    (Kind.TEXT, Op.HOST, EXACT, "https://example.com/", F),
    *((Kind.TEXT, Op.HOST, BOTH, text, F) for text in AWAY),
    (Kind.TEXT, Op.HOST, EXACT, "https://api.example.com@evil.tld/", U),
    (Kind.TEXT, Op.HOST, EXACT, "https://api.example.com\\@evil.tld/", U),
    (Kind.TEXT, Op.HOST, EXACT, "https://\u0430pi.example.com/", U),
    (Kind.TEXT, Op.HOST, EXACT, "https://xn--80ak6aa92e.com/", F),
    (Kind.TEXT, Op.HOST, EXACT, "https://api.example.com:0/", U),
    (Kind.TEXT, Op.HOST, EXACT, "api.example.com:x", U),
    (Kind.TEXT, Op.HOST, EXACT, "ftp://api.example.com/", U),
    (Kind.TEXT, Op.HOST, EXACT, "https://api.example.com/ x", U),
    (Kind.TEXT, Op.HOST, EXACT, "user@api.example.com", U),
    (Kind.TEXT, Op.HOST, EXACT, "", U),
    (Kind.TEXT, Op.HOST, EXACT, "a" * 9_000, U),
    (Kind.TEXT, Op.HOST, EXACT, None, F),
    (Kind.ANY, Op.HOST, EXACT, 5, U),
    (Kind.TEXT, Op.HOST, BELOW, "https://a.example.com/", T),
    (Kind.TEXT, Op.HOST, BELOW, "https://a.b.c.example.com/", T),
    (Kind.TEXT, Op.HOST, BELOW, "https://example.com/", F),
    (Kind.TEXT, Op.HOST, PORT, "https://api.example.com:8443/", T),
    (Kind.TEXT, Op.HOST, PORT, "https://api.example.com/", F),
    (Kind.TEXT, Op.HOST, "api.example.com:443", "https://api.example.com/", T),
    (Kind.TEXT, Op.HOST, PORT, "api.example.com:8443", T),
    (Kind.TEXT, Op.HOST, PORT, "api.example.com", U),
    (Kind.TEXT, Op.HOST, "*.example.com:80", "a.example.com", U),
    (Kind.TEXT, Op.HOST, ["*.example.com:80", "*.b.example.com"], "a.b.example.com", T),
    (Kind.TEXT, Op.HOST, "127.0.0.1", "http://127.0.0.1:8080/", T),
    (Kind.TEXT, Op.HOST, "127.0.0.1", "http://0x7f.1/", U),
    *(
        (Kind.TEXT, Op.HOST, "169.254.169.254", f"http://[{text}]/", U)
        for text in ("::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe")
    ),
    (Kind.TEXT, Op.HOST, ["169.254.169.254", "[2002:a9fe:a9fe::]"], "http://[2002:a9fe:a9fe::]/", T),
    (Kind.TEXT, Op.HOST, ["169.254.169.254:81", "[2002:a9fe:a9fe::]:81"], "http://[2002:a9fe:a9fe::]:82/", U),
    (Kind.TEXT, Op.HOST, ["10.example.com", "[::1]"], "http://[::ffff:169.254.169.254]/", F),
    (Kind.TEXT, Op.HOST, "169.254.169.254", "http://[2001:db8::1]/", F),
    (Kind.TEXT, Op.HOST, "[::1]", "http://[0:0::1]/", T),
    (Kind.TEXT, Op.HOST, "[::1]", "[::1]", T),
    (Kind.TEXT, Op.HOST, "localhost", "http://localhost/", T),
    *((Kind.AMOUNT, op, EUR, (text, "EUR"), U) for op in (Op.LTE, Op.NE, Op.GT) for text in ("-5000", "-0", "-0.01")),
    (Kind.ANY, Op.CONTAINS, "a", ["b", Absent.ERASED], U),
    (Kind.ANY, Op.CONTAINS, "a", ["a", Absent.ERASED], T),
    (Kind.TEXT, Op.CIDR, "10.0.0.0/8", "10.1.2.3", T),
    (Kind.TEXT, Op.CIDR, ["10.0.0.0/8", "192.168.0.0/16"], "192.168.1.1", T),
    (Kind.TEXT, Op.CIDR, "10.0.0.0/8", "11.0.0.0", F),
    (Kind.TEXT, Op.CIDR, "10.1.2.3/32", "10.1.2.3", T),
    (Kind.TEXT, Op.CIDR, "2001:db8::/32", "2001:db8::1", T),
    (Kind.TEXT, Op.CIDR, "2001:db8::/32", "10.1.2.3", F),
    (Kind.TEXT, Op.CIDR, "10.0.0.0/8", "2001:db8::1", F),
    (Kind.TEXT, Op.CIDR, "2001:db8::/32", "2001:DB8::1", U),
    (Kind.TEXT, Op.CIDR, "2001:db8::/32", "2001:db8:0::1", U),
    (Kind.TEXT, Op.CIDR, "10.0.0.0/8", "::ffff:10.1.2.3", U),
    (Kind.TEXT, Op.CIDR, "10.0.0.0/8", "::ffff:a01:203", U),
    (Kind.TEXT, Op.CIDR, "10.0.0.0/8", "64:ff9b::a01:203", U),
    (Kind.TEXT, Op.CIDR, "2002::/16", "2002:a01:203::1", T),
    (Kind.TEXT, Op.CIDR, "2001:db8::/32", "2002:a01:203::1", F),
    (Kind.TEXT, Op.CIDR, "10.0.0.0/8", "010.1.2.3", U),
    (Kind.TEXT, Op.CIDR, "10.0.0.0/8", "167838211", U),
    (Kind.TEXT, Op.CIDR, "10.0.0.0/8", "10.1", U),
    (Kind.TEXT, Op.CIDR, "10.0.0.0/8", "10.1.2.3/32", U),
    (Kind.TEXT, Op.CIDR, "fe80::/10", "fe80::1%eth0", U),
    (Kind.TEXT, Op.CIDR, "10.0.0.0/8", "example.com", U),
    (Kind.TEXT, Op.CIDR, "10.0.0.0/8", None, F),
    (Kind.TEXT, Op.UNDER, "docs", "docs/a.txt", T),
    (Kind.TEXT, Op.UNDER, "docs", "docs", T),
    (Kind.TEXT, Op.UNDER, "docs/", "./docs//a/./b", T),
    (Kind.TEXT, Op.UNDER, "docs", "docs-old/a", F),
    (Kind.TEXT, Op.UNDER, "docs", "docsx", F),
    (Kind.TEXT, Op.UNDER, "docs", "a/docs/b", F),
    (Kind.TEXT, Op.UNDER, "docs", "docs/../etc", U),
    (Kind.TEXT, Op.UNDER, "docs", "DOCS/a", U),
    (Kind.TEXT, Op.UNDER, "docs", "~/docs", U),
    (Kind.TEXT, Op.UNDER, "docs", "docs\\a", U),
    (Kind.TEXT, Op.UNDER, "docs", "docs/a\x00", U),
    (Kind.TEXT, Op.UNDER, "docs", "/docs/a", U),
    (Kind.TEXT, Op.UNDER, "docs", "", U),
    (Kind.TEXT, Op.UNDER, "docs", "a/" * 3_000, U),
    (Kind.TEXT, Op.UNDER, "docs", None, F),
    (Kind.TEXT, Op.UNDER, ".", "a/b", T),
    (Kind.TEXT, Op.UNDER, ".", ".", T),
    (Kind.TEXT, Op.UNDER, ".", "/etc", U),
    (Kind.TEXT, Op.UNDER, "/", "/etc/x", T),
    (Kind.TEXT, Op.UNDER, "/etc", "/etc", T),
    (Kind.TEXT, Op.UNDER, "/etc", "/etcetera", F),
    (Kind.TEXT, Op.UNDER, "/etc", "passwd", U),
    (Kind.TEXT, Op.UNDER, "/etc", "//etc/x", U),
    (Kind.TEXT, Op.UNDER, ["/etc", "docs"], "docs/a", T),
    (Kind.TEXT, Op.UNDER, ["/etc", "docs"], "src/a", U),
    (Kind.TEXT, Op.MATCHES, "[a-z]+", "abc", T),
    (Kind.TEXT, Op.MATCHES, "[a-z]+", "abc;rm", F),
    (Kind.TEXT, Op.MATCHES, "rm .*", "rm a\nb", T),
    (Kind.TEXT, Op.MATCHES, "(a*)*b", "a" * 5_000, F),
    (Kind.TEXT, Op.MATCHES, "a", None, F),
    (Kind.ANY, Op.MATCHES, "a", 5, U),
    (Kind.AMOUNT, Op.GT, EUR, ("100.01", "EUR"), T),
    (Kind.AMOUNT, Op.GT, EUR, ("100", "EUR"), F),
    (Kind.AMOUNT, Op.EQ, EUR, ("100", "EUR"), T),
    (Kind.AMOUNT, Op.NE, EUR, ("100", "EUR"), F),
    (Kind.AMOUNT, Op.GTE, EUR, ("100.000", "EUR"), T),
    (Kind.AMOUNT, Op.LT, EUR, ("99.999999999999999999", "EUR"), T),
    (Kind.AMOUNT, Op.GT, EUR, ("500", "USD"), U),
    (Kind.AMOUNT, Op.NE, EUR, ("500", "USD"), U),
    (Kind.AMOUNT, Op.GT, EUR, ("500", "eur"), U),
    (Kind.AMOUNT, Op.GT, EUR, ("1e9", "EUR"), U),
    (Kind.AMOUNT, Op.GT, EUR, (500, "EUR"), U),
    (Kind.AMOUNT, Op.GT, EUR, ("500", None), U),
    (Kind.TIME, Op.GT, "2026-01-01T00:00:00Z", 1_767_225_600_000_001, T),
    (Kind.TIME, Op.GT, "2026-01-01T00:00:00Z", 1_767_225_600_000_000, F),
    (Kind.TIME, Op.GTE, "2026-01-01T01:00:00+01:00", 1_767_225_600_000_000, T),
    (Kind.TIME, Op.LT, "2026-01-01T00:00:00.000001Z", 1_767_225_600_000_000, T),
    (Kind.TEXTS, Op.EVERY, {"ends_with": "@example.com"}, ["a@example.com", "b@example.com"], T),
    (Kind.TEXTS, Op.EVERY, {"ends_with": "@example.com"}, ["a@example.com", "b@evil.tld"], F),
    (Kind.TEXTS, Op.EVERY, {"ends_with": "@example.com"}, [], T),
    (Kind.TEXTS, Op.EVERY, {"ends_with": "@example.com"}, None, U),
    (Kind.TEXTS, Op.EVERY, {"host": "a.example.com"}, ["a.example.com", "a@b"], U),
    (Kind.TEXTS, Op.EVERY, {"host": "a.example.com"}, ["b.example.com", "a@b"], F),
    (Kind.TEXTS, Op.EVERY, ["a", "b"], ["a", "b", "a"], T),
    (Kind.TEXTS, Op.EVERY, "a", ["a", "b"], F),
    (Kind.TEXTS, Op.EVERY, "a", ["a", Absent.ERASED], U),
    (Kind.TEXTS, Op.EVERY, {"starts_with": "a", "ends_with": "z"}, ["abz"], T),
    (Kind.TEXTS, Op.EVERY, {"starts_with": "a", "host": "a.b"}, ["a b"], U),
    (Kind.TEXTS, Op.SOME, {"ends_with": "@evil.tld"}, ["a@example.com", "b@evil.tld"], T),
    (Kind.TEXTS, Op.SOME, {"ends_with": "@evil.tld"}, [], F),
    (Kind.TEXTS, Op.SOME, {"ends_with": "@evil.tld"}, None, F),
    (Kind.TEXTS, Op.SOME, {"cidr": "10.0.0.0/8"}, ["x", "10.1.1.1"], T),
    (Kind.TEXTS, Op.SOME, {"cidr": "10.0.0.0/8"}, ["x", "11.1.1.1"], U),
    (Kind.TEXTS, Op.SOME, {"starts_with": "a", "ends_with": "z"}, ["ab", "bz"], F),
    (Kind.TEXTS, Op.SOME, {"eq": "b"}, frozenset({"a", "b"}), T),
    (Kind.TEXTS, Op.SOME, {"gt": "5"}, ["6"], T),
    (Kind.TEXTS, Op.SIZE, {"lte": 2}, ["a", "b"], T),
    (Kind.TEXTS, Op.SIZE, 2, ["a", "b"], T),
    (Kind.TEXTS, Op.SIZE, [1, 3], ["a", "b"], F),
    (Kind.TEXTS, Op.SIZE, {"gte": 1}, None, U),
    (Kind.LIST, Op.SIZE, {"gt": 1}, [{}, {}], T),
    (Kind.NUMBERS, Op.SOME, {"gt": 5}, [1, 6], T),
    (Kind.NUMBERS, Op.EVERY, {"gt": 5, "lt": 10}, [6, 9.5], T),
    (Kind.NUMBERS, Op.CONTAINS, 5, [5], T),
    (Kind.NUMBERS, Op.IN, [5, 6], [7], F),
    (Kind.NUMBERS, Op.NOT_IN, [5, 6], [7], T),
    (Kind.NUMBERS, Op.NOT_IN, [5, 6], [7, Absent.ERASED], U),
    (Kind.TEXTS, Op.CONTAINS, "a", None, F),
    (Kind.ANY, Op.EVERY, {"eq": 5}, [5, "5"], F),
    (Kind.ANY, Op.SOME, {"every": {"gt": 1}}, [[0], [2, 3]], T),
    (Kind.ANY, Op.SIZE, 1, "a", U),
    (Kind.ANY, Op.SOME, {"eq": 5}, {"a": 5}, U),
]


@pytest.mark.attack("G30", guard="aaf.policy.operands.hosts:_on_port", without="tests.attacks.without:returns_true")
@pytest.mark.parametrize("text", AWAY)
def test_a_host_that_looks_like_one_of_a_rule_is_another(text: str) -> None:
    assert question(Kind.TEXT, Op.HOST, [EXACT, BELOW])(text) is False


@pytest.mark.parametrize(("kind", "op", "operand", "value", "answer"), ANSWERS)
def test_an_operator_answers_as_the_table_says(
    kind: Kind, op: Op, operand: Json, value: Any, answer: bool | None
) -> None:
    assert fault(kind, op, operand) is None
    asked = question(kind, op, operand)

    assert asked(value) is answer
    assert opposite(asked)(value) is (None if answer is None else not answer)


@pytest.mark.parametrize(("kind", "op", "operand", "value", "answer"), ANSWERS)
def test_a_gate_says_no_only_where_the_question_does(
    kind: Kind, op: Op, operand: Json, value: Any, answer: bool | None
) -> None:
    seen = view(kind, op)

    said = gate(kind, op, operand)(seen(value) if seen else value)

    assert said is not False or answer is False


LABELS = st.sampled_from(["a", "b", "example", "com", "xn--80ak6aa92e"])
NAMES = st.lists(LABELS, min_size=2, max_size=4).map(".".join)


@given(st.lists(st.tuples(st.booleans(), NAMES), min_size=1, max_size=4), NAMES)
def test_a_host_is_one_of_the_patterns_or_lies_beneath_one_by_whole_labels(
    patterns: list[tuple[bool, str]], name: str
) -> None:
    listed: list[Json] = [f"*.{one}" if below else one for below, one in patterns]
    wanted = any(name.endswith(f".{one}") if below else name == one for below, one in patterns)

    for text in (name, f"https://{name}/x", f"http://{name.upper()}:80"):
        assert hosts.asked(listed)(hosts.read(text)) is wanted


ADDRESSES = (
    st.ip_addresses(v=4)
    | st.ip_addresses(v=6, network="2600::/12")
    | st.sampled_from(
        [ip_address(text) for text in ("10.0.0.0", "10.255.255.255", "11.0.0.0", "2600::", "2600::ffff", "2601::")]
    )
)


@given(st.lists(st.tuples(ADDRESSES, st.integers(0, 128)), min_size=1, max_size=3), ADDRESSES)
def test_an_address_is_in_a_network_as_its_bits_say(drawn: list[tuple[Any, int]], address: Any) -> None:
    wanted = False
    listed: list[Json] = []
    for base, drawn_length in drawn:
        bits = base.max_prefixlen
        length = min(drawn_length, bits)
        listed.append(str(ip_network(f"{base}/{length}", strict=False)))
        wanted |= base.version == address.version and int(base) >> (bits - length) == int(address) >> (bits - length)

    assert networks.misfit(listed) is None
    assert networks.asked(listed)(networks.read(str(address))) is wanted


PARTS = st.lists(st.sampled_from(["a", "b", "ab", ".", ""]), max_size=4)


@given(st.lists(PARTS, min_size=1, max_size=3), PARTS, st.sampled_from(["", "/"]))
def test_a_path_is_under_a_folder_as_a_path_library_says(several: list[list[str]], parts: list[str], root: str) -> None:
    def written(names: list[str]) -> str:
        return (root + "/".join(names).lstrip("/")) or "."

    path = written(parts)
    wanted = any(PurePosixPath(path).is_relative_to(PurePosixPath(written(names))) for names in several)

    assert folders.asked([written(names) for names in several])(folders.read(path)) is wanted


DAYS = st.lists(st.sampled_from([*windows.DAYS, "mon-fri", "sat-mon"]), min_size=1, max_size=3)
CLOCK = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 15, 59]))
HOURS = st.tuples(CLOCK, CLOCK | st.just("24:00")).filter(lambda drawn: drawn[0] != drawn[1])
ZONES = st.sampled_from(["UTC", "Europe/Zurich", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"])


def _in_hours(local: datetime, days: set[int], start: str, end: str) -> bool:
    """By the wall clock, a minute at a time: today's window, or what is left of yesterday's."""
    now, until = f"{local:%H:%M}", end
    if start < until:
        return local.weekday() in days and start <= now < until
    return (local.weekday() in days and start <= now) or ((local.weekday() - 1) % 7 in days and now < until)


@given(DAYS, HOURS, ZONES, st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)))  # noqa: DTZ001 - made aware below
def test_business_hours_are_those_of_the_wall_clock_in_the_zone(
    days: list[str], hours: tuple[str, str], zone: str, at: datetime
) -> None:
    named: set[int] = set()
    for day in days:
        first, _, last = day.partition("-")
        step = windows.DAYS.index(first)
        named.add(step)
        while windows.DAYS[step] != (last or first):
            step = (step + 1) % 7
            named.add(step)
    window: dict[str, Json] = {"days": list(days), "hours": "-".join(hours), "zone": zone}
    time = (at.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    local = at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))

    assert fault(Kind.TIME, Op.WITHIN, window) is None
    assert question(Kind.TIME, Op.WITHIN, window)(time) is _in_hours(local, named, *hours)


@pytest.mark.parametrize(
    ("window", "at", "answer"),
    [
        ({"days": "fri", "hours": "22:00-06:00", "zone": "UTC"}, "2026-01-02T23:00:00", True),
        ({"days": "fri", "hours": "22:00-06:00", "zone": "UTC"}, "2026-01-03T05:59:59", True),
        ({"days": "fri", "hours": "22:00-06:00", "zone": "UTC"}, "2026-01-03T06:00:00", False),
        ({"days": "fri", "hours": "22:00-06:00", "zone": "UTC"}, "2026-01-02T05:00:00", False),
        ({"days": "sun", "hours": "22:00-06:00", "zone": "UTC"}, "2026-01-05T03:00:00", True),
        ({"days": ["sat", "sun"], "zone": "UTC"}, "2026-01-04T12:00:00", True),
        ({"hours": ["09:00-12:00", "13:00-17:00"], "zone": "UTC"}, "2026-01-04T12:30:00", False),
        ({"hours": ["09:00-12:00", "13:00-17:00"], "zone": "UTC"}, "2026-01-04T16:30:00", True),
        ({"hours": "09:00-17:00", "zone": "Europe/Zurich"}, "2026-01-05T08:00:00", True),
        ({"hours": "09:00-17:00", "zone": "Europe/Zurich"}, "2026-07-06T07:00:00", True),
        ({"hours": "09:00-17:00", "zone": "Europe/Zurich"}, "2026-01-05T07:00:00", False),
        ({"hours": "18:00-24:00", "zone": "UTC"}, "2026-01-05T23:59:59", True),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins(window: Json, at: str, answer: bool) -> None:
    instant = datetime.fromisoformat(at).replace(tzinfo=UTC)
    time = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    assert fault(Kind.TIME, Op.WITHIN, window) is None
    assert question(Kind.TIME, Op.WITHIN, window)(time) is answer
