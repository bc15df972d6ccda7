"""How whoever asks a worker waits for it: here by blocking the calling thread; on an event loop in `waiting_asyncio`.

One exchange is one frame out and one answer in, under one deadline. Nothing here decides what a failure means.
"""

import select
import socket
import threading
import time
from typing import Protocol

from aaf.adapters.rego.conversation import Conversation

CHUNK = 262_144


class Wait(Protocol):
    """The two things that are waited for."""

    async def exchange(
        self, peer: socket.socket, conversation: Conversation, frame: bytes, seconds: float
    ) -> tuple[int, bytes]:
        """Send `frame` and get the answer to it.

        Raises:
            TimeoutError: it wasn't there in time.
            ConnectionError: the worker is gone.
            BrokenError: it was no answer.
        """

    async def enter(self, seconds: float) -> bool:
        """Wait for a free worker; False where none was in time."""

    def leave(self) -> None:
        """Let the next one have it."""


class Blocking:
    """For embedded use, threads and reading of modules: its coroutines never suspend."""

    def __init__(self, workers: int) -> None:
        """So many may be in use at once."""
        self._free = threading.Semaphore(workers)

    async def exchange(
        self, peer: socket.socket, conversation: Conversation, frame: bytes, seconds: float
    ) -> tuple[int, bytes]:
        """Block until the answer is there."""
        until = time.monotonic() + seconds
        left = memoryview(frame)
        while left:
            try:
                left = left[peer.send(left) :]
            except BlockingIOError:
                _until_ready(peer, select.POLLOUT, until)
        while True:
            try:
                data = peer.recv(CHUNK)
            except BlockingIOError:
                _until_ready(peer, select.POLLIN, until)
                continue
            if not data:
                raise ConnectionResetError
            answer = conversation.hear(data)
            if answer is not None:
                return answer

    async def enter(self, seconds: float) -> bool:
        """Block until one is free."""
        return self._free.acquire(timeout=seconds)

    def leave(self) -> None:
        """Free one."""
        self._free.release()


def _until_ready(peer: socket.socket, what: int, until: float) -> None:
    """Block until the socket is ready.

    Raises:
        TimeoutError: it isn't by `until`.
    """
    ready = select.poll()
    ready.register(peer, what)
    left = until - time.monotonic()
    if left <= 0 or not ready.poll(left * 1000):
        raise TimeoutError
