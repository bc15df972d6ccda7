"""G05: no policy, an empty one, or one that can't be asked: nothing runs, and the reason says why."""

import pytest

from aaf.domain.errors import Code, Unavailable
from aaf.domain.states import State
from tests.services.world import MAIN, World, edited, refused

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
