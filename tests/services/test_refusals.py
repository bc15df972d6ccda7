"""A flood of refusals is a number, and the number is exact."""

import pytest

from aaf.domain.errors import Code, NotAuthenticated, StoreFailed, TooMany
from aaf.services.access import authenticate
from aaf.services.refusals import flush_refusals
from tests.services.world import World, edited, refused

MINUTE = 60


def knock(world: World, times: int, source: str = "192.0.2.7", key: str | None = None) -> None:
    for _ in range(times):
        with pytest.raises(NotAuthenticated):
            world.run(authenticate(world.core, key=key, agent=None, source=source))


def flush(world: World) -> int:
    return world.run(flush_refusals(world.core))


def test_the_first_of_a_source_and_minute_is_an_event_and_the_rest_a_number(either: World) -> None:
    knock(either, 1_000)
    knock(either, 3, source="198.51.100.1")
    knock(either, 2, key="nonsense")
    installation = either.core.installation
    assert [body["data"]["source"] for body in either.bodies("access.refused", installation)] == [
        "192.0.2.7", "198.51.100.1", "192.0.2.7",
    ]  # fmt: skip
    assert flush(either) == 0
    either.clock.advance(MINUTE)
    assert flush(either) == 3
    counted = [body["data"] for body in either.bodies("access.refused", installation) if "further" in body["data"]]
    assert sorted((one["source"], one["code"], one["further"]) for one in counted) == [
        ("192.0.2.7", "invalid_credential", 1),
        ("192.0.2.7", "missing_credential", 999),
        ("198.51.100.1", "missing_credential", 2),
    ]
    assert flush(either) == 0
    knock(either, 1)
    assert len(either.bodies("access.refused", installation)) == 7


def test_one_refusal_alone_leaves_no_second_event(world: World) -> None:
    knock(world, 1)
    world.clock.advance(MINUTE)
    assert flush(world) == 1
    assert len(world.bodies("access.refused", world.core.installation)) == 1


def test_rate_limits_are_counted_in_the_organisation_s_own_ledger(either: World) -> None:
    either.configure(edited("aaf.yaml", ("agent: {rate: 120/m, burst: 60}", "agent: {rate: 1/h, burst: 1}")))
    either.submit("files.read", {"path": "a.txt"})
    for _ in range(50):
        with refused(Code.RATE_LIMITED, TooMany):
            either.submit("files.read", {"path": "a.txt"})
    either.clock.advance(MINUTE)
    flush(either)
    first, rest = either.bodies("limit.exceeded")
    assert first["data"] == {"code": "rate_limited", "source": either.bot.principal.id}
    assert (rest["data"]["further"], rest["actor"]) == (49, "system")


def test_a_count_that_cannot_be_written_leaves_the_refusal_standing(world: World) -> None:
    world.close()
    with pytest.raises(NotAuthenticated):
        world.run(authenticate(world.core, key=None, agent=None, source="192.0.2.7"))
    assert world.log.entries == [("refusal_not_counted", {"code": "missing_credential", "store": "store_unavailable"})]
    world.store._closed = False  # type: ignore[attr-defined]


def test_a_count_that_moves_while_it_is_written_down_is_written_down_next_time(either: World) -> None:
    knock(either, 2)
    either.clock.advance(MINUTE)
    either.clock.jump(-MINUTE + 1)
    either.ids.then("id", lambda: knock(either, 1))
    either.clock.jump(MINUTE)
    written = flush(either) + flush(either)
    assert written >= 1
    either.clock.advance(MINUTE)
    flush(either)
    bodies = either.bodies("access.refused", either.core.installation)
    assert sum(body["data"].get("further", 1) for body in bodies) == 3


def test_a_full_disk_still_counts_refusals(either: World) -> None:
    either.disk.free = 0
    knock(either, 5)
    either.clock.advance(MINUTE)
    assert flush(either) == 1
    with pytest.raises(StoreFailed):
        either.submit("files.read", {"path": "a.txt"})
