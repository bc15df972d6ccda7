"""Credentials are found in every form and every surrounding, nothing else is hidden, and whatever is written is answered."""

import base64
import json
import pathlib
import re
import sysconfig
from random import Random

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from aaf.analysis import secrets
from aaf.analysis.secret_forms import FORMS, Form
from aaf.analysis.secrets import may_hold_one, recognised, without_recognised
from tests.analysis.planted import CALLED_SO, CARRIERS, COMPUTED, INNOCENT, ISSUED, LOOKALIKES, MESSAGES, filled

SEED = 20261121
ROUNDS = 3
BY_HAND: dict[str, str] = {"a login": "Authorization: Basic {}"}


def _planted() -> list[tuple[str, str]]:
    random = Random(SEED)
    plants = [filled(template, random) for _ in range(ROUNDS) for template in (*ISSUED, *CALLED_SO)]
    for _ in range(ROUNDS):
        for kind, make in COMPUTED:
            credential = make(random)
            plants.append((BY_HAND.get(kind, "{}").format(credential), credential))
    return plants


PLANTED = _planted()


def test_at_least_150_credentials_of_60_forms_are_planted() -> None:
    assert len(PLANTED) >= 150
    assert len({one.kind for text, _ in PLANTED for one in recognised(text)}) >= 60


@pytest.mark.parametrize(("before", "behind"), CARRIERS, ids=range(len(CARRIERS)))
def test_a_credential_is_taken_out_and_everything_else_stays(before: str, behind: str) -> None:
    missed = [
        text
        for text, credential in PLANTED
        if without_recognised(before + text + behind) != before + text.replace(credential, "[redacted]") + behind
    ]
    assert missed == []


@pytest.mark.parametrize("form", FORMS, ids=[f"{form.kind} {form.lead}" for form in FORMS])
def test_every_form_is_planted(form: Form) -> None:
    pattern = re2.compile(form.pattern)
    assert any(
        found and credential in text and form.check(found[pattern.groups].encode())
        for text, credential in PLANTED
        for found in [pattern.search(text)]
    )


@pytest.mark.parametrize("form", FORMS, ids=[f"{form.kind} {form.lead}" for form in FORMS])
def test_a_credential_has_no_letter_that_means_something_to_a_shell_or_a_query(form: Form) -> None:
    pattern = re2.compile(form.pattern)
    found = [
        match[pattern.groups]
        for text, _ in PLANTED
        for match in pattern.finditer(text)
        if form.check(match[pattern.groups].encode())
    ]
    allowed = "\\ \r\n:-(),." if "private key" in form.kind else ""
    assert not {
        letter
        for text in found
        for letter in text
        if letter in " \t\r\n\"'`$;&|<>(){}[]\\?#@*^," and letter not in allowed
    }


def test_places_are_bytes_from_left_to_right() -> None:
    random = Random(SEED)
    (first, one), (second, other) = filled("«ghp_<W36>»", random), filled("token: «<W40>»", random)
    text = f"\u00e9\ud800 {first} \u4f60 {second}"
    found = recognised(text)
    data = text.encode("utf-8", "surrogatepass")
    assert [data[at.start : at.end].decode() for at in found] == [one, other]
    assert [(at.kind, at.certain) for at in found] == [
        ("a GitHub token", True),
        ("a value that is called a secret", False),
    ]


def test_many_credentials_in_one_text_are_all_found() -> None:
    text = " ".join(text for text, _ in PLANTED)
    masked = without_recognised(text)
    assert [credential for _, credential in PLANTED if credential in masked] == []


@pytest.mark.parametrize("between", [" ", "\n", ";", '","', "&", " -> "])
def test_a_credential_does_not_hide_its_neighbour(between: str) -> None:
    random = Random(SEED)
    for template in ("token=«<W30>»", "password=«<W14>»", "«AIza<u35>»", "«sk-proj-<u60>»", "pwd=«<W9>»"):
        pairs = [filled(template, random) for _ in range(4)]
        masked = without_recognised('"' + between.join(text for text, _ in pairs) + '"')
        assert [credential for _, credential in pairs if credential in masked] == [] or template.startswith("pwd")


def test_overlapping_credentials_leave_no_tail() -> None:
    random = Random(SEED)
    inner = filled("«ghp_<W36>»", random)[1]
    for text in (
        f"token={inner}.and7more",
        f"Bearer abc{inner}/x7Kq9Zw2",
        f"api_key = x7Kq9Zw2.{inner}",
        f"https://u:{inner}-tail7@example.com",
    ):
        masked = without_recognised(text)
        assert masked.count("[redacted]") == 1
        assert "7" not in masked


PLACEHOLDERS = (
    *(
        "password=xxxxxxxxxxxxxxxx",
        "secret: your-secret-goes-here-1",
        "token=0000000000000000a",
        "«AKIA»AAAAAAAAAAAAAAAA",
        "eyJhbGciOiJub25l.eyJ.",
    ),
    *(
        "eyJub3RoaW5nIjoxfQ.",
        "-----BEGIN PRIVATE KEY-----\nnothing\n",
        "password=placeholder.",
        "https://user:password@example.com ",
    ),
    *("secret=password=", "Bearer example-token-example1 ", "Basic notalogin99 "),
)


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
def test_what_only_looks_like_a_credential_does_not_swallow_the_next(placeholder: str) -> None:
    random = Random(SEED)
    for template in ("password=«<W24>»", " «ghp_<W36>»"):
        text, credential = filled(template, random)
        assert credential not in without_recognised(placeholder + text)
    token = COMPUTED[0][1](random)
    assert without_recognised(f"{placeholder} {token}").endswith(" [redacted]")


def test_a_token_behind_a_part_that_is_none_is_found() -> None:
    token = COMPUTED[0][1](Random(SEED))
    assert without_recognised(f"eyJub3RoaW5nIjoxfQ.{token}") == "eyJub3RoaW5nIjoxfQ.[redacted]"


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_no_credential_stays(text: str) -> None:
    for around in (text, f"x\n{text}\ny", json.dumps({"note": text})):
        assert without_recognised(around) is around


def test_made_up_lookalikes_stay() -> None:
    random = Random(SEED)
    for template in LOOKALIKES:
        text = filled(template.replace("«", "").replace("»", "") + "«»", random)[0]
        assert without_recognised(text) is text, template


@pytest.mark.parametrize(("text", "visible"), MESSAGES)
def test_nothing_that_says_something_is_hidden(text: str, visible: str) -> None:
    assert visible in without_recognised(text)


def test_the_standard_library_has_hardly_any() -> None:
    characters = found = 0
    for path in sorted(pathlib.Path(sysconfig.get_path("stdlib")).glob("[a-l]*/[a-m]*.py")):
        if "site-packages" in path.parts:
            continue
        text = path.read_text("latin-1")
        characters += len(text)
        found += len(recognised(text))
    assert characters > 1_000_000
    assert found <= 5 * characters / 1_000_000


WEIRD = (
    *(
        "",
        "\0" * 40,
        "\ud800" * 40,
        "eyJ" * 10_000,
        "-----BEGIN " * 5_000,
        "password=" * 10_000,
        "AIza" * 10_000,
        "a://b:" * 9_000 + "@c",
    ),
    *(
        "pwd=aaaaaaaaa" * 1_000,
        "xai-" * 20_000,
        "bearer " * 9_000,
        "basic " * 9_000,
        "-----BEGIN PRIVATE KEY-----" + "A" * 100_000,
    ),
    *(
        "-----BEGIN PRIVATE KEY-----\n" + "MIIA" * 50_000,
        "sk-" * 30_000,
        "-M" * 30_000,
        "://a:" * 9_000,
        "token " * 9_000,
        "secret=" + "/" * 99_999,
    ),
)


@pytest.mark.parametrize("text", WEIRD, ids=range(len(WEIRD)))
def test_whatever_is_written_is_answered(text: str) -> None:
    assert without_recognised(text) is text
    credential = filled("«ghp_<W36>»", Random(SEED))[1]
    assert without_recognised(f"{text} {credential}").endswith(" [redacted]")


@pytest.mark.parametrize(
    "said", ["[" * 100_000, '{"a":' * 3_000, "1" * 4_000, '{"alg":' + "9" * 50_000 + "}", '{"alg": 1', "[]", '"alg"']
)
def test_a_header_is_read_with_care(said: str) -> None:
    part = base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")
    header = base64.urlsafe_b64encode(b'{"alg":"HS256"}').decode().rstrip("=")
    for text in (f"eyJ{part}.{part}.abc", f"{header}.{part}.abc", f"eyJ{part}AAAA.eyJ{part}.a.b.c"):
        assert without_recognised(text) is text


def test_an_automaton_that_does_not_answer_asks_every_form() -> None:
    mute = re2.Set.SearchSet()
    mute.Compile()
    assert mute.Match(b"nothing at all") is None
    assert secrets._possible(mute, b"nothing at all") is FORMS
    leads = secrets._leads()
    assert leads.Match(b"nothing at all") == [len(FORMS)]
    assert list(secrets._possible(leads, b"ghp_")) == [form for form in FORMS if form.lead.startswith("gh[")]


def test_a_credential_behind_all_that_looks_like_one_is_found() -> None:
    random = Random(SEED)
    parts = [*(text[: random.randrange(4, 30)] for text, _ in PLANTED), "-", "_", ".", "/", "\n", "AIza", "sk-", "-M"]
    noise = "".join(random.choice(parts) + chr(random.randrange(33, 127)) for _ in range(20_000))
    key = filled("«ghp_<W36>»", random)[1]
    assert without_recognised(f"{noise}\n{key}").endswith("\n[redacted]")


def test_leads_have_no_repetition_but_a_short_one() -> None:
    long = re.compile(r"[*+]|\{[0-9]+,|\{(?:1[5-9]|[2-9][0-9])")
    assert [form.kind for form in FORMS if long.search(form.lead)] == []


def test_a_text_made_of_possible_credentials_is_one_of_them_as_a_whole() -> None:
    key = filled("«ghp_<W36>»", Random(SEED))[1]
    few, many = f"{key} " * 1_000, "pwd=aaaaaaaaa" * 3_000
    assert without_recognised(few) == "[redacted] " * 1_000
    (found,) = recognised(many)
    assert (found.start, found.end, found.certain) == (0, len(many), True)
    assert found.kind == "more possible credentials than are looked at"
    assert without_recognised("\n" * 1_000_000 + many) == "\n" * 1_000_000 + many


def test_what_may_hold_none_holds_none() -> None:
    assert [text for text, _ in PLANTED if not may_hold_one(text)] == []
    assert not any(map(may_hold_one, ("", "key", "nothing in this sentence")))


_FRAGMENTS = st.sampled_from(
    [
        *(text for text, _ in PLANTED[: len(ISSUED) + len(CALLED_SO)]),
        *(form.lead for form in FORMS),
        "\n",
        '"',
        "=",
        ": ",
        "\\",
        "@",
        "-",
        "_",
        ".",
    ]
)
_TEXTS = st.one_of(
    st.text(),
    st.lists(st.one_of(_FRAGMENTS, st.text(max_size=6), st.text("aZ09-_./+=", max_size=40)), max_size=12).map("".join),
)


@given(_TEXTS)
def test_masking_touches_nothing_else_and_is_done_once(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    found = recognised(text)
    masked = without_recognised(text)
    kept, at = b"", 0
    for one in found:
        assert at <= one.start < one.end <= len(data)
        kept += data[at : one.start] + b"[redacted]"
        at = one.end
    assert kept + data[at:] == masked.encode("utf-8", "surrogatepass")
    assert (masked is text) == (not found)
    assert without_recognised(masked) is masked
