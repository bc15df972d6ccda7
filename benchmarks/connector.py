"""A request through the HTTP connector, allowlist, vetting and caps included, against the bare library; loopback, a new connection each."""

import asyncio
from statistics import median
from time import perf_counter_ns

import httpcore2

from aaf.adapters.connectors.http import HttpConnector, rules_of
from aaf.adapters.egress.on_loop import loop_client
from aaf.analysis.addresses import Exemption
from aaf.policy.destinations import Destination, HttpSettings
from benchmarks.http import echo
from benchmarks.result import Figure

HOST = "127.0.0.1"
ROUNDS = 9
CALLS = 100
MOST = 2.0


class _NoSecrets:
    """No destination here has a credential."""

    async def get(self, handle: str) -> str:
        """Never asked."""
        raise KeyError(handle)


def measure() -> list[Figure]:
    """The median time of one request; requests of both alternate."""
    with echo() as port:
        return asyncio.run(_measure(port))


async def _measure(port: int) -> list[Figure]:
    # The exact exemption, because loopback is otherwise refused: the whole gate is passed all the same.
    settings = HttpSettings(
        allow=(Destination(HOST, ports=(port,), schemes=("http",)),),
        unsafe_allow=(Exemption(HOST, HOST, port, "http"),),
    )
    rules = rules_of(settings, seconds=10)
    client = loop_client(rules)
    connector = HttpConnector(
        settings, client=lambda: client, secrets=_NoSecrets(), usable=frozenset(), limits=rules.limits
    )
    url = f"http://{HOST}:{port}/page"

    async def ours() -> None:
        found = await connector.run(operation="get", params={"url": url}, expected=None)
        if not isinstance(found, dict) or found["status"] != 200:
            raise RuntimeError(found)

    pool = httpcore2.AsyncConnectionPool(max_keepalive_connections=0)

    async def bare() -> None:
        response = await pool.request("GET", url)
        if response.status != 200:
            raise RuntimeError(response.status)

    await ours()
    await bare()
    pairs, all_ours, all_bare = [], [], []
    for _ in range(ROUNDS):
        one: list[float] = []
        other: list[float] = []
        for _ in range(CALLS):
            for once, times in ((ours, one), (bare, other)):
                before = perf_counter_ns()
                await once()
                times.append((perf_counter_ns() - before) / 1_000)
        pairs.append((median(one), median(other)))
        all_ours += one
        all_bare += other
    ratio = median(a / b for a, b in pairs)
    return [
        Figure(
            "HTTP connector on loopback, against the bare client, p50",
            median(all_ours),
            "us",
            baseline=median(all_bare),
            ratio=ratio,
            budget=f"ratio <= {MOST:g}",
            met=ratio <= MOST,
        )
    ]
