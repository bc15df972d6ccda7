"""What recorded values of one field bound it to, and how each bound reads in a file."""

from typing import Any

import pytest

from aaf.domain.decision import DEFAULT_REQUIREMENT, Requirement
from aaf.policy.catalogue import ActionClass, Risk
from aaf.policy.conditions import compile_condition
from aaf.policy.decision_input import Input
from aaf.policy.operands.answers import Absent
from aaf.policy.positioned import Faults, parse
from aaf.policy.rules import read_rules
from aaf.policy.schemas import Kind
from aaf.policy.suggesting_fields import FEW, LONGEST, MANY, Bound, Mode, bound_of, of_amount, width
from aaf.policy.suggesting_text import document, flow, quoted, rule_text
from tests.policy.worlds import CATALOGUE

MISSING, ERASED = Absent.MISSING, Absent.ERASED
NOTES = [f"notes/{number}/a.txt" for number in range(FEW + 1)]
PAGES = [f"https://api.example.com/v1/items/{number}" for number in range(FEW + 1)]
HOSTS = [f"eu{number}.shop.example.com" for number in range(FEW + 1)]
WORDS = [f"word {number}" for number in range(FEW + 1)]


def bound(values: list[Any], kind: Kind = Kind.TEXT, mode: Mode = Mode.WIDE, **more: Any) -> Bound:
    return bound_of("f", values, kind, mode, **{"comparable": True, "amount": False, **more})


def out(*pieces: str) -> dict[str, Any]:
    return {"any": [{"f": {"contains": piece}} for piece in pieces]}


@pytest.mark.parametrize(
    ("values", "kind", "match"),
    [
        (["a", "a"], Kind.TEXT, {"f": {"eq": "a"}}),
        (["b", "a", "b"], Kind.TEXT, {"f": {"in": ["a", "b"]}}),
        ([True], Kind.FLAG, {"f": {"eq": True}}),
        ([True, False], Kind.FLAG, {"f": {"in": [False, True]}}),
        ([3, 1, 2], Kind.NUMBER, {"f": {"in": [1, 2, 3]}}),
        ([3, 1, 2.5, 7], Kind.NUMBER, {"f": {"gte": 1, "lte": 7}}),
        ([None], Kind.TEXT, {"f": {"eq": None}}),
        (["a", None], Kind.TEXT, {"any": [{"f": {"eq": None}}, {"f": {"eq": "a"}}]}),
        (["a", MISSING], Kind.TEXT, {"any": [{"f": {"exists": False}}, {"f": {"eq": "a"}}]}),
        ([MISSING], Kind.TEXT, {"f": {"exists": False}}),
        ([f"{number}.50" for number in range(9)], Kind.TEXT, {"f": {"gte": "0.50", "lte": "8.50"}}),
        (NOTES, Kind.TEXT, {"f": {"under": "notes"}, "not": {"f": {"contains": "%"}}}),
        (
            PAGES,
            Kind.TEXT,
            {
                "f": {"host": "api.example.com", "starts_with": "https://api.example.com/v1/items/"},
                "not": out("..", "\\", "%2e", "%2E", "%2f", "%2F", "%5c", "%5C"),
            },
        ),
        (
            HOSTS,
            Kind.TEXT,
            {"f": {"host": "*.shop.example.com"}, "not": out("/", ":")},
        ),
    ],
)
def test_values_bound_a_field_to_the_narrowest_that_reads_well(values: list[Any], kind: Kind, match: object) -> None:
    assert bound(values, kind).match == match


def test_an_amount_has_a_ceiling_and_a_floor_with_two_values() -> None:
    assert bound(["9.00", "10.00"], amount=True).match == {"f": {"gte": "9.00", "lte": "10.00"}}
    assert bound(["9.00"], amount=True).match == {"f": {"eq": "9.00"}}


@pytest.mark.attack(
    "G30", guard="aaf.policy.suggesting_fields:_ORIGIN", without="tests.policy.without_suggesting:any_start"
)
def test_a_beginning_of_an_address_always_holds_its_whole_host() -> None:
    hosts = [f"https://api.example.com.evil{number}.tld/x" for number in range(FEW)] + ["https://api.example.com/x"]
    assert bound(hosts).match == {"f": {"exists": True}}
    assert bound([f"https://api.example.com@evil.tld/{number}" for number in range(FEW + 1)]).match == {
        "f": {"exists": True}
    }


@pytest.mark.parametrize(
    "values",
    [
        WORDS,
        [f"../{number}/a" for number in range(FEW + 1)],
        [f"/{number}/a" for number in range(FEW + 1)],
        [f"{number}/a" for number in range(FEW + 1)],
        [f"https://api.example.com/../{number}" for number in range(FEW + 1)],
        [f"https://api{number}.example.com/" for number in range(FEW + 1)],
        [f"a{number}.co.uk" for number in range(FEW + 1)],
        [f"a{number}.com" for number in range(FEW + 1)],
        [f"www.a{number}.com" for number in range(FEW + 1)],
        [f"mail to {number}@example.com" for number in range(FEW + 1)],
        ["", "x"],
        ["two\nlines"],
        ["x" * (LONGEST + 1)],
        [1, "a"],
        [{"a": 1}],
        [["a"]],
    ],
)
def test_what_has_no_safe_bound_is_said_to_have_none(values: list[Any]) -> None:
    found = bound(values)
    assert (found.match, found.unlimited, width(found)) == ({"f": {"exists": True}}, True, 5.0)
    optional = bound([*values, MISSING])
    assert (optional.match, optional.unlimited) == ({}, True)


def test_several_hosts_are_several_beginnings() -> None:
    values = [f"https://{host}.example.com/a/b/{number}?q=1/2" for host in ("api", "www") for number in range(FEW)]
    begun = [one["f"]["starts_with"] for one in bound(values).match["any"]]  # type: ignore[index,call-overload,union-attr]
    assert begun == ["https://api.example.com/a/b/", "https://www.example.com/a/b/"]


def test_exactly_is_each_value_as_far_as_they_can_be_listed() -> None:
    assert bound(NOTES, mode=Mode.EXACT).match == {"f": {"in": sorted(NOTES)}}
    many = [f"notes/{number}" for number in range(MANY + 1)]
    assert bound(many, mode=Mode.EXACT).match["f"] == {"under": "notes"}


@pytest.mark.requirement("R63")
@pytest.mark.parametrize(
    ("values", "outside"),
    [
        (NOTES, ["notes/../x", "notes\\..\\x", "../notes/x", "notesx", "Notes/x", "/notes/x", "notes/%2e%2e/x", "notes/\x00"]),
        (
            PAGES,
            [
                "http://api.example.com/v1/items/1",
                "https://api.example.com:444/v1/items/1",
                "https://api.example.com@evil.tld/v1/items/1",
                "https://api.example.com.evil.tld/v1/items/1",
                "https://api.example.com/v1/items/../1",
                "https://api.example.com/v1/items/%2e%2e/1",
                "https://api.example.com/v1",
            ],
        ),
        (
            HOSTS,
            [
                "shop.example.com",
                "evilshop.example.com",
                "https://a.shop.example.com/",
                "a.shop.example.com:81",
                "a.shop.example.com.evil.tld",
                "a@b.shop.example.com",
                "a\\.shop.example.com",
                "a%2eshop.example.com",
                "evil.tld/.shop.example.com",
                "-.shop.example.com ",
            ],
        ),
    ],
)  # fmt: skip
def test_a_bound_holds_of_what_it_is_from_and_of_nothing_that_leads_elsewhere(
    values: list[str], outside: list[str]
) -> None:
    text = flow([{"name": "a", "match": _renamed(bound(values).match), "decision": "allow"}])
    faults = Faults("x")
    node = parse(text.encode(), faults)
    assert node is not None
    (rule,) = read_rules(node.value, CATALOGUE, DEFAULT_REQUIREMENT, faults, Faults("x"))  # type: ignore[arg-type]
    assert not faults.problems
    said = compile_condition(rule.match, None, None)
    assert not isinstance(said, bool)
    assert all(said(_asked(value)) is True for value in values)
    assert [value for value in outside if said(_asked(value)) is True] == []


def _renamed(match: Any) -> Any:
    """The same about the context, which needs no schema."""
    if isinstance(match, list):
        return [_renamed(one) for one in match]
    if isinstance(match, dict):
        return {"context.f" if key == "f" else key: _renamed(one) for key, one in match.items()}
    return match


def _asked(value: str) -> Input:
    return Input("a.read", {}, "1", "a", "o", ActionClass.READ, Risk.LOW, 1, 1, context={"f": value})


def test_a_range_of_a_declared_amount_says_its_currency() -> None:
    paths = ("params.v", "params.c")
    within, euro = Bound({"params.v": {"gte": "1.00", "lte": "2.00"}}, 2.0), Bound({"params.c": {"eq": "EUR"}})
    assert of_amount(within, euro, paths) == {"gte": "1.00", "lte": "2.00", "currency": "EUR"}
    for value, unit in (
        (Bound({"params.v": {"eq": "1.00"}}), euro),
        (Bound({"any": []}), euro),
        (within, Bound({"params.c": {"in": ["EUR", "USD"]}})),
        (within, Bound({"params.c": {"eq": "eur"}})),
        (within, Bound({"any": []})),
        (Bound(), Bound()),
    ):
        assert of_amount(value, unit, paths) is None


def test_a_host_or_a_folder_that_no_rule_can_name_keeps_its_beginning() -> None:
    starred = [f"a*/{number}/a.txt" for number in range(FEW + 1)]
    assert bound(starred).match["f"] == {"starts_with": "a*/"}
    odd = [f"https://a..b/{number}" for number in range(FEW + 1)]
    assert bound(odd).unlimited
    double = [f"https://a-.b/{number}" for number in range(FEW + 1)]
    assert bound(double).match["f"] == {"starts_with": "https://a-.b/"}
    coded = [f"a{number}.xn--a.example.com" for number in range(FEW + 1)]
    assert bound(coded).match["f"] == {"ends_with": ".xn--a.example.com"}
    names = [f"a{number}.b--c.example-.com" for number in range(FEW + 1)]
    assert bound(names).unlimited


@pytest.mark.requirement("R63")
def test_what_is_secret_or_sealed_is_asked_for_by_its_presence_only() -> None:
    assert bound([ERASED, ERASED], Kind.SECRET, comparable=False) == Bound({"f": {"exists": True}}, 0.0)
    assert bound([ERASED, MISSING], Kind.TEXT, comparable=False) == Bound({}, 1.0, unlimited=True)
    assert bound([MISSING], Kind.SECRET, comparable=False).absent


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        'quo"te\\',
        "a: b # c",
        "\u202e\U0001f600\x7f\x00",
        "%",
        None,
        True,
        False,
        1,
        -2.5,
        ["a", 1],
        {"params.a": {"in": ["b"]}},
        "~",
        "no",
    ],
)
def test_every_value_reads_back_as_it_is_and_is_printed_in_ascii(value: Any) -> None:
    text = flow(value)
    assert text.isascii()
    assert text.isprintable()
    faults = Faults("x")
    node = parse(f"x: {text}\n".encode(), faults)
    assert node is not None, faults.problems
    assert node.plain() == {"x": value}


def test_a_rule_without_conditions_of_its_own_is_still_a_file() -> None:
    assert document([], ["Nothing."]) == "# Nothing.\nrules: []\n"
    text = rule_text("a-1", {"tool": "x"}, Requirement(("role:approver",), 2, 60, reason_required=True), "why")
    assert document([(["One."], text)], []).splitlines()[1] == "  # One."
    assert 'approval: {approvers: ["role:approver"], quorum: 2, reason_required: true, timeout: 60s}' in text
    assert quoted("a") == '"a"'
