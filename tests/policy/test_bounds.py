"""What a load may cost: a small file can't ask for unbounded work, and what is said of a bad one stays readable."""

import pytest

from aaf.domain.canonical import Json
from aaf.domain.errors import ConfigurationInvalid
from aaf.policy.configuration import MAX_PROBLEMS, load
from aaf.policy.reading import did_you_mean
from aaf.policy.schema_reading import MAX_FIELD, MAX_LEVELS, MAX_PARTS
from aaf.policy.schemas import Schema
from tests.policy.samples import ACTIONS, MAIN, with_main, with_rules, with_schema
from tests.policy.work import at_most

OPEN = "type: object\nadditionalProperties: false\n"


def _problems(files: dict[str, bytes]) -> list[str]:
    with pytest.raises(ConfigurationInvalid) as caught:
        load(files)
    return [str(problem) for problem in caught.value.problems]


def _doubling(levels: int) -> str:
    """Definitions of which each uses the next one twice."""
    inner = "type: object, additionalProperties: false, properties"
    each = "".join(
        f"  d{level}: {{{inner}: {{a: {{$ref: '#/$defs/d{level + 1}'}}, b: {{$ref: '#/$defs/d{level + 1}'}}}}}}\n"
        for level in range(levels)
    )
    return f"{OPEN}properties: {{a: {{$ref: '#/$defs/d0'}}}}\n$defs:\n{each}  d{levels}: {{type: string, default: x}}\n"


def _chain(levels: int) -> str:
    """Definitions of which each is the next one; the first field has this many levels."""
    each = "".join(f"  d{level}: {{$ref: '#/$defs/d{level + 1}'}}\n" for level in range(levels - 2))
    return f"{OPEN}properties: {{a: {{$ref: '#/$defs/d0'}}}}\n$defs:\n{each}  d{levels - 2}: {{type: string}}\n"


def _fields(number: int) -> str:
    return OPEN + "properties:\n" + "".join(f"  f{field}: {{type: string}}\n" for field in range(number))


@pytest.mark.parametrize("levels", [12, 27, 300])
def test_definitions_that_unfold_without_bounds_are_refused(levels: int) -> None:
    with at_most(1_000_000):
        (problem,) = _problems(with_schema(_doubling(levels)))

    assert problem.startswith("actions/x.yaml:")
    assert problem.endswith(
        f"with its definitions put in, the schema has more than {MAX_PARTS} parts (let definitions use each other less)"
    )


def test_alternatives_and_items_unfold_too() -> None:
    twice = "anyOf: [{$ref: '#/$defs/d%d'}, {type: array, items: {$ref: '#/$defs/d%d'}}]"
    each = "".join(f"  d{level}: {{{twice % (level + 1, level + 1)}}}\n" for level in range(27))
    text = f"{OPEN}properties: {{a: {{$ref: '#/$defs/d0'}}}}\n$defs:\n{each}  d27: {{type: string}}\n"

    with at_most(1_000_000):
        (problem,) = _problems(with_schema(text))

    assert f"more than {MAX_PARTS} parts" in problem


def test_a_schema_within_the_bounds_is_loaded_however_it_shares_its_definitions() -> None:
    found = load(with_schema(_doubling(9))).catalogue["x.y"]

    assert len(found.input.paths()) == 2**10 - 1


@pytest.mark.parametrize(("levels", "refused"), [(MAX_LEVELS - 1, False), (MAX_LEVELS, True), (3000, True)])
def test_a_schema_is_only_so_deep(levels: int, refused: bool) -> None:
    files = with_schema(_chain(levels))

    if not refused:
        assert load(files).catalogue["x.y"].input.paths() == ("a",)
        return
    (problem,) = _problems(files)
    assert f"with its definitions put in, the schema has more than {MAX_LEVELS} levels" in problem


def test_a_schema_is_only_so_large() -> None:
    assert len(load(with_schema(_fields(MAX_PARTS - 1))).catalogue["x.y"].input.paths()) == MAX_PARTS - 1

    (problem,) = _problems(with_schema(_fields(MAX_PARTS + 5)))

    assert problem == (
        f"actions/x.yaml:{8 + MAX_PARTS}:{8 + len(str(MAX_PARTS))}: "
        f"the schema has more than {MAX_PARTS} parts (describe less, or use definitions)"
    )


def test_a_large_schema_says_its_circles_as_well() -> None:
    ring = "$defs: {m: {type: array, items: {$ref: '#/$defs/m'}}}\n"
    text = f"{OPEN}{ring}properties:\n" + "".join(f"  f{field}: {{type: string}}\n" for field in range(10))

    assert _problems(with_schema(text)) == ["actions/x.yaml:8:11: the definition `m` refers to itself (write it flat)"]


def test_a_definition_that_only_leads_to_a_circle_or_from_one_is_not_blamed() -> None:
    text = (
        f"{OPEN}properties: {{a: {{$ref: '#/$defs/before'}}}}\n$defs:\n"
        "  after: {type: string}\n"
        "  before: {$ref: '#/$defs/one'}\n"
        "  between: {$ref: '#/$defs/other'}\n"
        "  one: {anyOf: [{$ref: '#/$defs/one'}, {$ref: '#/$defs/between'}]}\n"
        "  other: {anyOf: [{$ref: '#/$defs/other'}, {$ref: '#/$defs/after'}]}\n"
    )

    assert _problems(with_schema(text)) == [
        "actions/x.yaml:13:5: the definition `one` refers to itself (write it flat)",
        "actions/x.yaml:14:5: the definition `other` refers to itself (write it flat)",
    ]


def test_a_long_circle_is_found_without_going_round_it_for_each_definition() -> None:
    ring = "".join(f"  d{place}: {{$ref: '#/$defs/d{(place + 1) % 4000}'}}\n" for place in range(4000))
    tail = OPEN + "$defs:\n" + "".join(f"  d{place}: {{$ref: '#/$defs/d{place + 1}'}}\n" for place in range(4000))

    with at_most(8_000_000):
        problems = _problems(with_schema(f"{OPEN}$defs:\n{ring}"))
        (other,) = _problems(with_schema(f"{tail}  d4000: {{$ref: '#/$defs/d4000'}}\n"))

    assert len(problems) == MAX_PROBLEMS + 1
    assert other.endswith("the definition `d4000` refers to itself (write it flat)")


def test_a_stored_schema_is_compiled_once_for_each_definition() -> None:
    definitions: dict[str, Json] = {
        f"d{level}": {
            "type": "object",
            "open": True,
            "properties": {name: {"$ref": f"#/$defs/d{level + 1}"} for name in "ab"},
        }
        for level in range(60)
    }
    definitions["d60"] = {"type": "object", "open": True, "properties": {"z": {"type": "integer", "default": 7}}}

    with at_most(100_000):
        schema = Schema({"$ref": "#/$defs/d0", "$defs": definitions})

    value: Json = {}
    for _ in range(60):
        value = {"a": value}
    filled = schema.fill_defaults({"a": value["a"]} if isinstance(value, dict) else {})
    for _ in range(60):
        inner = filled["a"]
        assert isinstance(inner, dict)
        filled = inner
    assert filled == {"z": 7}


def test_many_defaults_are_checked_at_once_and_each_has_its_place() -> None:
    fields = "".join(f"  f{field}: {{type: string, default: {'x' if field != 700 else 5}}}\n" for field in range(1000))

    with at_most(1_000_000):
        problems = _problems(with_schema(f"{OPEN}properties:\n{fields}"))

    assert problems == [
        "actions/x.yaml:709:35: default must be string (a default must satisfy its own schema)",
    ]


def test_a_name_in_a_schema_is_only_so_long_and_a_definition_is_a_plain_word() -> None:
    assert _problems(with_schema(f"{OPEN}properties: {{{'a' * (MAX_FIELD + 1)}: {{type: string}}}}\n")) == [
        f"actions/x.yaml:8:16: a field's name has at most {MAX_FIELD} characters (choose a shorter one)"
    ]
    for name in ("a/b", "a~1b", "a%41", "''", "a" * (MAX_FIELD + 1)):
        assert _problems(with_schema(f"{OPEN}$defs: {{{name}: {{type: string}}}}\n")) == [
            "actions/x.yaml:8:11: a definition's name is at most 128 letters, digits, dots, hyphens and _ (such as address)"
        ]


def test_what_is_required_is_a_string() -> None:
    assert _problems(with_schema(f"{OPEN}properties: {{a: {{type: string}}}}\nrequired: [[a]]\n")) == [
        "actions/x.yaml:9:14: `required` must hold strings (quote it)"
    ]


def test_of_very_many_problems_the_first_are_said() -> None:
    with at_most(3_000_000):
        problems = _problems(with_main("version: 1\n" + "".join(f"k{key}: 1\n" for key in range(20_000))))

    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[0].startswith("aaf.yaml:2:1: aaf.yaml has no key `k0`")
    assert problems[-1] == "aaf.yaml: and more: reading stopped after 200 problems (correct these first)"


def test_problems_of_all_files_count_together() -> None:
    bad = {f"actions/a{number}.yaml": b"{}" for number in range(30)}
    strangers = {f"notes{number:03}.txt": b"" for number in range(100)}

    problems = _problems({"aaf.yaml": MAIN, **ACTIONS, **bad, **strangers})

    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[-1] == "actions/a26.yaml: and more: reading stopped after 200 problems (correct these first)"


def test_syntax_that_is_wrong_everywhere_stops_the_reading() -> None:
    with at_most(100_000):
        problems = _problems({"aaf.yaml": b"version: 1\n" * 50_000})

    assert len(problems) == MAX_PROBLEMS + 1


def test_warnings_are_no_problems_however_many_they_are() -> None:
    rules = "".join(
        f"  - {{name: r{number}, match: {{tool: files, context.x: a}}, decision: allow}}\n"
        for number in range(MAX_PROBLEMS + 50)
    )

    assert len(load(with_rules(rules)).warnings) == MAX_PROBLEMS + 50


def test_a_hint_costs_little_however_many_words_are_known_and_however_long_they_are() -> None:
    words = (f"{'ab' * 30}{number:04}" for number in range(10**9))

    with at_most(200_000):
        assert did_you_mean("ab" * 32, words).startswith("did you mean `abab")
    assert did_you_mean("a" * 65, ["a" * 65]) == f"known are: {'a' * 64}"
    assert did_you_mean("x", [f"w{number:02}" for number in range(30)]).endswith("w18, w19, …")
    assert did_you_mean("", ["a"]) == "known are: a"
    assert did_you_mean("x", []) == "none is known"


def test_a_secret_above_or_beneath_a_target_is_found_among_many() -> None:
    fields = "".join(f"f{field}: {{type: string}}, " for field in range(1500))
    head = "name: x.y\nclass: other\nrisk: low\neffect: caller\n"
    schema = f"input: {{type: object, additionalProperties: false, properties: {{{fields}deep: {{type: object, additionalProperties: false, properties: {{a: {{type: string}}, b: {{type: string}}}}}}}}}}\n"
    targets = "targets: [params.deep.a, " + ", ".join(f"params.f{field}" for field in range(750)) + "]\n"
    secret = (
        "secret: [params.deep, params.deep.b, " + ", ".join(f"params.f{field}" for field in range(750, 1500)) + "]\n"
    )

    with at_most(400_000):
        problems = _problems(
            {"aaf.yaml": MAIN, **ACTIONS, "actions/x.yaml": (head + schema + targets + secret).encode()}
        )

    assert problems == [
        "actions/x.yaml:7:10: `params.deep` is a target or an amount, which an approver must see (take it out of one of the two)"
    ]
