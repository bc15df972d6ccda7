"""Makes each claimed attack twice: it must be refused, and it must be found where its guard is taken out.

The first run is of all the attacks' tests as they are. Then, for each guard, one run of its tests with the guard replaced by a
permissive stand-in (tests/attacks/harness.py); there each test has to fail, by what it asserts and not by a crash of the stand-in.
A claimed attack needs at least one test with a guard. Name ids to make only those: `python -m tools.attacks G14 G15`.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.attacks.harness import DEFAULT_STAND_IN, WITHOUT_VARIABLE
from tools.lists import Carrier, Row, read_list, run_pytest

WORKERS = 2
PATIENCE = 300.0
"""Seconds for the tests of one guard: an attack that hangs without its guard is not found by a test."""

CRASHES = frozenset(
    {"AttributeError", "ImportError", "ModuleNotFoundError", "NameError", "TypeError", "UnboundLocalError"}
)
"""A test that ends in one of these met a stand-in of the wrong shape; it has not noticed the attack."""

Taken = tuple[tuple[str, str], ...]
"""Guards with their stand-ins, all out together."""


@dataclass(slots=True)
class Result:
    """What became of one attack."""

    row: Row
    tests: int = 0
    refused: int = 0
    guarded: int = 0
    found: int = 0
    misses: Counter[str] = field(default_factory=Counter)

    def miss(self, nodeid: str, reason: str) -> None:
        """Note what was missed; the cases of one table are one line with their number."""
        self.misses[f"{nodeid.partition('[')[0]}: {reason}"] += 1


def taken_by(mark: Mapping[str, Any]) -> Taken:
    """Return the guards that the mark names, in pairs with their stand-ins; one stand-in serves several guards."""
    guards, stand_ins = mark["guard"], mark["without"]
    if not guards:
        return ()
    names = [guards] if isinstance(guards, str) else list(guards)
    chosen = [stand_ins or DEFAULT_STAND_IN] if isinstance(stand_ins, str | None) else list(stand_ins)
    if len(chosen) == 1:
        chosen *= len(names)
    return tuple(zip(names, chosen, strict=True))


def _files(nodeids: Sequence[str]) -> list[str]:
    return sorted({nodeid.partition("::")[0] for nodeid in nodeids})


def _verdict(end: str | None, output: str) -> str:
    """Return an empty string where the test noticed the missing guard, else the reason why that is not shown."""
    if end is None or end == "not run":
        last = [line for line in output.splitlines() if line.strip()][-1:]
        return f"was not run ({' '.join(last)})"
    if end == "passed":
        return "passes without it"
    if ":" in end:
        return f"broke before or after its body ({end})"
    if end in CRASHES:
        return f"crashed ({end}) instead of noticing; choose another stand-in"
    return ""


def _without(taken: Taken, nodeids: Sequence[str]) -> dict[str, str]:
    """Run the tests with the guards out; return test → reason why its attack was not found, or an empty string."""
    done = run_pytest(
        [*_files(nodeids), "--tb=line"],
        only=nodeids,
        variables={WITHOUT_VARIABLE: json.dumps(taken)},
        timeout=PATIENCE,
    )
    ends = {test.nodeid: test.end for test in done.tests}
    return {nodeid: _verdict(ends.get(nodeid), done.output) for nodeid in nodeids}


def _run_all(groups: Mapping[Taken, Sequence[str]]) -> dict[tuple[Taken, str], str]:
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        runs = {taken: pool.submit(_without, taken, nodeids) for taken, nodeids in groups.items()}
        return {(taken, nodeid): reason for taken, run in runs.items() for nodeid, reason in run.result().items()}


def judge(rows: Mapping[str, Row], tests: Sequence[Carrier]) -> list[Result]:
    """Take out each guard of `tests`, which were run as they are before, and return one result per claimed attack."""
    results = {row.id: Result(row) for row in rows.values() if row.is_claimed}
    groups: dict[Taken, list[str]] = defaultdict(list)
    marked = [(test, mark) for test in tests for mark in test.attacks if mark["id"] in results]
    for test, mark in marked:
        result = results[mark["id"]]
        result.tests += 1
        if test.end == "passed":
            result.refused += 1
        else:
            result.miss(test.nodeid, f"not refused ({test.end})")
        if (taken := taken_by(mark)) and test.nodeid not in groups[taken]:
            groups[taken].append(test.nodeid)
    reasons = _run_all({taken: nodeids for taken, nodeids in groups.items() if nodeids})
    for test, mark in marked:
        if not (taken := taken_by(mark)):
            continue
        result = results[mark["id"]]
        result.guarded += 1
        if reason := reasons[taken, test.nodeid]:
            out = " + ".join(guard for guard, _ in taken)
            result.miss(test.nodeid, f"without {out}, {reason}")
        else:
            result.found += 1
    for result in results.values():
        if not result.guarded:
            result.misses["no test names a guard" if result.tests else "no test"] += 1
    return list(results.values())


def main(arguments: Sequence[str]) -> int:
    """Print the table; return 0 where every claimed attack is refused, and found without its guard."""
    rows, problems = read_list("G")
    if arguments:
        rows = {id_: row for id_, row in rows.items() if id_ in arguments}
    collected = run_pytest(["--collect-only", "tests"])
    wanted = [test.nodeid for test in collected.tests if any(mark["id"] in rows for mark in test.attacks)]
    problems += list(collected.problems)
    if collected.exit_code != 0:
        print(collected.output)
        problems.append("the tests can't be collected")
    tests = run_pytest([*_files(wanted), "--tb=short"], only=wanted).tests if wanted and not problems else ()
    results = judge(rows, tests) if not problems else []
    print(f"{'id':<5}{'tests':>6}{'refused':>9}{'found when guard out':>22}  claim")
    for result in results:
        found = f"{result.found} of {result.guarded}"
        print(f"{result.row.id:<5}{result.tests:>6}{result.refused:>9}{found:>22}  {result.row.claim}")
    misses = list(problems)
    for result in results:
        misses += [
            f"{result.row.id}: {miss}" + (f" ({count} cases)" if count > 1 else "")
            for miss, count in result.misses.items()
        ]
    for miss in misses:
        print(f"attacks: {miss}")
    tally = f"{len(results)} claimed attacks, {sum(result.tests for result in results)} tests"
    print(f"attacks: {tally}, {len(misses)} misses")
    return 1 if misses or not results else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
