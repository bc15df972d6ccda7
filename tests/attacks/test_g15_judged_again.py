"""G15: what changes between the approval and the run."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from aaf.domain.errors import AafError
from aaf.domain.states import State
from tests.services.test_rejudge import ANOTHER_DEFAULT, ANOTHER_ENTRY, DENY_WRITES, SHORTER_PATHS, TWO_PEOPLE
from tests.services.world import World


def to(files: dict[str, bytes]) -> Callable[[World], object]:
    return lambda world: world.configure(files)


@pytest.mark.attack("G15", guard="aaf.services.rejudge:_compare", without="tests.attacks.permissive:runs_it")
@pytest.mark.parametrize(
    ("change", "state"),
    [
        (to(DENY_WRITES), State.DENIED),
        (to(TWO_PEOPLE), State.PENDING_APPROVAL),
        (to(ANOTHER_ENTRY), State.PENDING_APPROVAL),
        (to(ANOTHER_DEFAULT), State.PENDING_APPROVAL),
        (to(SHORTER_PATHS), State.DENIED),
        (lambda world: world.give_roles("ann", "viewer"), State.PENDING_APPROVAL),
        (lambda world: (world.workspace / "a.txt").write_text("changed\n"), State.PENDING_APPROVAL),
        (lambda world: (world.workspace / "a.txt").unlink(), State.PENDING_APPROVAL),
    ],
    ids=["denied", "quorum", "entry", "default", "schema", "role", "file", "file gone"],
)
def test_what_changed_since_the_approval_stops_the_run(
    either: World, change: Callable[[World], object], state: State
) -> None:
    record = either.write("new\n")
    either.approve(record)
    change(either)
    with suppress(AafError):
        either.execute(record)
    assert either.record(record).state is state
    assert either.hands.runs == 0


@pytest.mark.attack("G15", guard="aaf.services.rejudge:_compare", without="tests.attacks.permissive:runs_it")
def test_a_change_at_the_moment_of_the_run_stops_it_too(either: World) -> None:
    record = either.write("new\n")
    either.approve(record)
    either.hands.then("dry_run", lambda: either.configure(DENY_WRITES))
    with suppress(AafError):
        either.execute(record)
    assert (either.record(record).state, either.hands.runs) == (State.DENIED, 0)
