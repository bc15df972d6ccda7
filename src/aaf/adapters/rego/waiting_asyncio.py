"""How a task waits for a worker: by suspending, so that the server's event loop goes on."""

import asyncio
import contextlib
import socket

from aaf.adapters.rego.conversation import Conversation
from aaf.adapters.rego.waiting import CHUNK


class OnLoop:
    """For the server; all of it on one loop."""

    def __init__(self, workers: int) -> None:
        """So many may be in use at once."""
        self._free = asyncio.Semaphore(workers)

    async def exchange(
        self, peer: socket.socket, conversation: Conversation, frame: bytes, seconds: float
    ) -> tuple[int, bytes]:
        """Suspend until the answer is there."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(seconds):
            sent = 0
            with contextlib.suppress(BlockingIOError):
                sent = peer.send(frame)  # a frame nearly always fits, and then nothing is registered for it
            if sent < len(frame):
                await loop.sock_sendall(peer, memoryview(frame)[sent:])
            while True:
                data = await loop.sock_recv(peer, CHUNK)
                if not data:
                    raise ConnectionResetError
                answer = conversation.hear(data)
                if answer is not None:
                    return answer

    async def enter(self, seconds: float) -> bool:
        """Suspend until one is free."""
        if not self._free.locked():
            await self._free.acquire()  # doesn't suspend
            return True
        try:
            async with asyncio.timeout(seconds):
                await self._free.acquire()
        except TimeoutError:
            return False
        return True

    def leave(self) -> None:
        """Free one."""
        self._free.release()
