import base64
import html
import json
import string
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aaf.domain.canonical import Json
from aaf.domain.redaction import MASK, SENSITIVE, Fields, Values, plain_field

SECRET = 's3cr&t/"p\\w+\u00fc_KEY-1234567890abcd'
RAW = SECRET.encode()
FORMS = {
    "as it is": SECRET,
    "in capitals": SECRET.upper(),
    "JSON": json.dumps(SECRET),
    "JSON without escapes of letters": json.dumps(SECRET, ensure_ascii=False),
    "JSON with escaped slashes": json.dumps(SECRET).replace("/", "\\/"),
    "JSON in JSON": json.dumps(json.dumps(SECRET)),
    "percent-encoded": urllib.parse.quote(SECRET, safe=""),
    "percent-encoded but for slashes": urllib.parse.quote(SECRET),
    "percent-encoded twice": urllib.parse.quote(urllib.parse.quote(SECRET)),
    "percent-encoded throughout": "".join(f"%{byte:02X}" for byte in RAW),
    "a form": urllib.parse.quote_plus(SECRET),
    "HTML": html.escape(SECRET),
    "HTML by numbers": "".join(f"&#{ord(letter)};" for letter in SECRET),
    "HTML by hexadecimal numbers": "".join(f"&#x{ord(letter):X};" for letter in SECRET),
    "HTML twice": html.escape(html.escape(SECRET)),
    "HTML by every name": "".join(
        {"&": "&amp;", "/": "&sol;", "=": "&equals;", "+": "&plus;"}.get(one, one) for one in SECRET
    ),
    "quoted-printable": "".join(f"={byte:02X}" for byte in RAW),
    "octal": "".join(f"\\{byte:03o}" for byte in RAW),
    "JavaScript": "".join(f"\\u{{{ord(one):x}}}" for one in SECRET),
    "hexadecimal with blanks": RAW.hex(" "),
    "hexadecimal with colons": RAW.hex(":").upper(),
    "Python": repr(SECRET),
    "Python's bytes": repr(RAW),
    "hexadecimal": RAW.hex(),
    "hexadecimal in capitals": RAW.hex().upper(),
    "Base64": base64.b64encode(RAW).decode(),
    "Base64 for URLs": base64.urlsafe_b64encode(RAW).decode(),
    "Base64 after one byte": base64.b64encode(b":" + RAW).decode(),
    "Base64 after two bytes": base64.b64encode(b"u:" + RAW).decode(),
    "Base64 in lines": base64.encodebytes(RAW * 3).decode(),
    "Base64 in a JSON text": json.dumps(base64.encodebytes(RAW * 3).decode()),
}
LEFT = 4
"""Characters of an encoded form that may stay: the edges of Base64 depend on what is around."""


@pytest.mark.requirement("R07")
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_value_is_found_in_every_form(form: str) -> None:
    cleaned = Values([SECRET]).clean_text(f"before {form} after")
    assert cleaned.startswith("before ")
    assert cleaned.endswith(" after")
    rest = cleaned.removeprefix("before ").removesuffix(" after").replace(MASK, "").strip("\"\\rn\n=b'")
    assert len(rest) <= LEFT
    assert MASK in cleaned


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_value_is_found_in_bytes(encoding: str) -> None:
    values = Values([SECRET])
    assert values.found(SECRET.encode(encoding))
    assert MASK.encode() in values.clean(b"\xff\xfe" + SECRET.encode(encoding))


def test_of_two_values_the_longer_one_is_replaced_whole() -> None:
    assert Values(["beginning", "beginning-and-end"]).clean_text("beginning-and-end") == MASK


def test_a_value_that_is_too_short_is_not_looked_for() -> None:
    assert Values(["seven77"]).clean_text("seven77") == "seven77"


def test_without_values_nothing_is_touched() -> None:
    none = Values([])
    data = b"\xffanything"
    assert none.clean(data) is data
    assert none.clean_text("anything") == "anything"
    assert not none.found(data)


def test_text_that_is_no_unicode_is_cleaned_too() -> None:
    assert Values([SECRET]).clean_text(f"\ud800{SECRET}").endswith(MASK)


def test_strings_and_names_of_a_value_are_cleaned() -> None:
    before: Json = {"list": [f"x {SECRET}", 1, None, True], SECRET: {"deep": SECRET}}
    assert Values([SECRET]).redacted(before) == {
        "list": [f"x {MASK}", 1, None, True],
        MASK: {"deep": MASK},
    }


LETTERS = st.text(st.sampled_from(string.printable[:95] + "\u00e9\u4e2d\U0001f600"), min_size=8, max_size=40)


@settings(deadline=None)  # a machine that is busy compiles patterns slowly
@example(secret="000000000000000%0", before=b"", after=b"")  # taken apart where a sign has two spellings
@given(secret=LETTERS, before=st.binary(max_size=5), after=st.binary(max_size=5))
def test_no_form_of_any_value_is_left(secret: str, before: bytes, after: bytes) -> None:
    raw = secret.encode()
    values = Values([secret])
    forms = [
        secret,
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        urllib.parse.quote(secret),
        html.escape(secret),
    ]
    forms += [raw.hex(), base64.b64encode(raw).decode(), base64.b64encode(before + raw + after).decode()]
    for form in forms:
        assert values.found(form.encode()), form
        assert not values.found(values.clean(form.encode())) or secret in MASK


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("name", [*SENSITIVE, "API-Key", "apiKey", "PASSWORD", "creditCard", "S.S.N"])
def test_the_names_of_the_list_are_sensitive_in_any_spelling(name: str) -> None:
    assert name in Fields()


@pytest.mark.requirement("R23")
def test_a_configuration_adds_names_and_takes_none_away() -> None:
    fields = Fields(["Pin-Code", "", "--"])
    assert "pincode" in fields
    assert all(name in fields for name in SENSITIVE)
    assert "" not in fields
    assert "amount" not in fields


@pytest.mark.requirement("R23")
def test_everything_beneath_a_sensitive_name_is_replaced() -> None:
    before: Json = {
        "user": {"Password": {"new": "a", "old": "b"}, "name": "ann"},
        "rows": [{"token": 1}, {"token": None}],
    }
    after = Fields().redacted(before)
    assert after == {"user": {"Password": MASK, "name": "ann"}, "rows": [{"token": MASK}, {"token": None}]}
    assert before == {
        "user": {"Password": {"new": "a", "old": "b"}, "name": "ann"},
        "rows": [{"token": 1}, {"token": None}],
    }  # the original still runs


def test_what_holds_nothing_sensitive_is_the_same_object() -> None:
    values: list[Json] = [{"a": [1, {"b": "c"}]}, [1, "x"], "x", None, 1]
    for value in values:
        assert Fields().redacted(value) is value


def test_members_of_any_mapping_are_redacted() -> None:
    assert Fields().members({"ssn": "1", "n": 2}) == {"n": 2, "ssn": MASK}


def test_case_and_separators_of_a_name_do_not_matter() -> None:
    assert plain_field("X-Api_Key 2") == "xapikey2"


LONG = "".join(chr(33 + (7 * at * at + 3 * at) % 94) for at in range(600))


@pytest.mark.parametrize(
    "write", [str, lambda one: one.encode().hex(), lambda one: base64.b64encode(one.encode()).decode()]
)
def test_a_long_value_is_found_whole_and_nothing_else_is_taken_for_it(write: Callable[[str], str]) -> None:
    values = Values([LONG])
    assert values.clean_text(f"before {write(LONG)} after") == f"before {MASK} after"
    # Whoever knows both ends can't hide words between them.
    hidden = f"{write(LONG[:300])} rm -rf / {write(LONG[300:])}"
    assert values.clean_text(hidden) == hidden
    assert values.clean_text(write(LONG[:60]) + write(LONG)).endswith(MASK)


def test_of_values_that_begin_alike_the_longest_is_taken_out() -> None:
    values = Values(["the-same-beginning", "the-same-beginning-and-more", "the-same-beginning-and-even-more"])
    assert values.clean_text("x the-same-beginning-and-more y the-same-beginning z") == f"x {MASK} y {MASK} z"


def test_a_long_value_of_nothing_but_signs_is_found_too() -> None:
    secret = "%=\\&;" * 50
    assert Values([secret]).found(urllib.parse.quote(secret).encode())
