"""`POST /v1/actions`, durable, of an allowed action that the caller runs, against a bare Starlette echo in the same run.

Server, echo and load generator share the machine's cores; the two servers are loaded in turn.
"""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import monotonic, sleep

import httpx2

from benchmarks.core import configured
from benchmarks.load import Load, request, run
from benchmarks.result import Figure, at_most, share

CONNECTIONS = (4, 32)
SECONDS = 1.5
ROUNDS = 5
LEAST = 0.25
START_SECONDS = 30


@contextmanager
def server(folder: Path, config: Path) -> Iterator[tuple[int, str]]:
    """The real server on a free port, with an agent's key; its files lie in `folder`."""
    key_file = folder / "admin.key"
    command = [
        sys.executable,
        "-m",
        "aaf",
        "serve",
        "--data",
        str(folder / "data"),
        "--config",
        str(config),
    ]
    command += ["--port", "0", "--write-key", str(key_file)]
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log) as process,
    ):
        try:
            port = _port(process)
            admin = {"Authorization": f"Bearer {key_file.read_text(encoding='ascii').strip()}"}
            with httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                made = client.post("/v1/api-keys", headers=admin, json={"name": "load", "kind": "agent"})
                made.raise_for_status()
                yield port, made.json()["key"]
        finally:
            process.terminate()
            process.wait(timeout=START_SECONDS)


def _port(process: subprocess.Popen[bytes]) -> int:
    """The port from the server's ready line."""
    if process.stdout is None:
        raise RuntimeError("the server has no output")
    for line in process.stdout:
        found = re.search(rb"http://127\.0\.0\.1:(\d+)", line)
        if found:
            return int(found[1])
    raise RuntimeError("the server ended before it was ready")


@contextmanager
def echo() -> Iterator[int]:
    """The baseline on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    with subprocess.Popen([sys.executable, "-m", "benchmarks.echo", str(port)], env={**os.environ}) as process:
        try:
            end = monotonic() + START_SECONDS
            while monotonic() < end:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                sleep(0.05)
            yield port
        finally:
            process.terminate()
            process.wait(timeout=START_SECONDS)


def measure() -> list[Figure]:
    """Rate and latency with few and with many connections."""
    body = json.dumps(
        {"action": "notes.add", "context": {"task": "benchmark"}, "params": {"text": "x" * 200, "topic": "today"}}
    ).encode()
    with (
        tempfile.TemporaryDirectory() as name,
        echo() as bare,
        server(Path(name), configured(Path(name) / "config")) as (port, key),
    ):
        ours = request("/v1/actions", body, {"Authorization": f"Bearer {key}"})
        theirs = request("/echo", body, {})
        figures: list[Figure] = []
        for connections in CONNECTIONS:
            pairs = [_round(port, ours, bare, theirs, connections) for _ in range(ROUNDS + 1)][1:]  # the first warms up
            figures += _figures(pairs, connections)
        return figures


def _round(port: int, ours: bytes, bare: int, theirs: bytes, connections: int) -> tuple[Load, Load]:
    """The server, then the baseline."""
    one = asyncio.run(run(port, ours, connections=connections, seconds=SECONDS, expected=201))
    other = asyncio.run(run(bare, theirs, connections=connections, seconds=SECONDS, expected=200))
    if one.others or other.others:
        msg = f"{one.others} and {other.others} answers had another status"
        raise RuntimeError(msg)
    return one, other


def _figures(pairs: list[tuple[Load, Load]], connections: int) -> list[Figure]:
    """Rate against the baseline, and the quantiles of our own latency."""
    name = f"POST /v1/actions, {connections} connections"
    return [
        share(f"{name}, against a bare echo", [(a.rate, b.rate) for a, b in pairs], "/s", LEAST),
        at_most(f"{name}, p99", [a.quantile(0.99) for a, _ in pairs], "ms", 10.0),
        Figure(f"{name}, p50", median(a.quantile(0.5) for a, _ in pairs), "ms"),
    ]
