"""A secret of the firewall that an agent quotes: nobody is shown it, nothing exports it, and what was sent still runs."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from textwrap import wrap

import pytest

from aaf.domain.canonical import Json
from aaf.domain.errors import Code, ConnectorFailed, InputRefused
from aaf.domain.redaction import Values
from aaf.domain.states import State
from aaf.services.actions import see
from aaf.services.proof import proof_pack
from aaf.services.recovery import let_go
from aaf.services.review import open_value, show
from tests.services.test_proof import unpacked
from tests.services.world import FILES, World, diff_lines, edited, refused

SECRET = "sk-live-4f9a8b7c6d5e"
QUOTATIONS: list[Callable[[str], str]] = [
    str,
    lambda value: base64.b64encode(value.encode()).decode(),
    lambda value: value.encode().hex(),
    lambda value: value.replace("-", "%2D"),
    lambda value: f"Bearer {value}",
]


@dataclass(frozen=True)
class Holding:
    """A firewall that holds one secret."""

    values: Values

    def known(self) -> Values:
        return self.values


def holds_nothing(*_: object) -> Values:
    """Stand in for a finder: it knows no secret."""
    return Values(())


@pytest.fixture
def holding(world: World) -> World:
    world.core = replace(world.core, held_secrets=Holding(Values([SECRET])))
    return world


def told(world: World, action: str) -> str:
    """Everything that people are shown of an action, long values too."""
    seen = world.run(show(world.core, world.caller("ann"), action))
    whole: list[Json] = [seen.view]
    whole += [
        world.run(open_value(world.core, world.caller("ann"), action, at)) for at in range(seen.record.long_values)
    ]
    return json.dumps(whole)


@pytest.mark.requirement("R07")
@pytest.mark.attack(
    "G32", guard="aaf.services.quoting:without_secrets", without="tests.attacks.without:second_argument"
)
@pytest.mark.parametrize("quote", QUOTATIONS)
def test_what_people_are_shown_quotes_no_secret_and_what_runs_is_what_was_sent(
    holding: World, quote: Callable[[str], str]
) -> None:
    record = holding.write(f"key = {quote(SECRET)}\n")
    assert quote(SECRET) not in told(holding, record.id)
    assert "[redacted]" in told(holding, record.id)
    holding.approve(record)
    holding.execute(record)
    assert holding.record(record).state is State.SUCCEEDED
    assert (holding.folder / "workspace" / "a.txt").read_text() == f"key = {quote(SECRET)}\n"


@pytest.mark.attack(
    "G32", guard="aaf.services.quoting:without_secrets", without="tests.attacks.without:second_argument"
)
def test_a_secret_that_a_dry_run_finds_is_not_shown_either(holding: World) -> None:
    (holding.folder / "workspace" / "a.txt").write_text(f"old {SECRET}\n")
    record = holding.write("new\n", context={"why": f"rotate {SECRET}"})
    assert SECRET not in told(holding, record.id)


@pytest.mark.attack("G32", guard="aaf.services.quoting:quoted", without="tests.attacks.without:returns_empty_tuple")
def test_quoting_a_secret_is_a_finding_that_raises_the_risk_and_that_rules_can_ask_for(holding: World) -> None:
    record = holding.submit("files.read", {"path": "a.txt"}, context={SECRET: "here"}).record
    assert record.risk == "high"
    assert holding.submit("files.read", {"path": "a.txt"}, context={"x": "here"}).record.risk == "low"
    found = holding.run(show(holding.core, holding.caller("ann"), holding.write(SECRET).id)).view["findings"]
    assert isinstance(found, list)
    assert [(one["code"], one["field"]) for one in found if isinstance(one, dict)] == [
        (str(Code.SECRET_QUOTED), "params.content")
    ]


@pytest.mark.requirement("R07")
@pytest.mark.attack(
    "G32",
    guard=("aaf.services.quoting:quotes_a_secret", "aaf.services.quoting:quoted"),
    without=("tests.attacks.without:returns_false", "tests.attacks.without:returns_empty_tuple"),
)
def test_a_proof_discloses_no_field_that_quotes_a_secret(holding: World) -> None:
    record = holding.write(f"key = {SECRET}\n", context={"note": SECRET})
    holding.reject(record, reason=f"this is {SECRET}")
    pack = unpacked(holding.run(proof_pack(holding.core, holding.caller("bot"), record.id)))
    assert SECRET not in pack
    assert "a.txt" in pack


def test_a_firewall_without_secrets_looks_for_none(world: World) -> None:
    assert world.submit("files.read", {"path": "a.txt"}, context={"x": SECRET}).record.risk == "low"


# --- secrets that the firewall doesn't hold, by their form ---

RANDOM = Random(7)
TOKEN = "ghp_" + "".join(RANDOM.sample("abcdefghijkmnpqrstuvwxyz23456789" * 4, 36))
KEY = "-----BEGIN PRIVATE KEY-----\n"
KEY += "\n".join(wrap(base64.b64encode(b"\x30\x82" + RANDOM.randbytes(300)).decode(), 64))
KEY += "\n-----END PRIVATE KEY-----"


@pytest.mark.requirement("R07")
@pytest.mark.attack(
    "G32", guard="aaf.services.quoting:without_recognised", without="tests.attacks.without:first_argument"
)
@pytest.mark.parametrize("secret", [TOKEN, KEY], ids=["token", "key"])
def test_a_credential_of_somebody_else_is_shown_to_nobody_and_what_runs_is_what_was_sent(
    world: World, secret: str
) -> None:
    record = world.write(f"first\n{secret}\nlast\n", context={"why": f"use {secret}"})
    seen = told(world, record.id)
    assert not any(line in seen for line in secret.splitlines()[-2:])
    assert "first" in seen
    world.approve(record)
    world.execute(record)
    assert world.content() == f"first\n{secret}\nlast\n"


@pytest.mark.attack("G32", guard="aaf.services.quoting:_clean_lines", without="tests.attacks.without:second_argument")
def test_a_key_that_a_file_already_has_is_not_shown_as_the_lines_of_a_diff(world: World) -> None:
    world.workspace.joinpath("a.txt").write_text(KEY + "\n")
    record = world.write("nothing\n")
    assert KEY.splitlines()[1] not in told(world, record.id)


def test_a_diff_without_a_secret_over_several_lines_is_shown(world: World) -> None:
    world.workspace.joinpath("a.txt").write_text(f"one\nkey {TOKEN}\n")
    record = world.write("one\ntwo\n")
    view = world.run(show(world.core, world.caller("ann"), record.id)).view
    assert diff_lines(view)[-3:] == [" one", "-key [redacted]", "+two"]


@pytest.mark.attack("G32", guard="aaf.services.quoting:recognised", without="tests.attacks.without:returns_empty_tuple")
def test_a_credential_is_a_finding_that_says_what_it_looks_like(world: World) -> None:
    record = world.submit("files.read", {"path": "a.txt"}, context={TOKEN: "here"}).record
    assert record.risk == "high"
    guessed = world.submit("files.read", {"path": "a.txt"}, context={"x": "password=" + TOKEN[4:24]}).record
    assert guessed.risk == "medium"
    found = world.run(show(world.core, world.caller("ann"), world.write(f"{TOKEN} postgres://u:{TOKEN[8:20]}@h/").id))
    (finding,) = found.view["findings"] if isinstance(found.view["findings"], list) else []
    assert isinstance(finding, dict)
    assert (finding["code"], finding["field"], finding["severity"]) == ("secret_detected", "params.content", "high")
    assert "What looks like a GitHub token and the password of an address stands here" in json.dumps(finding["note"])


@pytest.mark.requirement("R07")
@pytest.mark.attack(
    "G32",
    guard=("aaf.services.quoting:recognised", "aaf.services.submit:_hidden"),
    without=("tests.attacks.without:returns_empty_tuple", "tests.attacks.without:returns_empty_list"),
)
def test_a_proof_discloses_no_credential_of_somebody_else(world: World) -> None:
    record = world.write(f"key = {TOKEN}\n", context={"note": TOKEN})
    world.reject(record, reason=f"this is {TOKEN}")
    pack = unpacked(world.run(proof_pack(world.core, world.caller("bot"), record.id)))
    assert TOKEN not in pack
    assert "a.txt" in pack


@pytest.mark.attack("G32", guard="aaf.services.forming:quotes_a_secret", without="tests.attacks.without:returns_false")
def test_a_server_s_name_holds_no_secret(holding: World) -> None:
    for name in (f"https://x/{TOKEN}", SECRET):
        with holding.unrecorded(), refused(Code.SECRET_DETECTED, InputRefused):
            holding.submit("files.read", {"path": "a.txt"}, server=name)


# --- sensitive names that no schema declares ---

OPEN = edited(
    "actions/pay.send.yaml",
    ("  properties:\n", "  properties:\n    more: {type: object, open: true}\n"),
    files=edited("aaf.yaml", ("version: 1\n", "version: 1\nredact: [iban]\n")),
)


@pytest.mark.requirement("R07", "R23")
@pytest.mark.attack("G32", guard="aaf.domain.redaction:Fields.members", without="tests.attacks.without:second_argument")
def test_a_sensitive_name_deep_in_an_open_object_or_in_the_context_hides_its_value(world: World) -> None:
    world.configure(OPEN)
    more: Json = {"login": [{"Pass-Word": "hunter22", "user": "ann"}], "IBAN": "hunter22"}
    context: dict[str, Json] = {"why": "because", "API key": {"value": "hunter22"}, "was": {"token": "hunter22"}}
    params = {"to": "shop", "amount": "500.00", "more": more}
    record = world.submit("pay.send", params, context=context).record
    seen = told(world, record.id)
    assert "hunter22" not in seen
    assert all(word in seen for word in ("ann", "because", "500.00"))
    world.reject(record)
    for now in (OPEN, FILES):
        world.configure(now)
        pack = unpacked(world.run(proof_pack(world.core, world.caller("bot"), record.id)))
        assert "hunter22" not in pack
        assert "500.00" in pack


@pytest.mark.attack("G12", guard="aaf.domain.redaction:touches", without="tests.attacks.without:returns_false")
def test_a_target_is_shown_whatever_it_is_called(world: World) -> None:
    changes = (
        ("  properties:\n", "  properties:\n    token: {type: string}\n"),
        ("[params.to]", "[params.to, params.token]"),
    )
    world.configure(edited("actions/pay.send.yaml", *changes))
    record = world.submit("pay.send", {"to": "shop", "amount": "500.00", "token": "coin-of-gold"}).record
    assert "coin-of-gold" in told(world, record.id)


@pytest.mark.attack("G32", guard="aaf.services.review:without_secrets", without="tests.attacks.without:second_argument")
def test_a_reason_that_quotes_a_credential_is_shown_without_it(world: World) -> None:
    record = world.write("new\n")
    world.reject(record, reason=f"not with {TOKEN}")
    assert world.run(see(world.core, world.bot, record.id)).rejection == "not with [redacted]"


@pytest.mark.attack(
    "G32", guard="aaf.services.recovery:without_secrets", without="tests.attacks.without:second_argument"
)
def test_the_ledger_holds_no_credential_that_somebody_gave_as_a_reason(world: World) -> None:
    world.run(world.core.store.set_recovering("ledger"))
    world.run(let_go(world.core, reason=f"restored with {TOKEN}"))
    (body,) = world.bodies("recovery.released", world.run(world.core.store.installation()))
    assert body["data"]["reason"] == "restored with [redacted]"


# --- what masking must not do ---


@pytest.mark.attack(
    "G12", guard="aaf.domain.redaction:_each_member", without="tests.attacks.permissive:members_by_name"
)
def test_no_value_goes_lost_under_a_name_that_is_masked(world: World) -> None:
    world.configure(OPEN)
    other = TOKEN[:-4] + "wxyz"
    more = {TOKEN: "first-one", other: "second-one", "[redacted]": "third-one"}
    record = world.submit("pay.send", {"to": "shop", "amount": "500.00", "more": more}).record
    seen = told(world, record.id)
    assert [word for word in ("first-one", "second-one", "third-one") if word not in seen] == []
    assert TOKEN not in seen


@pytest.mark.attack(
    "G32", guard="aaf.services.holding:without_secrets", without="tests.attacks.without:second_argument"
)
def test_the_place_of_a_finding_quotes_no_credential(world: World) -> None:
    assert TOKEN not in told(world, world.write("x\n", context={TOKEN: "v"}).id)


@pytest.mark.attack("G12", guard="aaf.services.judging:too_crowded", without="tests.attacks.without:returns_false")
def test_a_text_that_would_be_masked_as_a_whole_is_not_held(world: World) -> None:
    crowd = "do harm\n" + "pwd=aaaaaaaaa" * 3_000
    denied = world.submit("files.write", {"path": "a.txt", "content": crowd}).record
    assert (denied.state, denied.code) == (State.DENIED, Code.VALUE_TOO_LONG)
    world.workspace.joinpath("a.txt").write_text(crowd)
    denied = world.submit("files.write", {"path": "a.txt", "content": "new\n"}).record
    assert (denied.state, denied.code) == (State.DENIED, Code.VALUE_TOO_LONG)


def test_a_difference_that_is_not_shown_says_so(world: World) -> None:
    world.workspace.joinpath("a.txt").write_text(KEY + "\n")
    view = world.run(show(world.core, world.caller("ann"), world.write("nothing\n").id)).view
    assert "the difference is not shown, because it could show a secret" in json.dumps(view["effect"])


@pytest.mark.attack("G32", guard="aaf.services.forming:quotes_a_secret", without="tests.attacks.without:returns_false")
def test_the_name_of_an_unknown_action_holds_no_credential(world: World) -> None:
    name = "tool.sbp_" + RANDOM.randbytes(20).hex()
    with world.unrecorded(), refused(Code.SECRET_DETECTED, InputRefused):
        world.submit(name, {})


def test_what_could_not_be_searched_is_denied_and_recorded(world: World) -> None:
    class Unreadable:
        def known(self) -> Values:
            raise ConnectorFailed(Code.SECRET_UNAVAILABLE, "The secrets can't be read.")

    class Broken:
        def known(self) -> Values:
            raise RuntimeError

    for held, code in ((Unreadable(), Code.SECRET_UNAVAILABLE), (Broken(), Code.INTERNAL_ERROR)):
        world.core = replace(world.core, held_secrets=held)
        record = world.submit("files.read", {"path": "a.txt"}).record
        assert (record.state, record.code) == (State.DENIED, code)


def test_a_proof_hides_what_is_sensitive_today(world: World) -> None:
    world.configure(
        edited("actions/pay.send.yaml", ("  properties:\n", "  properties:\n    more: {type: object, open: true}\n"))
    )
    params = {"to": "shop", "amount": "500.00", "more": {"iban": "hunter22"}}
    record = world.submit("pay.send", params, context={"iban": "hunter22"}).record
    world.reject(record)
    before = unpacked(world.run(proof_pack(world.core, world.caller("bot"), record.id)))
    world.configure(OPEN)
    after = unpacked(world.run(proof_pack(world.core, world.caller("bot"), record.id)))
    assert ("hunter22" in before, "hunter22" in after) == (True, False)


@pytest.mark.parametrize("name", ["value", "salt"])
def test_a_proof_hides_values_by_their_names_and_not_by_those_of_its_own_form(world: World, name: str) -> None:
    record = world.submit("files.read", {"path": "a.txt"}, context={"task": "tidy-up"}).record
    world.configure(edited("aaf.yaml", ("version: 1\n", f"version: 1\nredact: [{name}]\n")))
    assert "tidy-up" in unpacked(world.run(proof_pack(world.core, world.caller("bot"), record.id)))
