"""A world behind real connections: the protocol of the server on a loop and a port of loopback, with limits of the test's choice."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from aaf.domain.canonical import Json
from aaf.entrypoints.api import ApiLimits
from aaf.entrypoints.api.protocol import Connection
from aaf.entrypoints.api.wire import Wire, WireLimits
from tests.api.world import World, build

PATIENCE = 20


@dataclass
class Heard:
    """One response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        problem = json.loads(self.body)
        assert self.headers["content-type"] == "application/problem+json"
        assert problem["status"] == self.status
        return str(problem["code"])


@dataclass
class Caller:
    """The client's end."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hear(self) -> Heard:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await self.reader.readexactly(int(headers["content-length"]))
        return Heard(int(head[0].split()[1]), headers, body)

    async def ended(self) -> bytes:
        """What comes until the server ends it."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b""

    async def ask(self, data: bytes) -> Heard:
        await self.send(data)
        return await self.hear()


@dataclass
class Wired:
    world: World
    port: int
    state: ServerState
    wire: Wire
    open: list[Caller] = field(default_factory=list)

    async def call(self) -> Caller:
        caller = Caller(*await asyncio.open_connection("127.0.0.1", self.port))
        self.open.append(caller)
        return caller

    async def ask(self, data: bytes) -> Heard:
        return await (await self.call()).ask(data)

    async def until(self, so: Callable[[], bool]) -> None:
        while not so():  # noqa: ASYNC110 - what is waited for happens in the same loop
            await asyncio.sleep(0)

    def request(self, method: str, path: str, *headers: str, who: str | None = "agent", body: bytes = b"") -> bytes:
        lines = [f"{method} {path} HTTP/1.1", "Host: x", *headers]
        if who is not None:
            lines.append(f"Authorization: Bearer {self.world.key(who)}")
        if method == "POST" and not any(header.startswith(("Transfer", "Content-L")) for header in headers):
            lines.append(f"Content-Length: {len(body)}")
        if method == "POST":
            lines.append("Content-Type: application/json")
        return "\r\n".join([*lines, "", ""]).encode() + body

    @property
    def logged(self) -> list[tuple[str, dict[str, Json]]]:
        return self.world.log.entries


@asynccontextmanager
async def listening(world: World, limits: WireLimits, app: ASGIApp | None = None) -> AsyncIterator[Wired]:
    wire, state = Wire(world.log, limits), ServerState()
    served: Callable[..., Any] = app or world.app
    config = uvicorn.Config(served, log_config=None, access_log=False, server_header=False, proxy_headers=False)
    config.load()
    loop = asyncio.get_running_loop()

    def connection() -> Connection:
        return Connection(config, state, {}, wire=wire)

    async with asyncio.timeout(PATIENCE):
        server = await loop.create_server(connection, "127.0.0.1", 0)
        wired = Wired(world, server.sockets[0].getsockname()[1], state, wire)
        try:
            yield wired
        finally:
            for caller in wired.open:
                caller.writer.transport.abort()
            server.close()
            for task in state.tasks:
                task.cancel()
            while state.connections or state.tasks:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0)


@contextmanager
def looping(root: Path, limits: ApiLimits | None = None) -> Iterator[World]:
    """A world on the loop of the server."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        world = runner.run(build(root, runner=runner, limits=limits))
        yield world
        runner.run(world.client.aclose())


Play = Callable[[Wired], Any]
