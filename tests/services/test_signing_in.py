from aaf.domain.api_key import make_key
from aaf.domain.errors import Code, NotAuthenticated, NotPermitted, TooMany
from aaf.services.signing_in import TRIES, sign_in
from tests.services.world import World, refused

UNKNOWN = make_key(bytes(32))


def _try(world: World, key: str, source: str = "192.0.2.7") -> None:
    world.run(sign_in(world.core, key=key, source=source))


def test_a_person_gets_in_and_a_program_does_not(world: World) -> None:
    assert world.run(sign_in(world.core, key=world.secrets["ann"], source="x")).principal.name == "ann"
    size = world.run(world.core.store.head(world.org)).size
    for _ in range(3):
        with refused(Code.PERMISSION_DENIED, NotPermitted):
            _try(world, world.secrets["bot"])
    assert world.run(world.core.store.head(world.org)).size == size + 1


def test_wrong_keys_of_one_source_are_refused_after_a_number_and_counted_no_more(world: World) -> None:
    for _ in range(TRIES):
        with refused(Code.INVALID_CREDENTIAL, NotAuthenticated):
            _try(world, UNKNOWN)
    for key in (UNKNOWN, "", "x"):
        with refused(Code.RATE_LIMITED, TooMany):
            _try(world, key)
    with refused(Code.INVALID_CREDENTIAL, NotAuthenticated):
        _try(world, UNKNOWN, "192.0.2.8")
    _try(world, world.secrets["ann"])
    world.revoke("ben")
    with refused(Code.RATE_LIMITED, TooMany):  # as a key that never was
        _try(world, world.secrets["ben"])
    world.clock.advance(60)
    with refused(Code.INVALID_CREDENTIAL, NotAuthenticated):
        _try(world, UNKNOWN)
