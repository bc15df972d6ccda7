"""A permit checked offline: only the whole and unchanged token of this firewall, for this audience, this call, now, once."""

import base64
import json
import multiprocessing
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from aaf.domain import canonical as ours
from aaf.domain.action_bytes import action_bytes, digest
from aaf.domain.permit import Claims as Issued
from aaf.domain.permit import assemble_token, key_fingerprint, signing_input
from aaf_client.canonical import canonical
from aaf_client.errors import Misuse, PermitRefused
from aaf_client.permits import LEEWAY, PermitChecker
from aaf_client.seen import SqliteSeenSet
from tests.client.conftest import Server

ORG = "01a1fe3e-660c-7ce3-8a78-c974eea7e7f1"
AGENT = "01a1fe3e-660c-7ce3-8a78-c974eea7e7f2"
JTI = "01a1fe3e-660c-7ce3-8a78-c974eea7e7f3"
ISSUER = f"aaf/01a1fe3e-660c-7ce3-8a78-c974eea7e7f4/org/{ORG}"
SALT = bytes(range(32))
NOW = 1_700_000_000
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = KEY.public_key().public_bytes_raw()
PARAMS: dict[str, Any] = {"to": "bob@example.org", "amount": "5.00", "share": 0.5, "copies": [1, None, True]}
CALL: dict[str, Any] = {"tool": "mail", "operation": "send", "params": PARAMS}


def claims(**changes: Any) -> Issued:
    data = action_bytes(org=ORG, agent=AGENT, server=None, tool="mail", operation="send", params=PARAMS)
    good = Issued(
        aud="mailer",
        digest=digest(SALT, data),
        exp=NOW + 60,
        iat=NOW,
        iss=ISSUER,
        jti=JTI,
        nbf=NOW,
        salt=SALT.hex(),
        sub=AGENT,
    )
    return replace(good, **changes)


def token(said: Issued, key: Ed25519PrivateKey = KEY) -> str:
    data = signing_input(said, key_fingerprint(key.public_key().public_bytes_raw()))
    return assemble_token(data, key.sign(data))


def forged(header: bytes, body: bytes) -> str:
    """Signed with the right key, but not as the firewall would."""
    start = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (header, body))
    return (start + b"." + base64.urlsafe_b64encode(KEY.sign(start)).rstrip(b"=")).decode()


@pytest.fixture
def seen(tmp_path: Path) -> SqliteSeenSet:
    return SqliteSeenSet(tmp_path / "seen.db")


def checker(seen: SqliteSeenSet, now: Callable[[], float] = lambda: NOW + 1, **changes: Any) -> PermitChecker:
    return PermitChecker(PUBLIC, **{"audience": "mailer", "issuer": ISSUER, "seen": seen, "now": now, **changes})


def refused(check: PermitChecker, text: str, **changes: Any) -> str:
    with pytest.raises(PermitRefused) as caught:
        check.use(text, **{**CALL, **changes})
    return caught.value.code


def test_a_good_permit_is_used_once(seen: SqliteSeenSet) -> None:
    check = checker(seen)
    assert asdict(check.use(token(claims()), **CALL)) == asdict(claims())
    assert refused(check, token(claims())) == "already_consumed"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tool": "shell"}, "digest_mismatch"),
        ({"operation": "delete"}, "digest_mismatch"),
        ({"server": "other"}, "digest_mismatch"),
        ({"params": {**PARAMS, "to": "eve@example.org"}}, "digest_mismatch"),
        ({"params": {**PARAMS, "more": 1}}, "digest_mismatch"),
        ({"params": {"to": object()}}, "digest_mismatch"),
    ],
)
def test_another_call_is_refused_and_the_permit_stays_good(
    seen: SqliteSeenSet, changes: dict[str, Any], code: str
) -> None:
    check = checker(seen)
    assert refused(check, token(claims()), **changes) == code
    check.use(token(claims()), **CALL)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (claims(aud="shell"), "wrong_audience"),
        (claims(iss=ISSUER[:-1] + "0"), "wrong_issuer"),
        (claims(digest="0" * 64), "digest_mismatch"),
        (claims(sub=JTI), "digest_mismatch"),
        (claims(salt="0" * 64), "digest_mismatch"),
        (claims(exp=NOW + 1), "expired_permit"),
        (claims(iat=NOW - 90, nbf=NOW - 90, exp=NOW - 30), "expired_permit"),
        (claims(nbf=NOW + LEEWAY + 2), "early_permit"),
        (claims(iat=NOW + LEEWAY + 2, nbf=NOW), "early_permit"),
    ],
)
def test_what_a_permit_says_has_to_fit(seen: SqliteSeenSet, said: Issued, code: str) -> None:
    assert refused(checker(seen), token(said)) == code


def test_a_clock_that_is_a_little_behind_is_no_reason(seen: SqliteSeenSet) -> None:
    checker(seen, lambda: NOW - LEEWAY).use(token(claims()), **CALL)


def test_another_firewalls_issuer_is_refused_even_if_it_is_expected(seen: SqliteSeenSet) -> None:
    assert refused(checker(seen, issuer="somewhere"), token(claims(iss="somewhere"))) == "malformed_permit"


def test_another_key_is_refused(seen: SqliteSeenSet) -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"1" * 32)
    assert refused(checker(seen), token(claims(), other)) == "unknown_key"
    named, said, _ = token(claims()).split(".")
    signature = token(claims(aud="x")).split(".")[2]
    assert refused(checker(seen), f"{named}.{said}.{signature}") == "bad_signature"


GOOD = token(claims())
HEAD, BODY, SIGNATURE = GOOD.split(".")
HEADER = base64.urlsafe_b64decode(HEAD + "==")
SAID = canonical(asdict(claims()))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b",
        GOOD + ".x",
        GOOD + "=",
        GOOD + "\n",
        " " + GOOD,
        GOOD.replace("-", "+").replace("_", "/") + "/",
        f"{HEAD}..{SIGNATURE}",
        f"{HEAD}.{BODY}.",
        f"{HEAD}.{BODY}.{SIGNATURE[:-1]}A" if SIGNATURE[-1] != "A" else f"{HEAD}.{BODY}.{SIGNATURE[:-1]}B",
        "a" * 5000,
        forged(b'{"alg":"none","typ":"aaf-permit+jwt"}', SAID),
        forged(HEADER.replace(b"EdDSA", b"HS256"), SAID),
        forged(HEADER.replace(b"aaf-permit+jwt", b"JWT"), SAID),
        forged(b" " + HEADER, SAID),
        forged(HEADER.replace(b'"alg"', b'"crit":[],"alg"'), SAID),
        forged(HEADER, b" " + SAID),
        forged(HEADER, b"[]"),
        forged(HEADER, b"{"),
        forged(HEADER, b"[" * 2000),
        forged(HEADER, SAID.replace(b'{"aud"', b'{"aud":"mailer","aud"')),
        forged(HEADER, canonical({**asdict(claims()), "more": 1})),
        forged(HEADER, canonical({**asdict(claims()), "exp": str(NOW)})),
        forged(HEADER, canonical({**asdict(claims()), "exp": True})),
        forged(HEADER, canonical({**asdict(claims()), "exp": NOW + 61})),
        forged(HEADER, canonical({**asdict(claims()), "jti": "x"})),
        forged(HEADER, canonical({**asdict(claims()), "salt": "x"})),
        forged(HEADER, canonical({**asdict(claims()), "aud": ""})),
        forged(HEADER, canonical({**asdict(claims()), "nbf": NOW + 61})),
    ],
)
def test_what_is_not_spelt_as_the_firewall_spells_it_is_refused(seen: SqliteSeenSet, text: str) -> None:
    assert refused(checker(seen), text) in {"malformed_permit", "bad_signature"}


def test_a_key_that_is_none_is_a_mistake_of_the_program(seen: SqliteSeenSet) -> None:
    with pytest.raises(Misuse):
        PermitChecker(b"short", audience="mailer", issuer=ISSUER, seen=seen)


def test_the_real_servers_permit_is_good(server: Server, seen: SqliteSeenSet) -> None:
    core = server.world.core
    with server.client() as client:
        action = client.submit_action("note.take", {"text": "x"})
        permit = client.request_permit(action, audience="notes")
    clock = server.world.clock
    check = PermitChecker(
        core.permit_signer.public_key,
        audience="notes",
        issuer=core.origin(server.world.org),
        seen=seen,
        now=lambda: clock.wall() / 1_000_000,
    )
    said = check.use(permit.token, tool="note", operation="take", params={"text": "x"})
    assert (said.jti, said.digest, said.sub) == (permit.jti, action.digest, server.world.id("agent"))


# --- the seen-set -----------------------------------------------------------------------------------------------------


def test_a_seen_set_outlives_its_process(tmp_path: Path) -> None:
    assert SqliteSeenSet(tmp_path / "seen.db").add("a", until=NOW + 60, now=NOW)
    assert not SqliteSeenSet(tmp_path / "seen.db").add("a", until=NOW + 60, now=NOW)
    assert (tmp_path / "seen.db").stat().st_mode & 0o777 == 0o600


def test_what_is_over_is_forgotten_and_a_clock_set_back_makes_it_no_newer(tmp_path: Path) -> None:
    seen = SqliteSeenSet(tmp_path / "seen.db")
    assert seen.add("a", until=NOW + 60, now=NOW)
    assert seen.add("b", until=NOW + 200, now=NOW + 100)
    with sqlite3.connect(tmp_path / "seen.db") as connection:
        assert connection.execute("SELECT jti FROM seen").fetchall() == [("b",)]
    connection.close()
    assert not seen.add("a", until=NOW + 60, now=NOW)


PERMITS = 12


def _race(path: str, start: Any, won: Any) -> None:
    seen = SqliteSeenSet(path)
    start.wait()
    for number in range(PERMITS):
        if seen.add(f"{number}", until=NOW + 60, now=NOW):
            won.put(number)
    won.put(None)


def test_of_many_processes_one_uses_a_permit(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start, won = context.Barrier(3), context.Queue()
    others = [context.Process(target=_race, args=(str(tmp_path / "seen.db"), start, won)) for _ in range(3)]
    for other in others:
        other.start()
    numbers, ended = [], 0
    while ended < 3:
        number = won.get(timeout=30)
        ended += number is None
        numbers += [number] if number is not None else []
    for other in others:
        other.join(30)
    assert sorted(numbers) == list(range(PERMITS))


def test_a_permit_that_cannot_be_remembered_is_not_good(tmp_path: Path) -> None:
    with pytest.raises(PermitRefused) as caught:
        SqliteSeenSet(tmp_path / "nowhere" / "seen.db")
    assert caught.value.code == "seen_set_unavailable"
    (tmp_path / "rubbish.db").write_bytes(b"not a database" * 100)
    with pytest.raises(PermitRefused):
        SqliteSeenSet(tmp_path / "rubbish.db")
    seen = SqliteSeenSet(tmp_path / "seen.db")
    (tmp_path / "seen.db").write_bytes(b"not a database" * 100)
    with pytest.raises(PermitRefused) as caught:
        seen.add("a", until=NOW, now=NOW)
    assert caught.value.code == "seen_set_unavailable"


# --- canonical bytes --------------------------------------------------------------------------------------------------

_NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-(2.0**53) + 1, 2.0**53 - 1)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(_VALUES)
def test_the_canonical_bytes_are_those_of_the_firewall(value: Any) -> None:
    assert canonical(value) == ours.canonical(value)
    assert json.loads(canonical(value)) == value
