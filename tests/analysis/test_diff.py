"""A diff holds the whole change: the new text follows from the old one and the diff."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.analysis.diff import unified

_TEXTS = st.lists(
    st.sampled_from(["a\n", "b\n", "c\n", "\n", "+x\n", "-x\n", "@@\n", "d\x0be\n", "f\u2028g\n", "h\r\n", "i"]),
    max_size=14,
).map("".join)


def lines_of(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def applied(old: str, diff: str) -> str:
    """What a patch program makes of the old text."""
    before, after, at, last = lines_of(old), list[str](), 0, ""
    for line in lines_of(diff)[2:]:
        head = re.fullmatch(r"@@ -(\d+),(\d+) \+(\d+),(\d+) @@\n", line)
        if head:
            start = int(head[1]) - (1 if int(head[2]) else 0)
            after += before[at:start]
            at = start
        elif line.startswith("\\"):
            if last != "-":
                after[-1] = after[-1].removesuffix("\n")
        elif line[0] == "+":
            after.append(line[1:])
        else:
            assert before[at].removesuffix("\n") == line[1:].removesuffix("\n")
            at += 1
            after += [line[1:]] if line[0] == " " else []
        last = line[0]
    return "".join([*after, *before[at:]])


@given(_TEXTS, _TEXTS)
def test_the_new_text_follows_from_the_old_one_and_the_diff(old: str, new: str) -> None:
    diff = unified(old, new, old_name="a/x", new_name="b/x")

    assert applied(old, diff.text) == new
    body = lines_of(diff.text)[2:]
    assert diff.added == sum(line.startswith("+") for line in body)
    assert diff.removed == sum(line.startswith("-") for line in body)


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("a\n", "a\n", ""),
        ("", "a\nb", "--- o\n+++ n\n@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file\n"),
        ("a\n", "", "--- o\n+++ n\n@@ -1,1 +0,0 @@\n-a\n"),
        ("a", "a\n", "--- o\n+++ n\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n"),
        ("a\rb\n", "a\n", "--- o\n+++ n\n@@ -1,1 +1,1 @@\n-a\rb\n+a\n"),
        (
            "1\n2\n3\n4\n5\n6\n7\n8\n9\n",
            "x\n2\n3\n4\n5\n6\n7\n8\ny\n",
            "--- o\n+++ n\n@@ -1,4 +1,4 @@\n-1\n+x\n 2\n 3\n 4\n@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+y\n",
        ),
        (
            "1\n2\n3\n4\n5\n6\n7\n",
            "x\n2\n3\n4\n5\n6\ny\n",
            "--- o\n+++ n\n@@ -1,7 +1,7 @@\n-1\n+x\n 2\n 3\n 4\n 5\n 6\n-7\n+y\n",
        ),
    ],
)
def test_a_change_is_shown_as(old: str, new: str, shown: str) -> None:
    assert unified(old, new, old_name="o", new_name="n").text == shown


def test_a_small_change_of_a_large_text_is_shown_small() -> None:
    old = "".join(f"{number}\n" for number in range(20_000))
    new = old.replace("\n17\n", "\nx\n").replace("\n19000\n", "\n")

    diff = unified(old, new, old_name="o", new_name="n")

    assert applied(old, diff.text) == new
    assert (diff.added, diff.removed) == (1, 2)


def test_a_comparison_finds_a_shortest_script() -> None:
    diff = unified("a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n", old_name="o", new_name="n")

    assert diff.added + diff.removed == 5


def test_texts_that_differ_too_much_are_shown_as_replaced() -> None:
    old = "".join(f"old {number}\nsame\n" for number in range(1_500))
    new = "".join(f"new {number}\nsame\n" for number in range(1_500))

    diff = unified(old, new, old_name="o", new_name="n")

    assert applied(old, diff.text) == new
    assert diff.added == diff.removed == 2_999
