"""What is a submission, and what of it becomes the action's bytes."""

from typing import Any

import pytest

from aaf.domain.action_bytes import action_bytes, digest
from aaf.domain.canonical import canonical
from aaf.domain.errors import Code, InputRefused
from aaf.services.forming import form, read_submission
from tests.services.world import FILES, World, edited, refused


def test_an_action_is_named_by_its_name_its_long_form_or_its_halves() -> None:
    names = [
        read_submission({"action": "files.read"}),
        read_submission({"action": "files.read.action.do"}),
        read_submission({"tool": "files", "operation": "read"}),
    ]
    assert {submission.name for submission in names} == {"files.read"}
    assert {submission.body_hash_input for submission in names} == {names[0].body_hash_input}


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        ([], Code.WRONG_TYPE, "$"),
        ("files.read", Code.WRONG_TYPE, "$"),
        ({}, Code.MISSING_FIELD, "$.action"),
        ({"action": 1}, Code.WRONG_TYPE, "$.action"),
        ({"action": "files"}, Code.WRONG_TYPE, "$.action"),
        ({"action": "../../etc"}, Code.WRONG_TYPE, "$.action"),
        ({"action": "a.b", "tool": "a"}, Code.WRONG_TYPE, "$.action"),
        ({"tool": "a"}, Code.WRONG_TYPE, "$.action"),
        ({"operation": "a"}, Code.WRONG_TYPE, "$.action"),
        ({"action": "a.b", "params": []}, Code.WRONG_TYPE, "$.params"),
        ({"action": "a.b", "params": None}, Code.WRONG_TYPE, "$.params"),
        ({"action": "a.b", "context": "x"}, Code.WRONG_TYPE, "$.context"),
        ({"action": "a.b", "server": ""}, Code.WRONG_TYPE, "$.server"),
        ({"action": "a.b", "server": "x" * 257}, Code.WRONG_TYPE, "$.server"),
        ({"action": "a.b", "server": 1}, Code.WRONG_TYPE, "$.server"),
        ({"action": "a.b", "run": "later"}, Code.WRONG_TYPE, "$.run"),
        ({"action": "a.b", "run": 1}, Code.WRONG_TYPE, "$.run"),
        ({"action": "a.b", "agent": "root"}, Code.UNKNOWN_FIELD, "$"),
        ({"action": "a.b", "approved": True}, Code.UNKNOWN_FIELD, "$"),
    ],
)
def test_what_is_no_submission_is_refused_with_its_place(body: Any, code: Code, path: str) -> None:
    with refused(code, InputRefused) as caught:
        read_submission(body)
    assert caught[0].path == path


@pytest.mark.parametrize("key", ["pre_approved", "owner", "approved_by", "Roles", "aaf_release"])
def test_a_context_that_asserts_authority_is_refused(key: str) -> None:
    with refused(Code.RESERVED_CONTEXT_KEY, InputRefused):
        read_submission({"action": "a.b", "context": {key: 1}})


@pytest.mark.parametrize(
    ("given", "meant"),
    [(None, "no"), (False, "no"), ("no", "no"), (True, "now"), ("now", "now"), ("when_approved", "when_approved")],
)
def test_run_has_three_meanings(given: Any, meant: str) -> None:
    assert read_submission({"action": "a.b", "run": given}).run == meant


def test_the_digest_is_of_the_bytes_with_defaults_filled_in(world: World) -> None:
    caller = world.bot
    formed = form(world.core, caller, read_submission({"action": "files.read", "params": {"path": "a.txt"}}))
    assert formed.params == {"encoding": "utf-8", "path": "a.txt"}
    data = action_bytes(
        org=world.org,
        agent=caller.principal.id,
        server=None,
        tool="files",
        operation="read",
        params=formed.params,
    )
    assert (formed.action_bytes, formed.digest) == (data, digest(formed.salt, data))
    assert sorted(formed.fields) == ["params.encoding", "params.path"]


def test_equal_calls_have_one_match_key_and_two_digests(world: World) -> None:
    first, second, other = (
        form(world.core, world.bot, read_submission({"action": "files.read", "params": {"path": path}}))
        for path in ("a.txt", "a.txt", "b.txt")
    )
    assert first.match_key == second.match_key != other.match_key
    assert first.digest != second.digest


@pytest.mark.parametrize(
    ("action", "params"),
    [("mail.send", {"to": "x"}), ("files.read", {"to": "x"}), ("files.read", {"path": "a\x1b[2J"})],
)
def test_what_no_schema_describes_is_committed_to_as_one_field(world: World, action: str, params: Any) -> None:
    formed = form(world.core, world.bot, read_submission({"action": action, "params": params, "context": {"a": 1}}))
    assert formed.fields == {"context": b'{"a":1}', "params": canonical(params)}


def test_a_key_that_the_caller_made_up_names_no_field(world: World) -> None:
    """An open schema lets undeclared keys in; they are the caller's own words, and the ledger holds none of those."""
    world.configure(
        edited(
            "actions/shell.run.yaml",
            ("  additionalProperties: false\n  required: [command]", "  open: true\n  required: [command]"),
            files=FILES,
        )
    )
    formed = form(
        world.core, world.bot, read_submission({"action": "shell.run", "params": {"command": "ls", "card 4711": 1}})
    )
    assert formed.faults == ()
    assert list(formed.fields) == ["params"]
