"""Two writers on two servers of one database, for a few rounds; `make writers` goes on for 200."""

from pathlib import Path

import pytest

from tests.drills.writers import drill


@pytest.mark.requirement("R38")
def test_of_two_writers_on_two_servers_one_wins_each_round_and_nothing_is_lost(tmp_path: Path) -> None:
    findings = drill(tmp_path, 5)
    assert findings.broken == []
    assert (findings.rounds, len(findings.kept), findings.refused) == (5, 5, 5)
    assert findings.reads > 0
