"""What can be wrong with an operand is said with its place and what to write instead; nothing is loaded that could never match."""

import json
import zoneinfo
from collections.abc import Iterator

import pytest

from aaf.domain.canonical import canonical
from aaf.domain.decision import Verdict
from aaf.domain.errors import Code, ConfigurationInvalid
from aaf.policy.configuration import Configuration, load
from aaf.policy.operands import windows
from tests.policy.samples import an_input, with_rules


@pytest.fixture(autouse=True)
def fresh_zones() -> Iterator[None]:
    """Zones are kept once they were found; a test that takes them away leaves none behind."""
    windows.zone.cache_clear()
    yield
    windows.zone.cache_clear()


FAULTS: list[tuple[str, str]] = [
    (
        "{params.to: {host: 'https://api.example.com/x'}}",
        "39: `params.to` of pay.send: `https://api.example.com/x` is a URL, not a host (write the host alone: api.example.com)",
    ),
    (
        "{params.to: {host: '*'}}",
        '39: `params.to` of pay.send: `*` is no host: a label of the host is empty, too long or has a character that no host name has (write a host such as api.example.com, or "*.example.com" for all beneath one)',
    ),
    (
        "{params.to: {host: ['a.com', 'api_.éx.com']}}",
        '49: `params.to` of pay.send: `api_.éx.com` is no host: the host has letters outside of ASCII; write its xn-- form, which is what is called (write a host such as api.example.com, or "*.example.com" for all beneath one)',
    ),
    (
        "{params.to: {host: []}}",
        '39: `params.to` of pay.send: `host` takes a string, or a list that is not empty (such as "*.example.com")',
    ),
    ("{params.to: {host: 5}}", '39: `params.to` of pay.send: `host` takes strings (such as "*.example.com")'),
    ("{params.to: {host: [a.com, 5]}}", '47: `params.to` of pay.send: `host` takes strings (such as "*.example.com")'),
    (
        "{params.to: {host: '*.com'}}",
        '39: `params.to` of pay.send: `*.com` is no host: a wildcard stands for the first label of a name that has two more (write a host such as api.example.com, or "*.example.com" for all beneath one)',
    ),
    (
        "{params.to: {host: 'a.com:99999'}}",
        '39: `params.to` of pay.send: `a.com:99999` is no host: the port is not a plain number from 1 to 65535 (write a host such as api.example.com, or "*.example.com" for all beneath one)',
    ),
    (
        "{params.count: {host: a.com}}",
        "42: `params.count` of pay.send: `host` doesn't fit a field that is a number (what fits: eq, exists, gt, gte, in, lt, lte, ne, not_in)",
    ),
    (
        "{params.to: {cidr: 10.0.0.1/8}}",
        "39: `params.to` of pay.send: `10.0.0.1/8` is no network in CIDR notation (did you mean `10.0.0.0/8`?)",
    ),
    (
        "{params.to: {cidr: [10.0.0.0/8, 10.0.0.1]}}",
        "52: `params.to` of pay.send: `10.0.0.1` is no network in CIDR notation (did you mean `10.0.0.1/32`?)",
    ),
    (
        "{params.to: {cidr: 10.0.0/8}}",
        "39: `params.to` of pay.send: `10.0.0/8` is no network in CIDR notation (write it as 10.0.0.0/8 or 2001:db8::/32)",
    ),
    (
        "{params.to: {cidr: '2001:DB8::/32'}}",
        "39: `params.to` of pay.send: `2001:DB8::/32` is no network in CIDR notation (did you mean `2001:db8::/32`?)",
    ),
    (
        "{params.path: {under: ../x}}",
        "42: `params.path` of files.read: `../x` is no folder: the path leads upwards (write a folder such as docs, or /srv/data; all beneath it is meant)",
    ),
    (
        "{params.path: {under: 'docs/*'}}",
        "42: `params.path` of files.read: `docs/*` is no folder: a star is nothing special here (leave out the star: all beneath the folder is meant; `glob` takes patterns)",
    ),
    (
        "{params.path: {under: '//x'}}",
        "42: `params.path` of files.read: `//x` is no folder: a segment of the path is empty (write a folder such as docs, or /srv/data; all beneath it is meant)",
    ),
    (
        "{params.path: {under: [docs, '']}}",
        "49: `params.path` of files.read: `under` takes strings (such as /srv/data)",
    ),
    (
        "{params.create: {under: docs}}",
        "44: `params.create` of files.write: `under` doesn't fit a field that is true or false (what fits: eq, exists, in, ne, not_in)",
    ),
    (
        "{params.to: {matches: '(a'}}",
        "42: `params.to` of pay.send: the expression can't be used: missing ): (a (the syntax is RE2's: no look-around, no references to groups)",
    ),
    (
        "{params.to: {matches: '(?=a)b'}}",
        "42: `params.to` of pay.send: the expression can't be used: invalid perl operator: (?= (the syntax is RE2's: no look-around, no references to groups)",
    ),
    ("{params.to: {matches: 5}}", "42: `params.to` of pay.send: `matches` takes a regular expression (quote it)"),
    ("{params.to: {matches: [a]}}", "42: `params.to` of pay.send: `matches` takes a regular expression (quote it)"),
    (
        "{params.to: {matches: '((a{1,500}){1,500}){1,500}'}}",
        "42: `params.to` of pay.send: the expression can't be used: invalid repetition size: {1,500} (the syntax is RE2's: no look-around, no references to groups)",
    ),
    (
        "{amount: {lt: '-1', currency: EUR}}",
        "34: `amount`: an amount has no sign (one below nothing is unknown, which a deny and a hold meet and an allow does not)",
    ),
    ("{amount: {gt: 100, currency: EUR}}", '34: `amount`: an amount is a decimal number in quotes (such as "100.00")'),
    ("{amount: {gt: '100', currency: EURO}}", "51: `amount`: `EURO` is no currency of ISO 4217 (did you mean `EUR`?)"),
    ("{amount: {gt: '100', currency: eur}}", "51: `amount`: `eur` is no currency of ISO 4217 (did you mean `EUR`?)"),
    ("{amount: {gt: '100'}}", '29: `amount` lacks `currency` (such as {gt: "100.00", currency: EUR})'),
    ("{amount: {currency: EUR}}", '29: `amount` lacks a comparison (such as {gt: "100.00", currency: EUR})'),
    ("{amount: '100'}", '29: `amount` takes a mapping of operators (such as {gt: "100.00", currency: EUR})'),
    (
        "{amount: {gt: '1e3', currency: EUR}}",
        '34: `amount`: an amount is a decimal number in quotes (such as "100.00")',
    ),
    (
        "{amount: {in: ['1'], currency: EUR}}",
        "34: `amount`: `in` doesn't fit a field that is an amount (what fits: eq, gt, gte, lt, lte, ne)",
    ),
    (
        "{tool: files, amount: {gt: '1', currency: EUR}}",
        "34: no action type that rule r can match declares an amount (add amount: {value: …, currency: …} to its entry, or compare the parameter)",
    ),
    ("{amount: {}}", '29: `amount` has no operator (such as {gt: "100.00", currency: EUR})'),
    (
        "{amount: {gt: '1', currency: 5}}",
        "49: `amount`: `this` is no currency of ISO 4217 (known are: AED, AFN, ALL, AMD, AOA, ARS, AUD, AWG, AZN, BAM, BBD, BDT, BGN, BHD, BIF, BMD, BND, BOB, BOV, BRL, …)",
    ),
    (
        "{amount: {gt: {a: b}, currency: EUR}}",
        '34: `amount`: an amount is a decimal number in quotes (such as "100.00")',
    ),
    ("{amount: {greater: '1', currency: EUR}}", "30: there is no operator `greater` (did you mean `gte`?)"),
    (
        "{time: 2026}",
        '27: `time` takes a mapping of operators (such as {within: {days: [mon-fri], hours: "09:00-17:00", zone: UTC}})',
    ),
    (
        "{time: {gt: 2026-01-01}}",
        "32: `time`: `time` is compared with an instant, date and time with their offset from UTC (such as 2026-12-24T18:00:00Z, or with an offset such as +01:00)",
    ),
    (
        "{time: {gt: '2026-13-01T00:00:00Z'}}",
        "32: `time`: `2026-13-01T00:00:00Z` is no instant (such as 2026-12-24T18:00:00Z, or with an offset such as +01:00)",
    ),
    (
        "{time: {eq: '2026-01-01T00:00:00Z'}}",
        "32: `time`: `eq` doesn't fit a field that is a time (what fits: gt, gte, lt, lte, within)",
    ),
    (
        "{time: {within: weekdays}}",
        '36: `time`: `within` takes a mapping (such as {days: [mon-fri], hours: "09:00-17:00", zone: Europe/Zurich})',
    ),
    (
        "{time: {within: {days: [mon]}}}",
        "36: `time`: `within` lacks `zone` (add zone: UTC, or an IANA zone such as Europe/Zurich)",
    ),
    (
        "{time: {within: {zone: UTC}}}",
        '36: `time`: `within` says neither days nor hours (add days: [mon-fri] or hours: "09:00-17:00")',
    ),
    (
        "{time: {within: {hours: 9-17, zone: UTC}}}",
        '44: `time`: hours are two times of day with a hyphen between (write them as "09:00-17:00", in quotes; "22:00-06:00" goes over midnight)',
    ),
    (
        "{time: {within: {hours: '09:00-25:00', zone: UTC}}}",
        '44: `time`: hours are two times of day with a hyphen between (write them as "09:00-17:00", in quotes; "22:00-06:00" goes over midnight)',
    ),
    (
        "{time: {within: {hours: '09:00-24:30', zone: UTC}}}",
        "44: `time`: `09:00-24:30` has no such time of day (a day begins at 00:00 and ends at 24:00)",
    ),
    (
        "{time: {within: {hours: '09:00-09:00', zone: UTC}}}",
        '44: `time`: `09:00-09:00` begins and ends at once (the whole day is "00:00-24:00")',
    ),
    (
        "{time: {within: {days: [mon, moon], zone: UTC}}}",
        "49: `time`: `moon` is no day of the week (write mon, tue, wed, thu, fri, sat, sun, or a range such as mon-fri)",
    ),
    ("{time: {within: {days: [], zone: UTC}}}", "43: `time`: `days` of `within` is empty (leave it out, or say which)"),
    (
        "{time: {within: {days: mon, zone: Europe/Zürich}}}",
        "54: `time`: `Europe/Zürich` is no time zone that this machine knows (did you mean `Europe/Zurich`?)",
    ),
    (
        "{time: {within: {days: mon, zone: Europe/Zuerich}}}",
        "54: `time`: `Europe/Zuerich` is no time zone that this machine knows (did you mean `Europe/Zurich`?)",
    ),
    (
        "{time: {within: {days: mon, zone: Europe}}}",
        "54: `time`: `Europe` is no time zone that this machine knows (did you mean `Europe/Rome`?)",
    ),
    (
        "{time: {within: {days: mon, zone: ../../etc/passwd}}}",
        "54: `time`: `../../etc/passwd` is no time zone that this machine knows (write UTC, or an IANA zone such as Europe/Zurich)",
    ),
    (
        "{time: {within: {days: mon, zone: localtime}}}",
        "54: `time`: `localtime` is no time zone that this machine knows (write UTC, or an IANA zone such as Europe/Zurich)",
    ),
    (
        "{time: {within: {days: mon, zone: 5}}}",
        "54: `time`: `this` is no time zone that this machine knows (write UTC, or an IANA zone such as Europe/Zurich)",
    ),
    ("{time: {within: {day: mon, zone: UTC}}}", "42: `time`: `within` has no key `day` (did you mean `days`?)"),
    (
        "{time: {within: {days: mon-xx, zone: UTC}}}",
        "43: `time`: `mon-xx` is no day of the week (write mon, tue, wed, thu, fri, sat, sun, or a range such as mon-fri)",
    ),
    (
        "{params.cc: {every: {ends: x}}}",
        "47: `params.cc` of pay.send: there is no operator `ends` (did you mean `ends_with`?)",
    ),
    ("{params.cc: {every: {}}}", "40: `params.cc` of pay.send: `every` has no operator (such as {eq: value})"),
    (
        "{params.cc: {every: {host: ['*']}}}",
        '48: `params.cc` of pay.send: `*` is no host: a label of the host is empty, too long or has a character that no host name has (write a host such as api.example.com, or "*.example.com" for all beneath one)',
    ),
    (
        "{params.cc: {some: {gt: 5}}}",
        '44: `params.cc` of pay.send: `gt` on a string takes a decimal number in quotes (such as "100.00")',
    ),
    ("{params.cc: {some: 5}}", "39: `params.cc` of pay.send: `5` can't equal a field that is a string (quote it)"),
    (
        "{params.cc: {some: {exists: true}}}",
        "48: `params.cc` of pay.send: `exists` doesn't fit an item that is a string (what fits: cidr, contains, ends_with, eq, glob, gt, gte, host, in, lt, lte, matches, ne, not_in, starts_with, under)",
    ),
    ("{params.cc: {some: [a, 5]}}", "39: `params.cc` of pay.send: `5` can't equal a field that is a string (quote it)"),
    (
        "{params.cc: {size: '5'}}",
        "39: `params.cc` of pay.send: `5` can't equal a field that is a number (write it without quotes)",
    ),
    (
        "{params.cc: {size: {lt: -1}}}",
        "44: `params.cc` of pay.send: a number of items is a whole number from 0 (such as {lte: 5})",
    ),
    (
        "{params.cc: {size: 1.5}}",
        "39: `params.cc` of pay.send: a number of items is a whole number from 0 (such as {lte: 5})",
    ),
    (
        "{params.cc: {size: {host: a.b}}}",
        "46: `params.cc` of pay.send: `host` doesn't fit a number of items (what fits: eq, gt, gte, in, lt, lte, ne, not_in)",
    ),
    (
        "{params.cc: {starts_with: a}}",
        "46: `params.cc` of pay.send: `starts_with` doesn't fit a field that is a list of strings (what fits: contains, every, exists, in, not_in, size, some)",
    ),
    (
        "{params.to: {every: a}}",
        "40: `params.to` of pay.send: `every` doesn't fit a field that is a string (what fits: cidr, contains, ends_with, eq, exists, glob, gt, gte, host, in, lt, lte, matches, ne, not_in, starts_with, under)",
    ),
    (
        "{params.meta: {size: 5}}",
        "41: `params.meta` of pay.send: `size` doesn't fit a field that is a structure (what fits: exists)",
    ),
    (
        "{params.cc: {sum: 5}}",
        "33: there is no operator `sum` (known are: cidr, contains, ends_with, eq, every, exists, glob, gt, gte, host, in, lt, lte, matches, ne, not_in, size, some, starts_with, under, …)",
    ),
]


@pytest.mark.attack("G02", guard="aaf.policy.operators:fault", without="tests.attacks.without:returns_none")
def test_a_host_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationInvalid, match="is no host"):
        load(with_rules("- {name: r, match: {params.to: {host: '*'}}, decision: allow}\n"))


@pytest.mark.attack("G02")
@pytest.mark.parametrize("decision", ["allow", "deny", "require_approval"])
@pytest.mark.parametrize(("match", "expected"), FAULTS)
def test_an_operand_that_makes_no_sense_is_refused_with_its_place(match: str, expected: str, decision: str) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        load(with_rules(f"- {{name: r, match: {match}, decision: {decision}}}\n"))

    assert [str(problem).removeprefix("aaf.yaml:4:") for problem in caught.value.problems] == [expected]


def test_an_expression_has_a_length_that_it_may_have() -> None:
    load(with_rules(f"- {{name: r, match: {{params.to: {{matches: {'a' * 1_000}}}}}, decision: deny}}\n"))
    with pytest.raises(ConfigurationInvalid, match="more than 1000 characters"):
        load(with_rules(f"- {{name: r, match: {{params.to: {{matches: {'a' * 1_001}}}}}, decision: deny}}\n"))


def test_a_machine_without_the_data_of_zones_knows_utc_and_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> None:
        raise zoneinfo.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(zoneinfo, "ZoneInfo", nothing)
    monkeypatch.setattr(zoneinfo, "available_timezones", set)
    windows.zone.cache_clear()

    load(with_rules("- {name: r, match: {time: {within: {days: mon, zone: UTC}}}, decision: deny}\n"))
    with pytest.raises(ConfigurationInvalid, match="no time zone that this machine knows") as caught:
        load(with_rules("- {name: r, match: {time: {within: {days: mon, zone: Asia/Tokyo}}}, decision: deny}\n"))
    assert caught.value.problems[0].hint == "write UTC, or an IANA zone such as Europe/Zurich"


def test_labels_can_be_asked_for_and_the_load_says_that_nothing_sets_them_yet() -> None:
    configuration = load(with_rules("- {name: r, match: {labels: untrusted}, decision: deny}\n"))

    assert configuration.warnings == (
        "aaf.yaml:4:21: rule r asks for `labels`, which nothing sets yet (it sees none until sessions have labels)",
    )


@pytest.mark.attack("G04")
@pytest.mark.parametrize("decision", list(Verdict))
def test_a_stored_rule_whose_zone_this_machine_does_not_know_is_unknown(
    monkeypatch: pytest.MonkeyPatch, decision: Verdict
) -> None:
    rule = f"- {{name: r, match: {{time: {{within: {{days: mon-sun, zone: Asia/Tokyo}}}}}}, decision: {decision}}}\n"
    stored = load(with_rules(rule)).to_stored()

    def nothing(name: str) -> None:
        raise zoneinfo.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(zoneinfo, "ZoneInfo", nothing)
    windows.zone.cache_clear()
    decided = Configuration.from_stored(stored).policy.judge(an_input())

    assert decided.verdict is (Verdict.DENY if decision is Verdict.ALLOW else decision)
    assert decided.code is (Code.NO_RULE if decision is Verdict.ALLOW else Code.RULE_UNKNOWN)


def test_a_release_with_every_kind_of_operand_is_stored_and_read_again() -> None:
    rules = "".join(
        f"- {{name: r{number}, match: {match}, decision: deny}}\n"
        for number, match in enumerate(
            (
                "{params.to: {host: ['*.example.com', '[2001:db8::1]:443']}}",
                "{params.to: {cidr: 10.0.0.0/8, under: [docs]}}",
                "{amount: {gt: '1.50', currency: EUR}, time: {lt: '2026-01-01T00:00:00Z'}}",
                "{time: {within: {days: [mon], hours: ['09:00-12:00'], zone: UTC}}}",
                "{params.cc: {every: {matches: 'a.*'}, size: {lte: 3}}, labels: {some: x}}",
            )
        )
    )
    configuration = load(with_rules(rules))

    again = Configuration.from_stored(json.loads(canonical(configuration.to_stored())))

    assert again.rules == configuration.rules
    assert [rule.to_json() for rule in again.rules] == [rule.to_json() for rule in configuration.rules]
