import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.domain.canonical import Json
from aaf.domain.rendering import is_inert, plain, render
from aaf.entrypoints.console.presenting import QUIET, gist, rendered, value


@given(st.text(max_size=200))
def test_the_lines_of_a_value_hold_exactly_what_it_renders_to(text: str) -> None:
    shown = value(rendered(text))
    assert "".join(piece.text for line in shown.lines for piece in line) == plain(render(text))
    assert all(is_inert(piece.text) for line in shown.lines for piece in line)


@given(st.text(alphabet="a\u202e\u200b\n\\ \u0430\u00fc\t", max_size=60))
def test_everything_that_stands_for_something_else_is_counted(text: str) -> None:
    counted = sum(count for _, count, _ in value(rendered(text)).counts)
    plain_characters = sum(part.count for part in render(text) if part.flag is None)
    assert counted + plain_characters == len(text)


def test_what_deserves_a_second_look_is_counted_first_and_bears_its_name() -> None:
    shown = value(rendered("a\u202e\u202eb\n\ngr\u00fc\\x" + " " * 500))
    assert shown.counts == (
        ("direction override", 2, True),
        ("padding", 500, True),
        ("backslash", 1, False),
        ("letter beyond ASCII", 1, False),
        ("line break", 2, False),
    )
    assert [piece.word for line in shown.lines for piece in line if piece.loud] == ["direction override", "padding"]
    assert len(shown.lines) == 3


@pytest.mark.parametrize(
    "segment",
    [
        ["text", "a\u202eb", None],
        ["escape", "\x1b[0m", "control"],
        ["text", "\u05d0", "non_ascii"],
        ["text", "a\u0301", None],
        ["text", "a\u00a0b", None],
        ["text", "\u3164", "non_ascii"],
        ["text", "a\nb", None, "more"],
        ["escape", "a\u200b", "invisible", 3],
    ],
)
def test_a_segment_that_is_not_inert_is_rendered_again(segment: Json) -> None:
    pieces = [piece for line in value([segment]).lines for piece in line]
    assert all(is_inert(piece.text) for piece in pieces)
    assert any(piece.flag for piece in pieces)


def test_an_escape_without_a_known_flag_is_marked_all_the_same() -> None:
    ((piece,),) = value([["escape", "\\u{1}", None]]).lines
    assert (piece.word, piece.loud) == ("unusual character", True)
    assert value([["escape", "\\u{1}", "of a later version"]]).counts == (("unusual character", 1, True),)


@pytest.mark.parametrize("segments", [None, "text", 3, [["text"]], [[1, 2, 3]], {"text": "x"}])
def test_what_is_no_segment_is_no_value(segments: Json) -> None:
    with pytest.raises(ValueError, match="segments"):
        value(segments)


def test_quiet_marks_are_those_of_ordinary_text() -> None:
    assert {str(one) for one in QUIET} == {"backslash", "newline", "non_ascii"}


def test_a_list_shows_nothing_of_an_action_without_parameters_or_with_a_target() -> None:
    row: Json = {"path": rendered("params.x"), "segments": rendered("1"), "type": "text", "length": 1, "long": False}
    assert gist({"target": None, "params": []}) is None
    assert gist({"target": rendered("a"), "params": [row]}) is None
    assert gist({"target": None, "params": [row]}) == (rendered("params.x"), rendered("1"), False)
