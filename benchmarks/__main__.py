"""Run every benchmark, print the table, write build/bench.json. `--only NAME` runs one."""

import argparse
import platform
import sys
from collections.abc import Callable

from benchmarks import connector, core, embedded, http, peers, rego, replay, rules, sdk, secrets, verifier
from benchmarks.result import OUTPUT, Figure, table, write

PARTS: dict[str, Callable[[], list[Figure]]] = {
    "rules": rules.measure,
    "peers": peers.measure,
    "rego": rego.measure,
    "core": core.measure,
    "embedded": embedded.measure,
    "http": http.measure,
    "connector": connector.measure,
    "sdk": sdk.measure,
    "replay": replay.measure,
    "secrets": secrets.measure,
    "verifier": verifier.measure,
}


def main() -> int:
    """Print each part as it is done, then the whole table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=sorted(PARTS), action="append", help="run only this part; may be repeated")
    wanted = parser.parse_args().only or list(PARTS)
    figures: list[Figure] = []
    for name in wanted:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        figures += PARTS[name]()
    print(f"Python {platform.python_version()} on {platform.machine()}; medians of interleaved rounds\n")
    print(table(figures))
    missed = [figure.name for figure in figures if figure.met is False]
    print(f"\n{len(figures)} figures, {len(missed)} budgets missed" + "".join(f"\n  missed: {name}" for name in missed))
    write(figures)
    print(f"written to {OUTPUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
