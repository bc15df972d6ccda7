"""G40: floods and full disks: what is refused is counted, and what has begun can end."""

import pytest

from aaf.domain.errors import NotAuthenticated, StoreFailed
from aaf.domain.states import State
from aaf.services.access import authenticate
from aaf.services.permits import consume, issue, report
from tests.services.world import World


def knock(world: World) -> None:
    with pytest.raises(NotAuthenticated):
        world.run(authenticate(world.core, key="nonsense", agent=None, source="192.0.2.7"))


@pytest.mark.attack("G40")
def test_a_flood_without_a_key_grows_the_ledger_by_one(either: World) -> None:
    before = len(either.events(org=either.core.installation))
    for _ in range(200):
        knock(either)
    assert len(either.events(org=either.core.installation)) == before + 1
    assert either.submit("files.read", {"path": "a.txt"}).record.state is State.ALLOWED


@pytest.mark.attack("G40")
def test_a_full_disk_refuses_new_actions_and_takes_reviews_and_outcomes(either: World) -> None:
    held, payment = either.write(), either.payment()
    permit = either.run(issue(either.core, either.bot, payment.id, digest=payment.digest, audience="shop")).permit
    either.run(consume(either.core, either.bot, permit.jti, digest=payment.digest))
    either.disk.free = 0
    with pytest.raises(StoreFailed):
        either.submit("files.read", {"path": "a.txt"})
    assert either.reject(held).state is State.REJECTED
    ended = either.run(
        report(either.core, either.bot, payment.id, lease=permit.jti, succeeded=True, result={"reference": "r"})
    )
    assert ended.record.state is State.SUCCEEDED
