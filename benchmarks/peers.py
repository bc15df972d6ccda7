"""A rules decision beside what others take for the same rules and the same request: Cedar, Casbin, agent-governance-toolkit.

They are installed from a lock into an environment of their own and asked in a process of their own, a round of each after a round of ours. Their
engines decide in memory, as ours does here: nobody records anything.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import IO

from aaf.policy.catalogue import ActionClass, Risk
from aaf.policy.decision_input import Input
from aaf.policy.judge import Policy
from benchmarks.peer_process import PEERS
from benchmarks.result import Figure
from benchmarks.rules import CANDIDATES, configuration

RULES = (1, 100, 1_000, 10_000)
ROUNDS = 5
CALLS = 1_000
FOLDER = Path("build/peers")
LOCK = Path("requirements/peers.lock")


def _environment() -> Path:
    """The interpreter of the peers' environment, made where the lock isn't what it was made from."""
    python, stamp = FOLDER / "bin" / "python", FOLDER / "lock.sha256"
    wanted = sha256(LOCK.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted and python.exists():
        return python
    print(f"installing {LOCK} into {FOLDER} ...", file=sys.stderr, flush=True)
    shutil.rmtree(FOLDER, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True)
    pip = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "-r",
        str(LOCK),
    ]
    subprocess.run(pip, check=True, stderr=subprocess.DEVNULL)
    stamp.write_text(wanted)
    return python


@contextmanager
def _running() -> Iterator[tuple[IO[str], IO[str]]]:
    """The peers' process: what it reads, what it says."""
    script = Path(__file__).with_name("peer_process.py")
    command = [str(_environment()), "-I", "-W", "ignore", str(script)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the peers' process has no pipes")
        yield process.stdin, process.stdout
        process.stdin.close()


def _asked(rules: int) -> Input:
    """The request that the last rule is about."""
    tools = max(1, rules // CANDIDATES)
    last = rules - 1
    return Input(
        name=f"t{last % tools}.pay",
        params={"to": f"a{last // tools}", "amount": "250", "note": "n"},
        agent_id="a",
        agent_name="a",
        org="o",
        klass=ActionClass.PAYMENT,
        risk=Risk.LOW,
        time=0,
        release=1,
    )


def _ours(policy: Policy, asked: Input) -> float:
    """Microseconds of one decision."""
    single = []
    for _ in range(CALLS):
        before = perf_counter_ns()
        policy.judge(asked)
        single.append(perf_counter_ns() - before)
    single.sort()
    return single[len(single) // 2] / 1_000


def measure() -> list[Figure]:
    """For each peer and number of rules its time, ours of the same rounds, and how many times ours it is."""
    policies = {rules: (configuration(rules).policy, _asked(rules)) for rules in RULES}
    pairs: dict[tuple[str, int], list[tuple[float, float]]] = {}
    with _running() as (jobs, answers):
        for _ in range(ROUNDS):
            for rules, (policy, asked) in policies.items():
                if policy.judge(asked).verdict != "deny":
                    raise RuntimeError("the last rule does not deny")
                for peer in PEERS:
                    ours = _ours(policy, asked)
                    jobs.write(json.dumps({"calls": CALLS, "peer": peer, "rules": rules}) + "\n")
                    jobs.flush()
                    line = answers.readline()
                    if not line:
                        raise RuntimeError(f"{peer} ended without an answer")
                    pairs.setdefault((peer, rules), []).append((json.loads(line)["us"], ours))
    return [
        Figure(
            f"{peer}, {rules:,} rules, p50, in times ours",
            median(theirs for theirs, _ in found),
            "us",
            baseline=median(ours for _, ours in found),
            ratio=median(theirs / ours for theirs, ours in found),
        )
        for (peer, rules), found in sorted(pairs.items())
    ]
