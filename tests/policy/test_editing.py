"""One value of a text is changed: the outcome parses to what was meant, and nothing else is touched."""

import json
from copy import deepcopy
from typing import Any

import pytest
import yaml
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from aaf.domain.canonical import Json, canonical
from aaf.domain.errors import InputRefused
from aaf.policy.editing import remove_value, set_value
from aaf.policy.positioned import Faults, parse

TEXT = """\
# head
version: 1   # one
rules:   # the rules
  # first
  - name: a  # name
    match: {tool: x, operation: y}  # flow
    decision: deny
  # second
  - {name: b, decision: allow}
limits:
  agent:
    rate: 60/m # r
    burst: 5
plain:
  one: 1
  two: [1, 2]

text: |
  hello
  world

# after
"quoted key": "é 名"  # q
last: [1, 2, 3] # t
empty:
none: {}
nested:
- - 1
  - 2
- 3
"""
LONG = "a reason that is longer than what a line of a file should be, by some words"

SET: list[tuple[list[str | int], Json, list[str]]] = [
    (["version"], 2, ["-version: 1   # one", "+version: 2   # one"]),
    (["rules", 0, "decision"], "allow", ["-    decision: deny", "+    decision: allow"]),
    (["rules", 0, "match", "tool"], "no: 1", [
        "-    match: {tool: x, operation: y}  # flow", '+    match: {tool: "no: 1", operation: y}  # flow']),
    (["rules", 0, "match"], {}, ["-    match: {tool: x, operation: y}  # flow", "+    match: {}  # flow"]),
    (["rules", 1, "reason"], "x", ["-  - {name: b, decision: allow}", "+  - {name: b, decision: allow, reason: x}"]),
    (["rules", 2], {"name": "c", "reason": LONG}, ["+  - name: c", f'+    reason: "{LONG}"']),
    (["rules", 2], [[LONG, LONG]], [f'+  - - - "{LONG}"', f'+      - "{LONG}"']),
    (["limits", "agent", "enforce"], "door", ["+    enforce: door"]),
    (["limits", "agent", "why"], [LONG, 2], ["+    why:", f'+      - "{LONG}"', "+      - 2"]),
    (["plain"], 5, ["-plain:", "-  one: 1", "-  two: [1, 2]", "+plain: 5"]),
    (["plain"], {"three": 3}, ["-plain:", "-  one: 1", "-  two: [1, 2]", "+plain: {three: 3}"]),
    (["text"], "x", ["-text: |", "-  hello", "-  world", "+text: x"]),
    (["quoted key"], None, ['-"quoted key": "é 名"  # q', '+"quoted key": null  # q']),
    (["last", 3], 4, ["-last: [1, 2, 3] # t", "+last: [1, 2, 3, 4] # t"]),
    (["last", 0], {"a": [True]}, ["-last: [1, 2, 3] # t", "+last: [{a: [true]}, 2, 3] # t"]),
    (["empty"], "full", ["-empty:", "+empty: full"]),
    (["none", "a"], "\u2028\x85\t\"\\\n", ["-none: {}", '+none: {a: "\\u2028\\u0085\\t\\"\\\\\\n"}']),
    (["nested", 0, 1], "two", ["-  - 2", "+  - two"]),
    (["nested", 0], [], ["-- - 1", "-  - 2", "+- []"]),
    (["new", "deep"], ["true", "15m", "null", "role:a", "a: b", "", "1", 1.5], [
        '+new: {deep: ["true", 15m, "null", role:a, "a: b", "", "1", 1.5]}']),
]  # fmt: skip
REMOVE: list[tuple[list[str | int], list[str]]] = [
    (["last", 0], ["-last: [1, 2, 3] # t", "+last: [2, 3] # t"]),
    (["last", 2], ["-last: [1, 2, 3] # t", "+last: [1, 2] # t"]),
    (["last"], ["-last: [1, 2, 3] # t"]),
    (["rules", 0], ["-  - name: a  # name", "-    match: {tool: x, operation: y}  # flow", "-    decision: deny"]),
    (["rules", 0, "match", "tool"], ["-    match: {tool: x, operation: y}  # flow", "+    match: {operation: y}  # flow"]),
    (["rules", 0, "decision"], ["-    decision: deny"]),
    (["rules", 1], ["-  - {name: b, decision: allow}"]),
    (["limits", "agent", "rate"], ["-    rate: 60/m # r"]),
    (["limits", "agent"], ["-limits:", "-  agent:", "-    rate: 60/m # r", "-    burst: 5", "+limits: {}"]),
    (["text"], ["-text: |", "-  hello", "-  world"]),
    (["nested", 0], ["-- - 1", "-  - 2"]),
    (["nested", 0, 0], ["-- - 1", "-  - 2", "+- - 2"]),
    (["nested", 1], ["-- 3"]),
]  # fmt: skip


def _changes(before: str, after: str) -> list[str]:
    """The lines that went and came, given that they are in one place."""
    old, new = before.split("\n"), after.split("\n")
    while old and new and old[0] == new[0]:
        old, new = old[1:], new[1:]
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return [*(f"-{line}" for line in old), *(f"+{line}" for line in new)]


@pytest.mark.parametrize(("path", "value", "changes"), SET, ids=lambda one: str(one)[:60])
def test_a_value_is_set_and_nothing_else_changes(path: list[str | int], value: Json, changes: list[str]) -> None:
    assert _changes(TEXT, set_value(TEXT, path, value)) == changes
    # The same with the line ends of another system, and a mark at the beginning.
    other = "\ufeff" + TEXT.replace("\n", "\r\n")
    assert set_value(other, path, value) == "\ufeff" + set_value(TEXT, path, value).replace("\n", "\r\n")


@pytest.mark.parametrize(("path", "changes"), REMOVE, ids=lambda one: str(one)[:60])
def test_a_value_is_removed_and_nothing_else_changes(path: list[str | int], changes: list[str]) -> None:
    assert _changes(TEXT, remove_value(TEXT, path)) == changes
    other = "\ufeff" + TEXT.replace("\n", "\r\n")
    assert remove_value(other, path) == "\ufeff" + remove_value(TEXT, path).replace("\n", "\r\n")


def test_the_last_line_needs_no_end() -> None:
    assert set_value("a: 1", ["b"], 2) == "a: 1\nb: 2"
    assert remove_value("a: 1\nb: 2", ["b"]) == "a: 1\n"
    assert set_value("a:\n  b: 1", ["a"], 2) == "a: 2"
    assert set_value("- 1", [0], 2) == "- 2"
    assert set_value("{a: 1}", ["b"], 2) == "{a: 1, b: 2}"
    assert remove_value("{a: 1, b: 2}", ["a"]) == "{b: 2}"


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (TEXT, ["limits"], "A comment would be lost."),
        (TEXT, ["limits", "agent"], "A comment would be lost."),
        (TEXT, ["rules", 5], "The path leads nowhere in this file."),
        (TEXT, ["rules", "x"], "The path leads nowhere in this file."),
        (TEXT, ["version", "x"], "The path leads nowhere in this file."),
        (TEXT, ["version", 0, "y"], "The path leads nowhere in this file."),
        (TEXT, ["rules", -1], "The path leads nowhere in this file."),
        (TEXT, [0], "The path leads nowhere in this file."),
        (TEXT, [], "An edit names a value within the file."),
        ("a: [\n", ["a"], "The file can't be read: text:2:1: not YAML: did not find expected node content"),
        ("a: &x 1\n", ["a"], "The file can't be read: text:1:4: anchors are not allowed"),
        ("a: \ud800\n", ["a"], "The file can't be read: the text is no UTF-8."),
        ("a:\n  b: 1 # c\n", ["a"], "A comment stands behind what would be replaced."),
        ("a:\n- - 1 # c\n", ["a", 0], "A comment stands behind what would be replaced."),
    ],
)
def test_what_can_not_be_done_safely_is_refused(text: str, path: list[str | int], message: str) -> None:
    with pytest.raises(InputRefused) as refused:
        set_value(text, path, {"rate": "1/m"})
    assert refused.value.message.startswith(message)
    assert refused.value.hint


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**60, "\ud800", "x" * 1_100_000])
def test_a_value_that_no_file_can_hold_is_refused(value: Any) -> None:
    with pytest.raises(InputRefused, match="touching something else"):
        set_value("a: 1\n", ["a"], value)


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("a: 1\n", ["a"], "A file keeps at least one key."),
        ("a: 1\n", ["b"], "The path leads nowhere in this file."),
        ("a: 1\n", ["b", "c"], "The path leads nowhere in this file."),
        ("a: 1\n", ["a", "c"], "The path leads nowhere in this file."),
        ("- a: 1 # x\n  b: 2\n", [0, "a"], "A comment would be lost."),
        ("{a: 1, # x\n b: 2}\n", ["a"], "A comment would be lost."),
        ("a: 1\n? b\n: 2\n", ["b"], "This can't be taken out of its line."),
    ],
)
def test_what_can_not_be_removed_is_refused(text: str, path: list[str | int], message: str) -> None:
    with pytest.raises(InputRefused) as refused:
        remove_value(text, path)
    assert refused.value.message == message


_KEYS = st.sampled_from(["a", "b", "rules", "params.x", "key with space", "true", "é", "1", "#", "- x", "'"])
_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.sampled_from([0.5, -1.25, 1e-7]),
    st.text(st.characters(codec="utf-8", exclude_characters="\ufeff"), max_size=8), st.sampled_from(["15m", "60/m", "role:x", "null", "a: b", "# x", "x #", "yes"]),
)  # fmt: skip
_VALUES = st.recursive(
    _SCALARS, lambda one: st.one_of(st.lists(one, max_size=3), st.dictionaries(_KEYS, one, max_size=3)), max_leaves=8
)
_ROOTS = st.dictionaries(_KEYS, _VALUES, min_size=1, max_size=4)


def _written(tree: Json, style: bool | None, every: int) -> str:
    """A tree as text, with a comment on every so many lines where it stays one."""
    text = yaml.safe_dump(tree, default_flow_style=style, allow_unicode=True, width=10**6, sort_keys=False)
    for number in range(0, len(text.split("\n")), every):
        lines = text.split("\n")
        for more in ([lines[number] + f" # c{number}"], [f"# c{number}", lines[number]]):
            tried = "\n".join([*lines[:number], *more, *lines[number + 1 :]])
            if _tree(tried) == canonical(tree):
                text = tried
                break
    return text


def _tree(text: str) -> bytes | None:
    root = parse(text.encode(), Faults("x"))
    return None if root is None else canonical(root.plain())


def _paths(tree: Json, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every path of the tree, and one more in each list and mapping."""
    found: list[tuple[str | int, ...]] = [at] if at else []
    if isinstance(tree, dict):
        found.append((*at, "new"))
        for key, one in tree.items():
            found += _paths(one, (*at, key))
    if isinstance(tree, list):
        for number, one in enumerate(tree):
            found += _paths(one, (*at, number))
        found.append((*at, len(tree)))
    return found


@settings(max_examples=500, deadline=None)
@given(_ROOTS, st.sampled_from([True, False, None]), st.integers(1, 4), _VALUES, st.data())
def test_an_edit_parses_to_what_was_meant_and_keeps_every_comment(
    tree: dict[str, Json], style: bool | None, every: int, value: Json, data: st.DataObject
) -> None:
    text = _written(tree, style, every)
    assume(_tree(text) == canonical(tree))
    path = data.draw(st.sampled_from(_paths(tree)))
    taking = data.draw(st.booleans())
    wanted: Any = deepcopy(tree)
    inner = wanted
    for step in path[:-1]:
        inner = inner[step]
    last: Any = path[-1]
    there = last in inner if isinstance(inner, dict) else last < len(inner)
    assume(there or not taking)
    try:
        done = remove_value(text, path) if taking else set_value(text, path, value)
    except InputRefused as refused:
        event(f"refused: {refused.message}")
        assert "#" in text or len(tree) == 1 or json.dumps(value, ensure_ascii=False) != json.dumps(value)
        return
    if taking:
        del inner[path[-1]]
    elif isinstance(inner, list):
        inner[last : last + 1] = [value]
    else:
        inner[path[-1]] = value
    event("removed" if taking else "set")
    assert _tree(done) == canonical(wanted)
    old, new = text.split("\n"), done.split("\n")
    start = next(
        (at for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), min(len(old), len(new))
    )
    rest = 0
    while rest < min(len(old), len(new)) - start and old[-1 - rest] == new[-1 - rest]:
        rest += 1
    gone = old[start : len(old) - rest]
    if not taking:
        assert [line.rpartition(" # c")[2] for line in gone if " # c" in line or line.startswith("# c")] == [
            line.rpartition(" # c")[2]
            for line in new[start : len(new) - rest]
            if " # c" in line or line.startswith("# c")
        ] or " # c" in json.dumps(value)
    if (
        not isinstance(value, list | dict)
        and there
        and not taking
        and not isinstance(_at(tree, path), list | dict | str)
    ):
        assert len(gone) <= 1


def _at(tree: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        tree = tree[step]
    return tree
