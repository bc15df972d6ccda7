"""Holds the claims of docs/requirements.md and docs/attacks.md to the tests that carry their ids.

Fails where a claimed id has no test, a test carries an id that no list has, an id was deleted from its list, or an id is
claimed whole while all its tests say that they prove a part. Prints the open ids. It does not run the tests.
"""

import sys
from collections import defaultdict

from tools.lists import Carrier, Row, read_list, run_pytest


def _carried(tests: tuple[Carrier, ...]) -> dict[str, list[str]]:
    """Return id → tests that carry it."""
    carried: dict[str, list[str]] = defaultdict(list)
    for test in tests:
        for id_ in test.requirements:
            carried[id_].append(test.nodeid)
        for attack in test.attacks:
            carried[str(attack["id"])].append(test.nodeid)
    return carried


def _only_parts(id_: str, tests: tuple[Carrier, ...]) -> bool:
    marks = [attack for test in tests for attack in test.attacks if attack["id"] == id_]
    return bool(marks) and all(attack["part"] for attack in marks)


def problems_of(rows: dict[str, Row], tests: tuple[Carrier, ...]) -> list[str]:
    """Say in one sentence each where the claims and the tests differ."""
    carried = _carried(tests)
    problems = [
        f"{id_} is in no list; carried by {names[0]}" for id_, names in sorted(carried.items()) if id_ not in rows
    ]
    for row in rows.values():
        if row.is_claimed and row.id not in carried:
            problems.append(f"{row.id} is claimed and no test carries it: {row.text}")
        elif row.claim == "claimed" and _only_parts(row.id, tests):
            problems.append(f"{row.id} is claimed whole, and each of its tests proves a part")
    return problems


def main() -> int:
    """Return 0 where every claim has its test."""
    requirements, problems = read_list("R")
    attacks, more = read_list("G")
    rows = {**requirements, **attacks}
    collected = run_pytest(["--collect-only", "-m", "not drill"])
    if collected.exit_code != 0:
        print(collected.output)
        print("claims: the tests can't be collected")
        return 1
    problems = [*problems, *more, *collected.problems, *problems_of(rows, collected.tests)]
    for problem in problems:
        print(f"claims: {problem}")
    waiting = [row.id for row in rows.values() if not row.is_claimed]
    parts = [f"{row.id} ({row.claim.removeprefix('part: ')})" for row in rows.values() if row.claim.startswith("part")]
    whole = sum(row.claim == "claimed" for row in rows.values())
    print(f"claims: open {', '.join(waiting) or 'none'}")
    print(f"claims: in part {'; '.join(parts) or 'none'}")
    print(f"claims: {whole} whole, {len(parts)} in part, {len(waiting)} open, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
