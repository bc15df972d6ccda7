"""What differs: every file once, every member by name, and never more text than can be read."""

import pytest

from aaf.adapters.folder import MAX_FILES
from aaf.analysis.diff import MOST_STEPS, Diff, unified
from aaf.policy import comparing
from aaf.policy.comparing import MAX_DIFF, Kind, Names, compare_documents, compare_files


def test_files_that_came_went_and_changed_are_told_with_their_lines() -> None:
    old = {"a.yaml": b"1\n2\n", "b.yaml": b"x\n", "same.yaml": b"y\n"}
    new = {"a.yaml": b"1\n3\n", "c.yaml": b"z\nz\n", "same.yaml": b"y\n"}
    found = compare_files(old, new)
    assert [(one.name, one.kind, one.added, one.removed) for one in found] == [
        ("a.yaml", Kind.CHANGED, 1, 1),
        ("b.yaml", Kind.REMOVED, 0, 1),
        ("c.yaml", Kind.ADDED, 2, 0),
    ]
    assert [(one.diff or "").splitlines()[:2] for one in found] == [
        ["--- a/a.yaml", "+++ b/a.yaml"],
        ["--- a/b.yaml", "+++ /dev/null"],
        ["--- /dev/null", "+++ b/c.yaml"],
    ]


def test_an_empty_file_that_came_is_told_too() -> None:
    (found,) = compare_files({}, {"a.yaml": b""})
    assert (found.kind, found.diff, found.added) == (Kind.ADDED, "", 0)


def test_diffs_too_long_to_read_are_left_out_and_counted() -> None:
    long = b"x" * 99 + b"\n"
    found = compare_files({}, {"a": long * 6_000, "b": b"short\n"})
    assert (found[0].diff, found[0].added) == (None, 6_000)
    assert found[1].diff is not None
    assert len(long) * 6_000 > MAX_DIFF


def test_many_files_that_differ_in_everything_cost_little_each() -> None:
    old = {f"f{number}": "".join(f"a{number}{line}\n" for line in range(2_000)).encode() for number in range(20)}
    new = {name: data.replace(b"a", b"b") for name, data in old.items()}
    found = compare_files(old, new)
    assert {(one.added, one.removed) for one in found} == {(2_000, 2_000)}


def test_all_files_that_a_configuration_may_have_share_the_steps_of_one_comparison(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[int] = []

    def counting(*texts: str, steps: int, **names: str) -> Diff:
        given.append(steps)
        return unified(*texts, steps=steps, **names)

    monkeypatch.setattr(comparing, "unified", counting)
    compare_files({}, {f"f{number}": b"x\n" for number in range(MAX_FILES)})
    assert len(given) == MAX_FILES
    assert sum(given) <= MOST_STEPS


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ({"rules": []}, {"rules": [{"name": "a"}]}, {"rules": Names(added=("a",))}),
        ({"rules": [{"name": "a"}]}, {}, {"rules": Names(removed=("a",))}),
        (
            {"rules": [{"name": "a", "d": 1}, {"name": "b"}]},
            {"rules": [{"name": "b"}, {"name": "a", "d": 2}]},
            {"rules": Names(changed=("a",))},
        ),
        ({"approvals": {"quorum": 1}}, {"approvals": {"quorum": 2}}, {"approvals": Names(changed=("quorum",))}),
        ({"fallback": None}, {"fallback": {"quorum": 1}}, {"fallback": Names(added=("quorum",))}),
        ({"redact": ["a"]}, {"redact": ["a", "b"]}, {"settings": Names(changed=("redact",))}),
        ({"use_within": 1}, {"use_within": 2}, {"settings": Names(changed=("use_within",))}),
        ({"use_within": 1}, {"use_within": 1}, {}),
        ({"x": None}, {}, {}),
        ({"format": "1", "warnings": []}, {"format": "2", "warnings": ["w"]}, {}),
        (
            {"rules": [{"name": "a"}, {"name": "a"}]},
            {"rules": [{"name": "a"}]},
            {"settings": Names(changed=("rules",))},
        ),
    ],
)
def test_members_are_told_by_name_and_everything_else_by_its_key(
    old: dict[str, object], new: dict[str, object], wanted: dict[str, Names]
) -> None:
    assert compare_documents(old, new) == wanted


def test_what_differs_is_plain_json() -> None:
    (change,) = compare_files({}, {"a": b"x\n"})
    assert change.to_json() == {
        "name": "a",
        "change": "added",
        "diff": "--- /dev/null\n+++ b/a\n@@ -0,0 +1,1 @@\n+x\n",
        "added": 1,
        "removed": 0,
    }
    assert Names(("a",), (), ("b",)).to_json() == {"added": ["a"], "removed": [], "changed": ["b"]}
