"""G01: arguments that policy doesn't see: left to a default, or beyond what the schema declares."""

from typing import Any

import pytest

from aaf.domain.canonical import Json
from aaf.domain.errors import Code
from aaf.domain.states import State
from aaf.services.sealing import unseal_object
from tests.services.world import World, edited


@pytest.mark.attack("G01", guard="aaf.policy.schemas:Schema.fill_defaults", without="tests.attacks.permissive:as_given")
def test_a_value_left_to_its_default_is_judged_shown_and_run_like_one_that_was_sent(either: World) -> None:
    given: list[Any] = []
    run = either.hands._inner.run

    async def seen(**kwargs: Any) -> Json:
        given.append(kwargs["params"])
        return await run(**kwargs)

    either.hands._inner.run = seen  # type: ignore[method-assign]
    record = either.submit("files.read", {"path": "a.txt"}, run=True).record
    stored = either.run(unseal_object(either.core, either.org, record.id, "input"))["input"]
    assert isinstance(stored, dict)
    assert isinstance(stored["action"], dict)
    assert stored["action"]["params"] == given[0] == {"encoding": "utf-8", "path": "a.txt"}


@pytest.mark.attack("G01", guard="aaf.policy.schemas:Schema.fill_defaults", without="tests.attacks.permissive:as_given")
def test_a_rule_on_a_default_fires_where_the_caller_left_the_value_out(world: World) -> None:
    rule = "  - name: no-overwriting\n    match: {tool: files, operation: write, params.overwrite: true}\n    decision: deny\n\napprovals: {app"
    world.configure(edited("aaf.yaml", ("\napprovals: {app", rule)))
    record = world.submit("files.write", {"path": "a.txt", "content": "x"}).record
    assert (record.state, record.code) == (State.DENIED, Code.RULE)


@pytest.mark.attack("G01", guard="aaf.policy.schemas:Schema.check", without="tests.attacks.without:returns_empty_tuple")
def test_an_argument_beyond_the_schema_is_denied(world: World) -> None:
    record = world.submit("shell.run", {"command": "ls", "env": {"LD_PRELOAD": "x"}}).record
    assert (record.state, record.code) == (State.DENIED, Code.SCHEMA_VIOLATION)
