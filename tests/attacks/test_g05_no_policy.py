"""G05: no policy, an empty one, or one that can't be asked: nothing runs, and the reason says why."""

from collections.abc import Callable

import pytest

from aaf.adapters.rego.engine import Engine, Patience
from aaf.adapters.rego.waiting import Blocking
from aaf.domain.errors import Code, Unavailable
from aaf.domain.states import State
from aaf.ports import PolicyEngine
from aaf.services.core import NO_ENGINE
from tests.services.test_modules import RUNAWAY, asking, having, pay
from tests.services.world import MAIN, UNHURRIED, World, edited, refused

HEAD, _, REST = MAIN.partition("rules:")
EMPTY = edited(
    "aaf.yaml", (MAIN, f"{HEAD}rules: []\n\n{REST[REST.index('approvals: {approvers: [role:approver, role:admin]') :]}")
)


@pytest.mark.attack("G05", guard="aaf.policy.judge:Policy.judge", without="tests.attacks.permissive:allows")
def test_an_empty_policy_allows_nothing_and_names_the_file(either: World) -> None:
    either.configure(EMPTY)
    done = either.submit("files.read", {"path": "a.txt"}, run=True)
    assert (done.record.state, done.record.code) == (State.DENIED, Code.NO_RULE)
    assert "aaf.yaml" in str(done.record.reasons)
    held = either.submit("shell.run", {"command": "ls"}, run=True)
    assert (held.record.state, held.record.code) == (State.PENDING_APPROVAL, Code.CLASS_DEFAULT)
    assert either.hands.runs == 0


@pytest.mark.attack("G05")
def test_without_any_policy_nothing_is_recorded_or_run(world: World) -> None:
    world.store._tables.releases.clear()  # type: ignore[attr-defined]
    world.core.knowledge._known.clear()
    with world.unrecorded(), refused(Code.EMPTY_POLICY, Unavailable):
        world.submit("files.read", {"path": "a.txt"}, run=True)


@pytest.mark.attack("G05")
def test_a_policy_that_cannot_be_read_runs_nothing(filed: World) -> None:
    with filed.sql() as database:
        database.execute("ALTER TABLE configuration RENAME TO gone")
    filed.core.knowledge._known.clear()
    with refused(Code.STORE_UNAVAILABLE, Unavailable):
        filed.submit("files.read", {"path": "a.txt"}, run=True)
    assert filed.hands.runs == 0


ALLOWING = having('decision := {"action": "deny"} if input.params.to == "evil"\n')
SLOW = having(RUNAWAY)
BRIEF = Patience(answer=0.2, start=60.0)
GREEDY = having(
    'decision := {"action": "deny"} if {\n  input.params.to == "slow"\n  count(numbers.range(1, 100000000)) == 1\n}\n'
)


@pytest.mark.attack("G05", guard="aaf.services.judging:failed_policy", without="tests.attacks.permissive:no_objection")
@pytest.mark.parametrize(
    ("files", "engine", "code"),
    [
        (ALLOWING, lambda: NO_ENGINE, Code.POLICY_ENGINE_UNAVAILABLE),
        (SLOW, lambda: Engine(Blocking(1), workers=1, patience=BRIEF), Code.POLICY_TIMEOUT),
        (GREEDY, lambda: Engine(Blocking(1), workers=1, patience=UNHURRIED), Code.POLICY_ENGINE_CRASHED),
    ],
    ids=["absent", "timed out", "crashed"],
)
def test_an_engine_that_is_gone_late_or_broken_denies_what_rules_allow(
    either: World, files: dict[str, bytes], engine: Callable[[], PolicyEngine], code: Code
) -> None:
    either.configure(files)
    with asking(either, engine()):
        record = pay(either, "slow")
    assert (record.state, record.code) == (State.DENIED, code)
    either.configure(ALLOWING)
    assert pay(either).state is State.ALLOWED
