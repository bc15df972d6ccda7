"""Files that nobody writes by accident: each is refused with its place, a hint, and little work."""

import pytest

from aaf.policy.configuration import MAX_PROBLEMS, load
from aaf.policy.document.including import MAX_TOTAL
from aaf.policy.positioned import MAX_BYTES, MAX_DEPTH
from tests.policy.document.folders import folder, problems, problems_of
from tests.policy.samples import ACTIONS
from tests.policy.work import at_most

_LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)

WHOLE: dict[str, tuple[str, str]] = {
    "ten megabytes": ("x" * 10_000_000, "aaf.yaml: the file is larger than 1048576 bytes (split it, or take something out)"),
    "a bomb of aliases": (_LAUGHS, "aaf.yaml:1:4: anchors are not allowed (write the value out where it is needed)"),
    "deep brackets": ("a: " + "[" * 500_000, f"aaf.yaml:1:{MAX_DEPTH + 3}: nested deeper than {MAX_DEPTH} levels (make it flatter)"),
    "deep mappings": (
        "".join(f"{' ' * depth}a:\n" for depth in range(900)),
        f"aaf.yaml:{MAX_DEPTH + 1}:{MAX_DEPTH + 1}: nested deeper than {MAX_DEPTH} levels (make it flatter)",
    ),
    "a number of a megabyte": ("version: " + "9" * 1_000_000, "aaf.yaml:1:10: the number is beyond 9007199254740991 (quote it: large numbers are strings)"),
    "an exponent that overflows": ("version: 1e999999", "aaf.yaml:1:10: the number is beyond 9007199254740991 (quote it: large numbers are strings)"),
    "a tag that runs something": ("version: !!python/object/apply:os.system [x]", "aaf.yaml:1:10: tags are not allowed (leave out the tag; quote a value to make it a string)"),
    "null bytes": ("version: 1\n\x00", "aaf.yaml:2:1: the character U+0000 is not allowed (write it as an escape in a \"quoted\" string)"),
}  # fmt: skip


@pytest.mark.attack("G02", part="hostile files are refused with their place and little work")
@pytest.mark.requirement("R48")
@pytest.mark.parametrize(("text", "first"), WHOLE.values(), ids=WHOLE)
def test_a_hostile_file_is_refused_at_once(text: str, first: str) -> None:
    with at_most(300_000):
        assert problems_of({"aaf.yaml": text.encode(), **ACTIONS})[0] == first


def test_a_hostile_file_is_refused_wherever_it_is_included() -> None:
    for text, first in WHOLE.values():
        with at_most(300_000):
            assert problems("include: [rules/x.yaml]\n", rules__x=text)[0] == first.replace("aaf.yaml", "rules/x.yaml")


def test_files_that_are_too_large_together_are_one_problem() -> None:
    many = {f"rules__r{number}": "#" * MAX_BYTES for number in range(MAX_TOTAL // MAX_BYTES)}

    with at_most(10_000):
        assert problems("include: [rules/*.yaml]\n", **many) == [
            f"aaf.yaml: the files are larger than {MAX_TOTAL} bytes together (take something out)"
        ]


def test_a_web_of_includes_costs_no_more_than_its_files() -> None:
    parts = {f"r__{number:02}": "include: ['r/*.yaml']\n" for number in range(60)}

    with at_most(3_000_000):
        found = problems("include: ['r/*.yaml']\n", **parts)

    assert len(found) == MAX_PROBLEMS + 1
    assert found[-1].endswith(f"reading stopped after {MAX_PROBLEMS} problems (correct these first)")


def test_ten_thousand_of_everything_is_read_with_bounded_work() -> None:
    roles = "roles:\n" + "".join(f"  r{number}: [org:action:read]\n" for number in range(10_000))
    alerts = "alerts:\n" + "  - {name: a, event: key.created}\n" * 10_000
    patterns = f"include: [{', '.join(['x.yaml'] * 10_000)}]\n"

    for text in (roles, alerts, patterns):
        with at_most(8_000_000):
            assert problems(text)


@pytest.mark.parametrize(
    "wrong", ["use_within: 15\n", "use_within: 15min\n", "run_timeout: 2h\n", "limits: {agent: {rate: 60/hour}}\n"]
)
def test_a_wrong_unit_is_refused_with_what_to_write(wrong: str) -> None:
    (problem,) = problems(wrong)
    assert problem.startswith("aaf.yaml:3:")
    assert "write it like" in problem or "at most 1h" in problem


def test_the_bounds_are_not_met_by_what_people_write() -> None:
    assert load(folder("")).rules == ()
