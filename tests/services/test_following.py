"""What a process knows of configuration and keys is never older than a second without being compared, and nothing is answered by it after that."""

import pytest

from aaf.domain.errors import Code, NotAuthenticated, StoreFailed
from aaf.domain.states import State
from aaf.services.access import authenticate
from aaf.services.core import Caller, Knowledge
from aaf.services.forming import read_submission
from aaf.services.submit import submit
from tests.services.world import FILES, World, edited, refused

DENYING = edited("aaf.yaml", ("decision: allow", "decision: deny"))
READ = read_submission({"action": "files.read", "params": {"path": "a.txt"}})
SECOND = 1.0


def door(world: World) -> Caller:
    """As a door lets somebody in whose every answer is a commit."""
    return world.run(authenticate(world.core, key=world.secrets["bot"], agent=None, source="x", fresh=False))


def held(world: World, caller: Caller) -> Caller:
    """As an embedded firewall asks for each call: it holds its caller for as long as it is open."""
    return world.run(caller.again(world.core, fresh=False))


@pytest.fixture
def twin(filed: World) -> World:
    """Another process on the same file, that follows."""
    return filed.twin()


@pytest.mark.requirement("R38")
@pytest.mark.parametrize("embedded", [False, True], ids=["at a door", "embedded"])
def test_what_is_known_is_compared_after_a_second_at_the_latest(filed: World, twin: World, embedded: bool) -> None:
    first = door(twin)

    def known() -> int:
        return (held(twin, first) if embedded else door(twin)).known.release

    assert known() == 1
    filed.configure(DENYING)
    assert known() == 1, "within the second it need not ask"
    filed.clock.advance(SECOND + 0.001)
    assert known() == 2
    twin.close()


@pytest.mark.requirement("R38")
@pytest.mark.parametrize("embedded", [False, True], ids=["at a door", "embedded"])
def test_a_revoked_key_is_found_out_after_a_second_at_the_latest_without_any_commit(
    filed: World, twin: World, embedded: bool
) -> None:
    first = door(twin)
    filed.revoke("bot")
    filed.clock.advance(SECOND + 0.001)
    with refused(Code.REVOKED_CREDENTIAL, NotAuthenticated):
        held(twin, first) if embedded else door(twin)
    twin.close()


@pytest.mark.requirement("R38")
@pytest.mark.attack("G05", guard="aaf.services.core:_TRUSTED", without="tests.attacks.without:returns_far_future")
@pytest.mark.parametrize("embedded", [False, True], ids=["at a door", "embedded"])
def test_who_can_not_compare_for_longer_than_that_is_refused(filed: World, embedded: bool) -> None:
    first = door(filed)
    with filed.sql() as database:
        database.execute("ALTER TABLE ledger RENAME TO gone")
    assert held(filed, first).known is first.known
    filed.clock.advance(SECOND + 0.001)
    with refused(Code.STORE_UNAVAILABLE, StoreFailed):
        held(filed, first) if embedded else door(filed)


def test_a_comparison_lasts_from_before_it_was_made(filed: World, twin: World) -> None:
    """However long reading takes, what was so at its beginning is trusted for a second from there."""
    knowledge, epoch = Knowledge(twin.store), twin.store.epoch

    async def slow(org: str) -> int:
        found = await epoch(org)
        filed.clock.advance(SECOND)
        return found

    twin.store.epoch = slow  # type: ignore[method-assign]
    assert twin.run(knowledge.of(twin.org, fresh=True)).release == 1
    twin.store.epoch = epoch  # type: ignore[method-assign]
    filed.configure(DENYING)
    filed.clock.advance(0.001)
    assert twin.run(knowledge.of(twin.org, fresh=False)).release == 2
    twin.close()


@pytest.mark.requirement("R38")
@pytest.mark.attack("G34", guard="aaf.adapters.sqlite.transaction:Transaction._refusal")
def test_no_decision_is_recorded_under_a_release_that_is_over(filed: World, twin: World) -> None:
    caller = door(twin)
    filed.configure(DENYING)
    record = twin.run(submit(twin.core, caller, READ)).record
    assert (record.state, record.release) == (State.DENIED, 2)
    filed.configure(FILES)
    assert twin.run(submit(twin.core, door(twin), READ)).record.state is State.ALLOWED
    twin.close()


@pytest.mark.parametrize("breaks", ["ALTER TABLE configuration RENAME TO gone", "DROP TABLE configuration"])
def test_a_release_that_can_not_be_read_answers_nobody(filed: World, twin: World, breaks: str) -> None:
    caller = door(twin)
    filed.configure(DENYING)
    with filed.sql() as database:
        database.execute(breaks)
    with refused(Code.STORE_UNAVAILABLE, StoreFailed):
        twin.run(submit(twin.core, caller, READ))
    twin.close()
