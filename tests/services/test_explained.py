"""Every decision names what made it: rules and modules with their reasons, and the release, in the record, the view and the ledger."""

import json

import pytest

from aaf.services.review import show
from tests.services.world import World, edited


@pytest.mark.requirement("R66")
def test_a_hold_names_its_rule_its_reason_and_its_release(world: World) -> None:
    record = world.write()
    (reason,) = record.reasons
    assert (reason["name"], reason["source"]) == ("changes", "rule")
    view = world.run(show(world.core, world.caller("ann"), record.id)).view
    assert json.dumps(view["reasons"]).count('"changes"') == 1
    body = world.bodies("action.pending_approval")[-1]
    assert body["data"]["release"] == record.release
    assert body["data"]["reasons"][0]["name"] == "changes"


@pytest.mark.requirement("R66")
def test_another_release_is_another_number(world: World) -> None:
    first = world.write().release
    world.configure(edited("aaf.yaml", ("name: changes", "name: changed")))
    assert world.write().release == first + 1
