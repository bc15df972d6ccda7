"""What the firewall answers, read; and the errors that it stands for."""

import copy
import math
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest

import aaf_client
from aaf.domain.states import State
from aaf_client import Action, ActionStatus, AgentFirewallClient, AgentFirewallError, AsyncAgentFirewallClient
from aaf_client import errors as tree
from aaf_client._wire.address import read_address
from aaf_client._wire.events import Garbled, Reader
from aaf_client.awaiting import drive
from aaf_client.errors import (
    ActionClosed,
    ActionDenied,
    ActionFailed,
    ActionRejected,
    ApprovalPending,
    BadAnswer,
    Misuse,
    OutcomeUnknown,
    refusal_of,
)
from aaf_client.models import Consumed, Outcome, Permit, Reason
from tests.api.world import World

KEY = "aaf_live_0123456789"
LEAST: dict[str, Any] = {
    "id": "a",
    "status": "allowed",
    "type": "a.b",
    "digest": "d",
    "code": "rule",
    "effect": "caller",
}


def test_the_states_are_those_of_the_firewall_but_the_one_that_is_never_stored() -> None:
    assert {str(status) for status in ActionStatus} == {str(state) for state in State} - {"submitted"}


def test_every_member_of_the_servers_answer_is_read(world: World) -> None:
    raw = world.mail()
    action = Action.from_json(raw)
    assert (action.id, action.type, action.agent) == (raw["id"], "mail.send", world.id("agent"))
    assert (action.action_class, action.risk, action.run) == ("external_api_call", "medium", "no")
    assert action.deadline == datetime.fromisoformat(raw["deadline"])
    assert action.created_at == action.updated_at == datetime.fromisoformat(raw["created_at"])
    assert (action.message, action.next) == (raw["message"], raw["next"])
    assert action.raw == raw
    faulty = Action.from_json(world.submit("agent", "mail.send", {}))
    assert faulty.faults
    assert ActionDenied(faulty).faults == {fault.path: fault.message for fault in faulty.faults}


def test_members_of_another_version_are_kept_and_no_reason_to_fail() -> None:
    action = Action.from_json({**LEAST, "aura": "violet", "reasons": [{"code": "rule", "rule": "x"}, {}]})
    assert action.raw["aura"] == "violet"
    assert action.reasons[0] == Reason("rule", {"code": "rule", "rule": "x"})
    ended = Action.from_json({**LEAST, "outcome": {"code": "ok", "source": "caller"}, "deadline": None})
    assert ended.outcome == Outcome("ok", "caller")


@pytest.mark.parametrize("name", LEAST)
@pytest.mark.parametrize("value", [None, 1, [], {}])
def test_a_member_of_another_form_is_a_bad_answer(name: str, value: Any) -> None:
    with pytest.raises(BadAnswer):
        Action.from_json({**LEAST, name: value})


@pytest.mark.parametrize("value", [None, [], "a", 1, {}])
def test_what_is_none_of_the_answers_is_a_bad_answer(value: Any) -> None:
    with pytest.raises(BadAnswer):
        Action.from_json(value)
    with pytest.raises(BadAnswer):
        Permit.from_json(value, action="a", digest="d")
    with pytest.raises(BadAnswer):
        Consumed.from_json(value, lease="l")


def test_a_permit_without_an_end_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer):
        Permit.from_json({"jti": "a", "token": "t", "expires_at": None}, action="a", digest="d")


def test_results_parameters_and_tokens_are_in_no_repr() -> None:
    action = Action.from_json({**LEAST, "result": {"secret": "hush"}})
    permit = Permit(jti="j", action="a", digest="d", expires_at=datetime(2026, 1, 1, tzinfo=UTC), token="hush")
    consumed = Consumed(action=action, lease="j", params={"secret": "hush"})
    assert "hush" not in repr([action, permit, consumed, ActionFailed(action)])


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("allowed", None),
        ("approved", None),
        ("executing", None),
        ("succeeded", None),
        ("denied", ActionDenied),
        ("rejected", ActionRejected),
        ("cancelled", ActionClosed),
        ("expired", ActionClosed),
        ("lapsed", ActionClosed),
        ("failed", ActionFailed),
        ("unknown", OutcomeUnknown),
        ("pending_approval", ApprovalPending),
    ],
)
def test_every_state_says_whether_the_action_may_run(status: str, kind: type[Exception] | None) -> None:
    refused = refusal_of(Action.from_json({**LEAST, "status": status}))
    assert type(refused) is (kind or type(None))


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = [line.split("──", 1)[1].split()[0] for line in (tree.__doc__ or "").splitlines() if "──" in line]
    found = [name for name in tree.__all__ if name not in {"AgentFirewallError", "refusal_of"}]
    assert sorted(drawn) == sorted(found)
    assert all(issubclass(getattr(tree, name), AgentFirewallError) for name in found)


def test_an_error_says_what_may_be_done_next() -> None:
    error = ActionRejected(Action.from_json({**LEAST, "status": "rejected", "message": "No.", "next": "Ask."}))
    assert (str(error), error.code, error.hint, error.rejection) == ("No. Ask.", "rule", "Ask.", "")


# --- the client itself ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [AgentFirewallClient, AsyncAgentFirewallClient])
@pytest.mark.requirement("R17")
def test_a_client_shows_its_key_nowhere(kind: type[AgentFirewallClient]) -> None:
    client = kind(KEY, "builder", base_url="https://firewall.example:8700/t0ken/")
    assert repr(client) == f"<{kind.__name__} of https://firewall.example:8700>"
    held = repr(vars(client)) + repr(client._address) + repr(client._wire)
    assert KEY not in held
    assert "t0ken" not in held
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(Misuse) as caught:
            copied(client)
        assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "base_url",
    [
        "http://firewall.example",
        "http://10.0.0.1:8700",
        "http://127.0.0.1.example.org",
        "http://localhost.example.org",
        "http://127.0.0.1@evil.example",
        "https://user:word@firewall.example",
        "https://firewall.example/?q=1",
        "https://firewall.example/#f",
        "https://",
        "https://firewall.example:port",
        "https://firewall.example:",
        "https://firewall.example:0",
        "https://firewall.example:00443",
        "https://firewall.example:65536",
        "https://firewall.example:4_43",
        "https://firewall.example:\N{ARABIC-INDIC DIGIT FOUR}43",
        "http://[::1]443",
        "http://[::1]x",
        "http://[127.0.0.1]",
        "http://::1",
        "https://firewall..example",
        "https://firewall.example.",
        f"https://{'a' * 64}.example",
        "https://fire wall.example",
        "https://firewall%2eexample",
        "https://firewall.example\\@evil.example",
        "https://[::1",
        "ftp://firewall.example",
        "firewall.example",
        "https://firewall.example/\nX: y",
        "https://f\N{LATIN SMALL LETTER DOTLESS I}re.example",
        "",
    ],
)
def test_an_address_that_is_none_or_would_show_the_key_is_refused(base_url: str) -> None:
    with pytest.raises(Misuse) as caught:
        AgentFirewallClient(KEY, base_url=base_url)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("base_url", "shown"),
    [
        ("http://127.0.0.1:8700", "http://127.0.0.1:8700"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:8700/", "http://[::1]:8700"),
        ("http://localhost:80", "http://localhost"),
        ("https://Firewall.example:443/a/", "https://firewall.example"),
    ],
)
def test_addresses_over_tls_or_on_this_machine_are_taken(base_url: str, shown: str) -> None:
    assert read_address(base_url, api_key=KEY, agent_id=None, insecure=False).origin == shown


def test_a_protected_network_can_be_named_as_one() -> None:
    assert "10.0.0.1" in repr(AgentFirewallClient(KEY, base_url="http://10.0.0.1", insecure=True))


def test_bytes_are_no_key() -> None:
    key: Any = KEY.encode()
    with pytest.raises(Misuse, match="no text"):
        AgentFirewallClient(key)


@pytest.mark.parametrize("key", ["", "a b", "a\nb", "ä", "a" * 600])
def test_what_no_key_can_be_is_refused_without_being_repeated(key: str) -> None:
    with pytest.raises(Misuse) as caught:
        AgentFirewallClient(key)
    assert len(key) < 2 or key not in str(caught.value)


@pytest.mark.parametrize("kind", [AgentFirewallClient, AsyncAgentFirewallClient])
@pytest.mark.parametrize("key", [None, ""])
def test_a_program_without_a_key_is_told_where_one_comes_from(kind: type[AgentFirewallClient], key: str | None) -> None:
    with pytest.raises(Misuse, match=r"^There is no key") as caught:
        kind(key)
    assert "`aaf keys create NAME --kind agent`" in str(caught.value)


@pytest.mark.parametrize("key", ["a b", '"a"\n', "ä"])
def test_a_key_that_was_copied_with_more_than_itself_is_told_so(key: str) -> None:
    with pytest.raises(Misuse, match="Copy it whole"):
        AgentFirewallClient(key)


@pytest.mark.parametrize("agent", ["", "a\nb", "ä"])
def test_what_no_header_can_carry_is_refused(agent: str) -> None:
    with pytest.raises(Misuse):
        AgentFirewallClient(KEY, agent)


def test_a_timeout_is_above_nothing(tmp_path: Any) -> None:
    with pytest.raises(Misuse):
        AgentFirewallClient(KEY, timeout=0)
    with pytest.raises(Misuse):
        AgentFirewallClient(KEY, run_timeout=-1)
    with pytest.raises(Misuse):
        AgentFirewallClient(KEY, timeout=30, run_timeout=math.nan)
    with pytest.raises(Misuse):
        AgentFirewallClient(KEY, base_url="https://firewall.example", ca=str(tmp_path / "none.pem"))


def test_ids_and_keys_that_cannot_be_sent_are_refused_here() -> None:
    client = AgentFirewallClient(KEY, base_url="http://127.0.0.1:1")
    for id_ in ("", "../x", "a/b", "a?b", "a b"):
        with pytest.raises(Misuse):
            client.get_action(id_)
    with pytest.raises(Misuse):
        client.submit_action("a.b", idempotency_key="a\nb")
    with pytest.raises(Misuse):
        client.submit_action("a.b", {"a": "x" * 1_100_000})


def test_the_package_names_what_it_offers() -> None:
    assert all(hasattr(aaf_client, name) for name in aaf_client.__all__)


def test_a_wire_that_must_not_suspend_is_held_to_it() -> None:
    class Later:
        def __await__(self) -> Any:
            yield

    async def work() -> None:
        await Later()

    with pytest.raises(RuntimeError):
        drive(work())


# --- events -----------------------------------------------------------------------------------------------------------


def told(*pieces: bytes) -> list[tuple[str, str, str]]:
    reader = Reader()
    return [(event.name, event.data, event.id) for piece in pieces for event in reader.feed(piece)]


STREAM = (
    "\ufeffid: 1\r\nevent: action\r\ndata: ä\r\ndata:b\r\n\r\n: beat\r\rdata\n\nevent: x\n\nid: 2\ndata: c\n\n".encode()
)


def test_events_are_read_as_the_standard_says_however_they_are_cut() -> None:
    whole = [("action", "ä\nb", "1"), ("message", "", "1"), ("message", "c", "2")]
    assert told(STREAM) == whole
    for at in range(len(STREAM)):
        assert told(STREAM[:at], STREAM[at:]) == whole
    assert told(*(STREAM[at : at + 1] for at in range(len(STREAM)))) == whole


def test_an_id_with_a_zero_and_a_time_that_is_none_are_left_alone() -> None:
    reader = Reader("5")
    assert reader.feed(b"id: 6\0\nretry: soon\nretry: 1500\nretry: -1\nunknown: 1\n") == []
    assert (reader.last_id, reader.retry) == ("5", 1.5)
    reader.feed(b"retry: 99999999999999\n")
    assert reader.retry == 30


@pytest.mark.parametrize("data", [b"\xff", b"data: " + b"a" * 5_000_000, b"data: " + b"a" * 100_000 + b"\n"])
def test_what_is_no_stream_is_garbled(data: bytes) -> None:
    reader = Reader()

    def feed() -> None:
        for _ in range(60):
            reader.feed(data)

    with pytest.raises(Garbled):
        feed()
