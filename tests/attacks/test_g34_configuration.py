"""G34: a configuration that is half written, changed by two at once, or rolled back while actions wait."""

from contextlib import suppress

import pytest

from aaf.domain.errors import AafError, Code, ConfigurationConflict, ConfigurationRefused
from aaf.domain.states import State
from tests.services.configured import OPEN, active, opened, replace, roll_back, texts
from tests.services.world import World, refused

MAIN = texts()["aaf.yaml"]
HALVES = {
    "cut in a rule": MAIN[: MAIN.index("    decision: require_approval\n    reason: Shell")],
    "cut in a word": MAIN[: MAIN.index("roval\n    reason: Writing")],
    "cut in a list": MAIN[: MAIN.index("write, delete]")],
    "empty": "",
}
DENY_WRITES = (
    "operation: [write, delete]}\n    decision: require_approval",
    "operation: [write, delete]}\n    decision: deny",
)


@pytest.mark.attack("G34", guard="aaf.policy.configuration:load", without="tests.attacks.permissive:whatever_loads")
@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
def test_half_a_configuration_is_refused_and_the_whole_one_stays(either: World, half: str) -> None:
    before = opened(either)
    with suppress(ConfigurationRefused):
        replace(either, {**texts(), "aaf.yaml": half})
    assert active(either) == before
    assert either.command().state is State.PENDING_APPROVAL


@pytest.mark.attack(
    "G34", guard="aaf.services.core:Knowledge._configuration", without="tests.attacks.permissive:first_seen"
)
def test_nobody_is_judged_by_a_part_of_one_release_and_a_part_of_another(either: World) -> None:
    opened(either)
    files = texts(DENY_WRITES, ("    decision: allow\n    reason: Reading", "    decision: deny\n    reason: Reading"))
    either.submit("files.read", {"path": "a.txt"})
    either.hands.then("analyse", lambda: replace(either, files))
    either.submit("files.read", {"path": "a.txt"})
    record = either.submit("files.read", {"path": "a.txt"}).record
    assert (record.release, record.state) == (3, State.DENIED)


@pytest.mark.attack("G34", guard="aaf.services.enacting:expect")
def test_of_two_who_save_at_once_the_second_is_told_and_the_first_is_kept(either: World) -> None:
    opened(either)
    first, second = texts(DENY_WRITES), texts(("use_within: 14m", "use_within: 5m"))
    either.ids.then("id", lambda: replace(either, first))
    with suppress(ConfigurationConflict):
        replace(either, second)
    assert active(either).number == 3
    assert either.submit("files.write", {"path": "a.txt", "content": "x"}).record.state is State.DENIED


@pytest.mark.attack("G34", guard="aaf.services.rejudge:_compare", without="tests.attacks.permissive:runs_it")
@pytest.mark.parametrize("approved_first", [True, False], ids=["approved before", "approved after"])
def test_what_was_approved_under_a_release_that_was_rolled_back_does_not_run(
    either: World, approved_first: bool
) -> None:
    opened(either, {**OPEN, "aaf.yaml": texts(DENY_WRITES)["aaf.yaml"].encode()})
    replace(either, texts())
    record = either.write("new\n")
    if approved_first:
        either.approve(record)
    roll_back(either, 2)
    assert either.record(record).release == 3
    with suppress(AafError):
        if not approved_first:
            either.approve(record)
        either.execute(record)
    assert (either.hands.runs, either.content()) == (0, "old\n")
    assert either.record(record).state is not State.SUCCEEDED


@pytest.mark.attack("G34", guard="aaf.services.rejudge:_compare", without="tests.attacks.permissive:runs_it")
def test_a_rollback_at_the_moment_of_the_run_stops_it(either: World) -> None:
    opened(either, {**OPEN, "aaf.yaml": texts(DENY_WRITES)["aaf.yaml"].encode()})
    replace(either, texts())
    record = either.write("new\n")
    either.approve(record)
    either.hands.then("dry_run", lambda: roll_back(either, 2))
    with suppress(AafError):
        either.execute(record)
    assert (either.record(record).state, either.hands.runs) == (State.DENIED, 0)


def test_what_waits_keeps_its_release_and_runs_where_nothing_got_stricter(either: World) -> None:
    opened(either)
    record = either.write("new\n")
    either.approve(record)
    replace(either, texts(("use_within: 14m", "use_within: 5m")))
    assert either.record(record).release == 2
    either.execute(record)
    assert (either.record(record).state, either.content()) == (State.SUCCEEDED, "new\n")


def test_a_stale_change_is_refused_even_where_it_would_put_back_the_same_files(either: World) -> None:
    began = opened(either)
    replace(either, texts(DENY_WRITES))
    with refused(Code.CONFIGURATION_CONFLICT, ConfigurationConflict):
        replace(either, texts(), expected=f"{began.number}-{began.source[:16]}")
