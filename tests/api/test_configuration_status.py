"""`GET /v1/configuration/status`: from every server the same; and no door answers by what may be over."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from aaf.adapters.loading import InPlace
from aaf.domain.errors import Code, Problem, StoreFailed
from aaf.domain.record import Watch
from aaf.ports import Commit, PutWatch
from aaf.services.releases import activate
from aaf.services.watching import CONFIGURATION, HOLD
from tests.api.test_routes import CASES, Case, _id
from tests.api.world import World, configuration

PROBLEM = Problem("aaf.yaml", 7, 5, "`unles` is no key", "did you mean `unless`?")


def look(world: World, who: str = "auditor") -> dict[str, Any]:
    return cast("dict[str, Any]", world.get(who, "/v1/configuration/status").json())


def watched(world: World, source: str, *, release: int = 1, problems: tuple[Problem, ...] = ()) -> None:
    """As another server's watch leaves it in the store."""
    watch = Watch(world.org, "server-2", 4711, "/etc/aaf", source, release, world.clock.at, problems)
    world.run(world.core.store.commit(Commit(world.org, (PutWatch(watch),), ())))
    world.run(world.core.store.take_lease(CONFIGURATION, "server-2", HOLD))


def managed_by_a_folder(world: World) -> None:
    """A release that a folder manages, as a server with one makes it."""
    files = {**configuration(), "aaf.yaml": configuration()["aaf.yaml"] + b"\nmanaged_by: file\n"}
    core = world.core
    world.run(activate(core.store, core.ids, InPlace(), org=world.org, files=files, author="system", message="saved"))


def test_what_is_active_is_told_with_who_made_it_when_and_from_what(world: World) -> None:
    told = look(world)
    assert told["release"] == {
        "number": 1,
        "source": told["release"]["source"],
        "managed_by": "api",
        "author": "system",
        "message": "for tests",
        "activated_at": told["release"]["activated_at"],
    }
    assert len(told["release"]["source"]) == 64
    nobody: Mapping[str, object] = {name: told[name] for name in ("refused", "watch", "lease", "stale")}
    assert nobody == {"refused": None, "watch": None, "lease": None, "stale": False}
    assert told["process"] == world.core.process


@pytest.mark.requirement("R38")
def test_what_another_server_refused_is_told_with_its_places(world: World) -> None:
    managed_by_a_folder(world)
    watched(world, "ab" * 32, release=2, problems=(PROBLEM,))
    told = look(world)
    assert told["stale"] is True
    assert told["refused"]["source"] == "ab" * 32
    assert told["refused"]["problems"] == [
        {"file": "aaf.yaml", "line": 7, "column": 5, "message": PROBLEM.message, "hint": PROBLEM.hint}
    ]
    assert told["watch"] == {
        "process": "server-2",
        "pid": 4711,
        "folder": "/etc/aaf",
        "source": "ab" * 32,
        "holds": True,
    }
    assert told["lease"]["process"] == "server-2"
    assert told["release"]["number"] == 2
    world.clock.advance(HOLD + 1)
    later = look(world)
    assert (later["lease"], later["watch"]["holds"], later["refused"] is None) == (None, False, False)


def test_what_was_refused_before_the_active_release_is_history(world: World) -> None:
    watched(world, "ab" * 32, release=0, problems=(PROBLEM,))
    assert look(world)["refused"] is None


def test_a_folder_that_is_active_is_not_stale(world: World) -> None:
    managed_by_a_folder(world)
    watched(world, look(world)["release"]["source"], release=2)
    assert look(world)["stale"] is False
    watched(world, "ab" * 32, release=2)
    assert look(world)["stale"] is True


def test_a_folder_of_what_the_api_manages_is_never_stale(world: World) -> None:
    watched(world, "ab" * 32)
    assert look(world)["stale"] is False


@pytest.mark.parametrize("who", ["agent", "viewer"])
def test_who_may_not_read_configurations_is_told_nothing(world: World, who: str) -> None:
    response = world.get(who, "/v1/configuration/status")
    assert (response.status_code, response.json()["code"]) == (403, "permission_denied")


class Unable:
    """The store of a world, which can't be asked for an epoch."""

    def __init__(self, store: object) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def epoch(self, org: str) -> int:
        raise StoreFailed(Code.STORE_UNAVAILABLE, "The store cannot be used.")


@pytest.mark.requirement("R38")
@pytest.mark.attack("G05")
@pytest.mark.parametrize("case", [case for case in CASES if case.path != "/v1/health"], ids=_id)
def test_no_door_answers_while_nobody_knows_whether_what_it_knows_is_over(world: World, case: Case) -> None:
    assert world.send(case.may, case.method, case.address, case.body).status_code < 500
    world.core.knowledge.store = cast("Any", Unable(world.core.store))
    world.clock.advance(1.1)
    response = world.send(case.may, case.method, case.address, case.body)
    assert (response.status_code, response.json()["code"]) == (503, "store_unavailable")
