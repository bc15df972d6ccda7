"""The bytes of an action and the hashes that speak of it, as docs/formats.md pins them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aaf.domain.action_bytes import (
    action_bytes,
    action_object,
    alike_bytes,
    commitment,
    context_digest,
    digest,
    effect_digest,
    match_key,
    plain_name,
    split_name,
    view_digest,
)
from aaf.domain.canonical import canonical, parse
from aaf.domain.errors import Code, InputRefused

VECTOR: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "action.json").read_text(encoding="utf-8")
)
SALT = bytes.fromhex(VECTOR["salt"])


def bytes_of(**changed: Any) -> bytes:
    tool, operation = split_name(VECTOR["name"])
    parts = {name: VECTOR[name] for name in ("org", "agent", "server", "params")}
    return action_bytes(**{**parts, "tool": tool, "operation": operation, **changed})


def test_pinned_action_bytes_and_digest() -> None:
    assert bytes_of().decode() == VECTOR["action_bytes"]
    assert digest(SALT, bytes_of()) == VECTOR["digest"]


def test_the_action_object_is_what_its_bytes_say() -> None:
    built = action_object(
        org=VECTOR["org"], agent=VECTOR["agent"], server=None, tool="email", operation="send", params=VECTOR["params"]
    )
    assert parse(bytes_of()) == built
    assert canonical(built) == bytes_of()


@pytest.mark.parametrize(
    "changed",
    [
        {"org": VECTOR["agent"]},
        {"agent": VECTOR["org"]},
        {"server": "https://tools.example"},
        {"tool": "emails"},
        {"operation": "sent"},
        {"params": {}},
        {"params": VECTOR["params"] | {"retries": "3"}},
        {"params": VECTOR["params"] | {"subject": VECTOR["params"]["subject"] + "\u200b"}},
    ],
)
def test_whatever_changes_in_an_action_changes_its_digest(changed: dict[str, Any]) -> None:
    assert digest(SALT, bytes_of(**changed)) != VECTOR["digest"]


def test_one_value_in_two_spellings_is_one_action() -> None:
    source = json.dumps(VECTOR["params"]).replace('"retries": 3', '"retries": 3.0')
    assert bytes_of(params=parse(source.encode())) == bytes_of()


@pytest.mark.parametrize(
    ("function", "name"),
    [(view_digest, "view_digest"), (effect_digest, "effect_digest"), (context_digest, "context_digest")],
)
def test_pinned_digests_of_what_goes_with_an_action(function: Callable[[bytes, bytes], str], name: str) -> None:
    assert function(SALT, VECTOR["data"].encode()) == VECTOR[name]


def test_digests_of_different_things_never_meet() -> None:
    data = VECTOR["data"].encode()
    functions = (digest, view_digest, effect_digest, context_digest, commitment)
    assert len({function(SALT, data) for function in functions}) == len(functions)


def test_pinned_commitment() -> None:
    salt = bytes.fromhex(VECTOR["field_salt"])
    assert commitment(salt, canonical(VECTOR["field_value"])) == VECTOR["commitment"]


def test_pinned_match_key() -> None:
    key = bytes.fromhex(VECTOR["match_secret"])
    alike = {name: VECTOR[name] for name in ("agent", "name", "server", "params")}
    assert match_key(key, alike_bytes(**alike)) == VECTOR["match_key"]
    assert match_key(key, alike_bytes(**{**alike, "server": "https://tools.example"})) != VECTOR["match_key"]
    assert match_key(key[::-1], alike_bytes(**alike)) != VECTOR["match_key"]


@pytest.mark.parametrize("function", [digest, view_digest, effect_digest, context_digest, commitment])
@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_salt_of_another_length_is_a_bug_of_the_caller(function: Callable[[bytes, bytes], str], size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        function(bytes(size), b"{}")


def test_a_short_match_key_is_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        match_key(bytes(15), b"{}")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("email.send", ("email", "send")),
        ("a.b", ("a", "b")),
        ("cloud.storage.put_object", ("cloud.storage", "put_object")),
        ("x1.y_2", ("x1", "y_2")),
        ("a." + "b" * 126, ("a", "b" * 126)),
        ("action.do", ("action", "do")),
    ],
)
def test_a_name_is_split_at_its_last_dot(name: str, parts: tuple[str, str]) -> None:
    assert split_name(name) == parts
    assert plain_name(name) == name


def test_the_long_form_is_another_spelling_of_the_name() -> None:
    assert plain_name("email.send.action.do") == "email.send"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "email",
        ".send",
        "email.",
        "email..send",
        "Email.send",
        "email.Send",
        "1email.send",
        "_email.send",
        "email.2send",
        "email.send\n",
        " email.send",
        "email-x.send",
        "émail.send",
        "еmail.send",  # noqa: RUF001 - a Cyrillic letter, as an attacker would write it
        "a." + "b" * 127,
    ],
)
def test_what_is_no_name_is_refused(name: str) -> None:
    for function in (split_name, plain_name):
        with pytest.raises(InputRefused) as caught:
            function(name)
        assert (caught.value.code, caught.value.path) == (Code.WRONG_TYPE, "$.action")
        assert name not in caught.value.message or not name


@pytest.mark.parametrize("name", ["email.action.do", "email.send.action.do.action.do"])
def test_the_long_form_of_no_name_is_refused(name: str) -> None:
    with pytest.raises(InputRefused):
        plain_name(name)


def test_only_the_plain_spelling_is_split() -> None:
    with pytest.raises(InputRefused):
        split_name("email.send.action.do")
