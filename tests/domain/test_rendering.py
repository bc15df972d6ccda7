"""What an approver sees: every deceptive character is shown and counted, and no two values look alike."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.domain.canonical import Json
from aaf.domain.letters import COMBINING, IMITATORS, INVISIBLE, LETTERS, ODD_SPACES, RIGHT_TO_LEFT, SCRIPTS, Ranges
from aaf.domain.rendering import LONG, Flag, Kind, Segment, checked, flags, plain, render, rows

_ANY_CHARACTER = st.characters(categories=("C", "L", "M", "N", "P", "S", "Z"))
_TRICKY = st.sampled_from(list("\\u{}20*an \n\t\r\x1b\u202e\u200b\u0430\u043ex\ud800\udc00é한"))
_TEXT = st.one_of(st.text(_ANY_CHARACTER), st.text(_TRICKY), st.text(st.sampled_from(" \n\\a")))

# What is sent, and a flag that must be raised.
SPOOFS: list[tuple[str, str, Flag]] = [
    ("colour", "\x1b[8mrm -rf /\x1b[0m", Flag.TERMINAL_ESCAPE),
    ("cursor up", "ls\x1b[1A\x1b[2K", Flag.TERMINAL_ESCAPE),
    ("window title", "\x1b]0;approved\x07", Flag.TERMINAL_ESCAPE),
    ("hyperlink OSC 8", "\x1b]8;;https://evil.example\x1b\\good\x1b]8;;\x1b\\", Flag.TERMINAL_ESCAPE),
    ("clipboard OSC 52", "\x1b]52;c;cm0=\x07", Flag.TERMINAL_ESCAPE),
    ("device status", "\x1b[6n", Flag.TERMINAL_ESCAPE),
    ("CSI as C1", "\x9b2J", Flag.TERMINAL_ESCAPE),
    ("OSC as C1", "\x9d0;x\x9c", Flag.TERMINAL_ESCAPE),
    ("next line C1", "a\x85b", Flag.TERMINAL_ESCAPE),
    ("carriage return", "rm -rf /\rls       ", Flag.CONTROL),
    ("backspace", "rm\b\bls", Flag.CONTROL),
    ("delete", "rm\x7f\x7fls", Flag.CONTROL),
    ("bell", "a\x07b", Flag.CONTROL),
    ("nul", "a\x00b", Flag.CONTROL),
    ("vertical tab", "a\x0bb", Flag.CONTROL),
    ("form feed", "a\x0cb", Flag.CONTROL),
    ("shift out", "a\x0eb", Flag.CONTROL),
    ("tab", "a\tb", Flag.CONTROL),
    ("unit separator", "a\x1fb", Flag.CONTROL),
    ("newline", "ls\nrm -rf /", Flag.NEWLINE),
    ("line separator", "ls\u2028rm", Flag.NEWLINE),
    ("paragraph separator", "ls\u2029rm", Flag.NEWLINE),
    ("forged escape", "a\\nb", Flag.BACKSLASH),
    ("forged code point", "a\\u{202e}b", Flag.BACKSLASH),
    ("right-to-left override", "invoice\u202efdp.exe", Flag.BIDI),
    ("left-to-right override", "a\u202db", Flag.BIDI),
    ("Trojan Source isolate", "if x\u2066 // admin\u2069\u2066 {", Flag.BIDI),
    ("embedding", "a\u202bb\u202c", Flag.BIDI),
    ("right-to-left mark", "a\u200fb", Flag.BIDI),
    ("left-to-right mark", "a\u200eb", Flag.BIDI),
    ("Arabic letter mark", "a\u061cb", Flag.BIDI),
    ("first strong isolate", "a\u2068b", Flag.BIDI),
    ("Hebrew letters", "pay 1 \u05d0\u05d1 2", Flag.RIGHT_TO_LEFT),
    ("Arabic letters", "\u0633\u0644\u0627\u0645.exe", Flag.RIGHT_TO_LEFT),
    ("zero width space", "pay\u200bpal", Flag.INVISIBLE),
    ("zero width non-joiner", "pay\u200cpal", Flag.INVISIBLE),
    ("zero width joiner", "pay\u200dpal", Flag.INVISIBLE),
    ("word joiner", "pay\u2060pal", Flag.INVISIBLE),
    ("byte order mark", "\ufeffpaypal", Flag.INVISIBLE),
    ("soft hyphen", "pay\u00adpal", Flag.INVISIBLE),
    ("invisible times", "2\u20623", Flag.INVISIBLE),
    ("tag characters", "ok" + "".join(chr(0xE0000 + ord(one)) for one in "delete"), Flag.INVISIBLE),
    ("variation selector", "a\ufe0fb", Flag.INVISIBLE),
    ("variation selectors supplement", "a\U000e0100\U000e01efb", Flag.INVISIBLE),
    ("Mongolian vowel separator", "a\u180eb", Flag.INVISIBLE),
    ("Mongolian variation selector", "a\u180bb", Flag.INVISIBLE),
    ("Hangul filler", "a\u3164b", Flag.INVISIBLE),
    ("Hangul choseong filler", "a\u115fb", Flag.INVISIBLE),
    ("Hangul jungseong filler", "a\u1160b", Flag.INVISIBLE),
    ("halfwidth Hangul filler", "a\uffa0b", Flag.INVISIBLE),
    ("Braille blank", "a\u2800b", Flag.INVISIBLE),
    ("Khmer inherent vowel", "a\u17b4b", Flag.INVISIBLE),
    ("combining grapheme joiner", "a\u034fb", Flag.INVISIBLE),
    ("interlinear annotation", "a\ufff9b\ufffb", Flag.INVISIBLE),
    ("musical null notehead", "a\U0001d159b", Flag.INVISIBLE),
    ("no-break space", "rm\u00a0-rf", Flag.ODD_SPACE),
    ("narrow no-break space", "rm\u202f-rf", Flag.ODD_SPACE),
    ("en quad", "rm\u2000-rf", Flag.ODD_SPACE),
    ("hair space", "rm\u200a-rf", Flag.ODD_SPACE),
    ("ideographic space", "rm\u3000-rf", Flag.ODD_SPACE),
    ("Ogham space", "rm\u1680-rf", Flag.ODD_SPACE),
    ("mathematical space", "rm\u205f-rf", Flag.ODD_SPACE),
    ("Cyrillic in a Latin word", "p\u0430ypal", Flag.MIXED_SCRIPT),
    ("Greek in a Latin word", "g\u03bf\u03bfgle", Flag.MIXED_SCRIPT),
    ("Armenian in a Latin word", "g\u0585ogle", Flag.MIXED_SCRIPT),
    ("Cherokee in a Latin word", "\u13aaDMIN", Flag.MIXED_SCRIPT),
    ("Lisu in a Latin word", "\ua4d0ANK", Flag.MIXED_SCRIPT),
    ("Cyrillic and Greek", "\u0430\u03bf", Flag.MIXED_SCRIPT),
    ("mixed across an invisible", "pay\u200b\u0440\u0430l", Flag.MIXED_SCRIPT),
    ("mixed across an underscore", "admin_\u0440\u0430", Flag.MIXED_SCRIPT),
    ("whole word in Cyrillic", "\u0430\u0440\u0440\u04cf\u0435.com", Flag.HOMOGLYPH),
    ("whole word in Greek", "\u039d\u0399\u039a\u0395", Flag.HOMOGLYPH),
    ("whole word in Cherokee", "\u13ac\u13aa", Flag.HOMOGLYPH),
    ("combining solidus", "a=\u0338b", Flag.COMBINING),
    ("combining dots", "i\u0307", Flag.COMBINING),
    ("decomposed letter", "e\u0301", Flag.COMBINING),
    ("enclosing keycap", "1\u20e3", Flag.COMBINING),
    ("stacked marks", "a" + "\u0316" * 40, Flag.COMBINING),
    ("lone high surrogate", "a\ud800b", Flag.SURROGATE),
    ("lone low surrogate", "a\udfffb", Flag.SURROGATE),
    ("surrogates apart", "\ud83d\\\ude00", Flag.SURROGATE),
    ("fullwidth letters", "\uff52\uff4d", Flag.UNUSUAL),
    ("fullwidth slash", "a\uff0fb", Flag.UNUSUAL),
    ("mathematical letters", "\U0001d429\U0001d41a\U0001d432", Flag.UNUSUAL),
    ("division slash", "a\u2215b", Flag.UNUSUAL),
    ("one dot leader", "a\u2024com", Flag.UNUSUAL),
    ("Greek question mark", "a\u037eb", Flag.UNUSUAL),
    ("click that looks like an exclamation mark", "a\u01c3", Flag.UNUSUAL),
    ("modifier apostrophe", "o\u02bcneil", Flag.UNUSUAL),
    ("Canadian syllabic that looks like >", "a \u1433 b", Flag.UNUSUAL),
    ("Latin script g", "\u0261oogle", Flag.UNUSUAL),
    ("Hangul in parts", "\u1112\u1161\u11ab", Flag.UNUSUAL),
    ("Arabic-Indic digits", "\u0661\u0660\u0660", Flag.UNUSUAL),
    ("private use", "a\ue000b", Flag.UNUSUAL),
    ("unassigned", "a\U000effffb", Flag.UNUSUAL),
    ("noncharacter", "a\uffffb", Flag.UNUSUAL),
    ("emoji", "ok \U0001f44d", Flag.UNUSUAL),
    ("letter without a common glyph", "\U00010900", Flag.UNUSUAL),
    ("accented letter", "caf\u00e9", Flag.NON_ASCII),
    ("dotless i", "adm\u0131n", Flag.NON_ASCII),
    ("pushed out to the right", "ls" + " " * 500 + "; rm -rf /", Flag.PADDING),
    ("pushed out below", "ls" + "\n" * 300 + "rm -rf /", Flag.PADDING),
    ("space at the end", "backup ", Flag.PADDING),
    ("space at the start", " backup", Flag.PADDING),
    ("space before a line break", "a \nb", Flag.PADDING),
    ("lines of spaces", "ls" + " \n" * 40 + "rm", Flag.PADDING),
]


def read_back(shown: str) -> str:
    """The value that a rendering stands for, as anybody would read it."""

    def character(match: re.Match[str]) -> str:
        short, point, times = match.groups()
        if short is not None:
            return {"\\": "\\", "n": "\n", "r": "\r", "t": "\t"}[short]
        return chr(int(point, 16)) * int(times or 1)

    return re.sub(r"\\(?:([\\nrt])|u\{([0-9a-f]+)(?:\*([0-9]+))?\})", character, shown)


def shown_as_it_is(text: str) -> Iterator[tuple[Flag | None, str, int]]:
    """Stands in for the rendering's eye: everything is plain text."""
    yield None, text, len(text)


@pytest.mark.attack("G10", guard="aaf.domain.rendering:_pieces", without="tests.domain.test_rendering:shown_as_it_is")
@pytest.mark.parametrize(
    ("text", "flag"), [(text, flag) for _, text, flag in SPOOFS], ids=[name for name, _, _ in SPOOFS]
)
def test_a_spoof_is_flagged_and_shown_inert(text: str, flag: Flag) -> None:
    segments = render(text)

    assert flags(segments).get(flag, 0) > 0
    assert all(one == " " or (one.isprintable() and (one.isascii() or ord(one) in LETTERS)) for one in plain(segments))
    assert read_back(plain(segments)) == text


@pytest.mark.attack("G10")
def test_all_spoofs_look_different_from_each_other_and_from_what_they_imitate() -> None:
    texts = {text for _, text, _ in SPOOFS} | {
        "paypal",
        "google",
        "backup",
        "ls",
        "rm -rf",
        "admin",
        "ADMIN",
        "BANK",
        "NIKE",
    }

    assert len(SPOOFS) >= 100
    assert len({plain(render(text)) for text in texts}) == len(texts)


@pytest.mark.attack("G07")
@pytest.mark.attack("G10")
@given(_TEXT)
def test_every_text_can_be_read_back_from_what_is_shown(text: str) -> None:
    assert read_back(plain(render(text))) == text


@pytest.mark.attack("G10")
@given(_TEXT)
def test_nothing_but_printable_ascii_and_pinned_letters_is_shown(text: str) -> None:
    segments = render(text)

    assert all(" " <= one <= "~" or ord(one) in LETTERS for one in plain(segments))
    assert sum(segment.count for segment in segments) == len(text)
    for segment in segments:
        assert segment.text
        assert (segment.flag is None) == (segment.kind is Kind.TEXT and segment.text.isascii())
        assert segment.kind is Kind.TEXT or segment.text.isascii()


@given(st.text(_TRICKY, max_size=6), st.text(_TRICKY, max_size=6))
def test_two_texts_look_alike_only_if_they_are_equal(one: str, other: str) -> None:
    assert (plain(render(one)) == plain(render(other))) == (one == other)


@given(_TEXT)
def test_neighbouring_segments_differ_in_kind_or_flag(text: str) -> None:
    segments = render(text)

    assert all((a.kind, a.flag) != (b.kind, b.flag) for a, b in pairwise(segments))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("notes/a.txt", "notes/a.txt"),
        ("a  b", "a  b"),
        ("a\nb\tc\r\n", r"a\nb\tc\r\n"),
        ("C:\\temp", r"C:\\temp"),
        ("def f():\n    return 1\n", r"def f():\n    return 1\n"),
        ("a" + " " * 16 + "b", "a" + " " * 16 + "b"),
        ("a" + " " * 17 + "b", r"a\u{20*17}b"),
        ("a\n\n\nb", r"a\n\n\nb"),
        ("a\n\n\n\nb", r"a\u{a*4}b"),
        (" a ", r"\u{20}a\u{20}"),
        ("   ", r"\u{20*3}"),
        ("é ñ", "é ñ"),
        ("Привет, мир", "Привет, мир"),
        ("東京 서울 ひらがな", "東京 서울 ひらがな"),
        ("\u0430 и \u0443", "\u0430 и \u0443"),
        ("p\u0430y", r"p\u{430}y"),
        ("шp\u0430", r"\u{448}p\u{430}"),
        ("\U0001f600", r"\u{1f600}"),
        ("\ud83d\ude00"[:1], r"\u{d83d}"),
        ("שלום", r"\u{5e9}\u{5dc}\u{5d5}\u{5dd}"),
    ],
)
def test_a_text_is_shown_as(text: str, shown: str) -> None:
    assert plain(render(text)) == shown


def test_deceptive_characters_are_counted_by_flag() -> None:
    counted = flags(render("a\u200b\u200bb\u202ec é\\ " + "\n" * 9))

    assert counted == {
        Flag.BACKSLASH: 1,
        Flag.BIDI: 1,
        Flag.INVISIBLE: 2,
        Flag.NON_ASCII: 1,
        Flag.PADDING: 10,
    }
    assert list(counted) == sorted(counted)


def test_an_ordinary_text_is_one_segment_without_a_flag() -> None:
    assert render("rm -rf build  # all of it") == (Segment(Kind.TEXT, "rm -rf build  # all of it", None, 25),)
    assert flags(render("rm -rf build")) == {}


def test_a_long_run_of_one_deceptive_character_is_one_segment() -> None:
    (segment,) = render("\u200b" * 50_000)

    assert segment.count == 50_000
    assert segment.text == r"\u{200b}" * 50_000


@given(_TEXT)
def test_segments_as_they_were_rendered_are_taken_as_they_are(text: str) -> None:
    segments = [(one.kind, one.text, one.flag) for one in render(text)]
    assert list(checked([list(one) for one in segments])) == segments


@given(_TEXT)
def test_a_segment_that_is_not_inert_is_rendered_again(text: str) -> None:
    shown = list(checked([["text", text, None]]))
    assert all(" " <= one <= "~" or ord(one) in LETTERS for _, part, _ in shown for one in part)
    assert "".join(one for _, one, _ in shown) in {text, plain(render(text))}


@pytest.mark.parametrize("segments", [None, "text", 3, ["text", "a", None], [["text"]], [[1, 2, 3]], {"text": "x"}])
def test_what_is_no_segment_is_refused(segments: Json) -> None:
    with pytest.raises(ValueError, match="segments"):
        list(checked(segments))


@pytest.mark.requirement("R36")
def test_every_leaf_is_a_row_with_its_path() -> None:
    value: Json = {"to": ["a@b.c", {"name": None}], "n": 1.5, "k": 7, "ok": True, "no": False, "empty": {}, "none": []}

    assert [(row.path, row.type, plain(row.segments), row.length) for row in rows(value, path="params")] == [
        ("params.to[0]", "text", "a@b.c", 5),
        ("params.to[1].name", "null", "null", 4),
        ("params.n", "number", "1.5", 3),
        ("params.k", "number", "7", 1),
        ("params.ok", "boolean", "true", 4),
        ("params.no", "boolean", "false", 5),
        ("params.empty", "object", "", 0),
        ("params.none", "list", "", 0),
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a.b": 1}, {"a": {"b": 1}}),
        ({'a"]["b': 1}, {"a": {"b": 1}}),
        ({'a"]["b': 1}, {"a": {'b"]': 1}}),
        ({"a[0]": 1}, {"a": [1]}),
        ({'a\\"]["b': 1}, {"a\\": {"b": 1}}),
        ({"": 1}, 1),
        ({"a": "1"}, {"a": 1}),
        ({"a": "null"}, {"a": None}),
        ({"a": ""}, {"a": []}),
        ({"a": {}}, {"a": []}),
        ({"a\u200b": 1}, {"a": 1}),
        ([[], []], [[[], []]]),
    ],
)
def test_values_of_another_shape_give_other_rows(one: Json, other: Json) -> None:
    def shown(value: Json) -> list[tuple[str, str, str]]:
        return [(plain(render(row.path)), row.type, plain(row.segments)) for row in rows(value, path="p")]

    assert shown(one) != shown(other)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(st.sampled_from('a."[]0\\'), max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.sampled_from('a."[]0\\'), max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.attack("G11")
@given(_JSON, _JSON)
def test_two_values_give_the_same_rows_only_if_they_are_equal(one: Json, other: Json) -> None:
    def shown(value: Json) -> list[tuple[str, str, str]]:
        return [(plain(render(row.path)), row.type, plain(row.segments)) for row in rows(value, path="p")]

    # The order of an object's members and the difference of 1 and True are kept by repr.
    assert (shown(one) == shown(other)) == (repr(one) == repr(other))


@pytest.mark.attack("G11")
def test_a_long_value_is_whole_and_marked() -> None:
    (short,) = rows("x" * LONG, path="p")
    (long,) = rows("x" * (LONG + 1) + "\nrm", path="p")
    (swollen,) = rows("\u200b" * 300, path="p")

    assert not short.long
    assert long.long
    assert read_back(plain(long.segments)) == "x" * (LONG + 1) + "\nrm"
    assert swollen.long, "what is shown counts too"


def test_pinned_letters_are_letters_that_normalisation_leaves_alone() -> None:
    for point in LETTERS.points():
        assert unicodedata.category(chr(point)).startswith("L"), hex(point)
        assert unicodedata.normalize("NFKC", chr(point)) == chr(point), hex(point)
        assert unicodedata.bidirectional(chr(point)) not in ("R", "AL"), hex(point)


def test_no_two_pinned_letters_compose_to_a_third() -> None:
    letters = LETTERS.points()
    pairs = [unicodedata.decomposition(chr(point)).split() for point in letters]

    assert not [pair for pair in pairs if len(pair) == 2 and all(int(part, 16) in letters for part in pair)]
    assert not any(0x1100 <= point <= 0x11FF for point in letters)


@pytest.mark.parametrize("table", [COMBINING, INVISIBLE, ODD_SPACES, RIGHT_TO_LEFT])
def test_characters_that_deceive_are_no_pinned_letters(table: Ranges) -> None:
    assert not table.points() & LETTERS.points()


def test_scripts_and_imitators_are_pinned_letters_of_one_script_each() -> None:
    seen: set[int] = set()
    for points in (table.points() for table in SCRIPTS.values()):
        assert points <= LETTERS.points()
        assert not points & seen
        seen |= points
    assert IMITATORS.points() <= seen - SCRIPTS["latin"].points()


def test_a_range_includes_both_its_ends() -> None:
    ranges = Ranges(((5, 7), (9, 9)))

    assert [point for point in range(12) if point in ranges] == [5, 6, 7, 9]
    assert ranges.points() == {5, 6, 7, 9}
