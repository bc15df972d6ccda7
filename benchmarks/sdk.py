"""The client library: submit and execute of an allowed action that a connector runs, against a bare HTTP client that posts the same two requests."""

import tempfile
from pathlib import Path
from shutil import copy
from statistics import median
from time import perf_counter_ns

import httpx2

from aaf.adapters.folder import shipped
from aaf_client import AgentFirewallClient
from benchmarks.http import server
from benchmarks.result import Figure

ROUNDS = 7
CALLS = 60
MOST = 1.25
NAME, PARAMS = "files.read", {"path": "a.txt"}
CONFIGURATION = """\
version: 1
rules:
  - name: reads
    match: {tool: files, operation: [read]}
    decision: allow
connectors:
  files: {root: ./workspace, max_bytes: 1048576, protect: []}
"""


def _configured(folder: Path) -> Path:
    """A configuration that lets files be read, as often as one likes."""
    (folder / "actions").mkdir(parents=True)
    (folder / "workspace").mkdir()
    (folder / "workspace" / "a.txt").write_text("hello\n", encoding="utf-8")
    (folder / "aaf.yaml").write_text(CONFIGURATION, encoding="utf-8")
    copy(Path(str(shipped("safe"))) / "actions" / "files.read.yaml", folder / "actions")
    return folder


def measure() -> list[Figure]:
    """Round trips of both alternate, on one keep-alive connection each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with server(folder, _configured(folder / "config")) as (port, key):
            url = f"http://127.0.0.1:{port}"
            headers = {"Authorization": f"Bearer {key}"}
            with (
                AgentFirewallClient(key, base_url=url) as client,
                httpx2.Client(base_url=url, headers=headers, trust_env=False) as bare,
            ):
                return _measure(client, bare)


def _measure(client: AgentFirewallClient, bare: httpx2.Client) -> list[Figure]:
    def ours() -> None:
        action = client.execute(client.submit_action(NAME, PARAMS))
        if action.status != "succeeded":
            raise RuntimeError(action.status)

    def theirs() -> None:
        made = bare.post("/v1/actions", json={"action": NAME, "params": PARAMS}).json()
        ran = bare.post(f"/v1/actions/{made['id']}/execute", json={"digest": made["digest"]})
        if ran.json()["status"] != "succeeded":
            raise RuntimeError(ran.text)

    ours()
    theirs()
    pairs, all_ours, all_theirs = [], [], []
    for _ in range(ROUNDS):
        one: list[float] = []
        other: list[float] = []
        for _ in range(CALLS):
            for once, times in ((ours, one), (theirs, other)):
                before = perf_counter_ns()
                once()
                times.append((perf_counter_ns() - before) / 1_000)
        pairs.append((median(one), median(other)))
        all_ours += one
        all_theirs += other
    ratio = median(a / b for a, b in pairs)
    return [
        Figure(
            "SDK round trip, submit and execute, against a bare client, p50",
            median(all_ours),
            "us",
            baseline=median(all_theirs),
            ratio=ratio,
            budget=f"ratio <= {MOST:g}",
            met=ratio <= MOST,
        )
    ]
