"""Both forms of the client, with a resolver and a dialer of the test's; what is vetted, and how, is the product's own."""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import httpcore2
import pytest

from aaf.adapters.driving import drive
from aaf.adapters.egress.answer import Response
from aaf.adapters.egress.blocking import blocking_client
from aaf.adapters.egress.client import EgressClient, Looked
from aaf.adapters.egress.failures import failed
from aaf.adapters.egress.on_loop import loop_client
from aaf.adapters.egress.request import Headers, Request
from aaf.adapters.egress.rules import Limits, Rules
from aaf.analysis.url import Url
from aaf.domain.errors import Code, ConnectorFailed
from tests.adapters.egress.upstream import Upstream

HOST = "api.example.com"
PUBLIC = "93.184.216.34"
OTHER = "8.8.4.4"
LOOPBACK = "127.0.0.1"

Zone = Mapping[str, Sequence[Sequence[str]]]
"""For each name its answers to the first, second … question; the last one stays."""


@dataclass
class Names:
    """A resolver that answers from a table and counts its questions."""

    zone: Zone
    asked: list[str] = field(default_factory=list)

    async def resolve(self, host: str, port: int, seconds: float) -> Sequence[str]:
        answers = self.zone.get(host)
        if answers is None:
            raise failed(Code.EGRESS_DNS_FAILED, "no such name")
        self.asked.append(host)
        return answers[min(self.asked.count(host), len(answers)) - 1]


@dataclass
class Wires:
    """Leads public addresses to servers of the test, and keeps what was dialled."""

    servers: Mapping[str, Upstream]
    dialled: list[tuple[str, int]] = field(default_factory=list)
    lie: str | None = None

    def lead(self, address: str, port: int) -> int:
        self.dialled.append((address, port))
        if address not in self.servers:
            raise ConnectionRefusedError
        return self.servers[address].port

    def peer(self, address: str, port: int) -> tuple[str, int]:
        return (self.lie or address, port)


@dataclass
class BlockingDialer:
    wires: Wires

    def dial(self, address: str, port: int, seconds: float) -> tuple[socket.socket, tuple[str, int]]:
        connection = socket.create_connection((LOOPBACK, self.wires.lead(address, port)), timeout=seconds)
        return connection, self.wires.peer(address, port)


@dataclass
class LoopDialer:
    wires: Wires

    async def dial(
        self, address: str, port: int, seconds: float
    ) -> tuple[httpcore2.AsyncNetworkStream, tuple[str, int]]:
        backend = httpcore2.AnyIOBackend()
        stream = await backend.connect_tcp(LOOPBACK, self.wires.lead(address, port), timeout=seconds)
        return stream, self.wires.peer(address, port)


def everything(_: Url) -> bool:
    return True


QUICK = Limits(seconds=5.0, connect_seconds=2.0)


@dataclass
class Caller:
    """One form of the client for one test."""

    form: str
    authority: str
    names: Names = field(default_factory=lambda: Names({HOST: [[PUBLIC]]}))
    wires: Wires = field(default_factory=lambda: Wires({}))
    rules: Rules = field(default_factory=lambda: Rules(limits=QUICK))
    allowed: Callable[[Url], bool] = everything
    dials_itself: bool = False
    """Whether the product's own dialer is used: only an exempt address on loopback can be reached then."""

    def to(self, server: Upstream, *addresses: str) -> "Caller":
        """Lead the public address, or these, to this server."""
        self.wires = Wires({**self.wires.servers, **dict.fromkeys(addresses or (PUBLIC,), server)})
        return self

    def knowing(self, **zone: Sequence[Sequence[str]]) -> "Caller":
        """Know these names, written with underscores for dots."""
        self.names = Names({name.replace("_", "."): answers for name, answers in zone.items()})
        return self

    def client(self) -> EgressClient:
        if self.form == "blocking":
            dialer = None if self.dials_itself else BlockingDialer(self.wires)
            return blocking_client(self.rules, extra_authorities=self.authority, resolver=self.names, dialer=dialer)
        leads = None if self.dials_itself else LoopDialer(self.wires)
        return loop_client(self.rules, extra_authorities=self.authority, resolver=self.names, dialer=leads)

    def fetch(
        self,
        url: str = f"https://{HOST}/",
        *,
        method: str = "GET",
        headers: Headers = (),
        credentials: Headers = (),
        body: bytes = b"",
    ) -> Response:
        request = Request(method, url, headers, credentials, body)
        if self.form == "blocking":
            return drive(self.client().fetch(request, allowed=self.allowed))

        async def call() -> Response:
            return await self.client().fetch(request, allowed=self.allowed)

        return asyncio.run(call())

    def look(self, url: str) -> Looked:
        async def call() -> Looked:
            return await self.client().look(Request("GET", url), allowed=self.allowed)

        return drive(call()) if self.form == "blocking" else asyncio.run(call())

    def refusal(
        self, url: str = f"https://{HOST}/", *, method: str = "GET", headers: Headers = (), body: bytes = b""
    ) -> Code:
        """The code that a call ends with."""
        with pytest.raises(ConnectorFailed) as failure:
            self.fetch(url, method=method, headers=headers, body=body)
        assert "example" not in failure.value.message + failure.value.detail
        return failure.value.code
