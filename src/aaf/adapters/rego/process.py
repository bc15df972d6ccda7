"""One worker process: how it is started, what killed it, how it is ended.

It gets a socket, a file that catches what the engine writes to standard error, no environment and no other descriptor. It is told its parent's end by the socket
closing rather than by PR_SET_PDEATHSIG, which fires when the thread that started it ends. Nothing here knows what is asked of it.
"""

import contextlib
import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

from aaf.adapters.rego import worker
from aaf.domain.errors import Code

MEMORY = 256 * 1_048_576
"""Bytes of address space of a worker that evaluates; Python and the engine take about 56 MiB of it."""
PARSING_MEMORY = 1024 * 1_048_576
"""A syntax tree is a hundred times its module."""
_GONE: list[subprocess.Popen[bytes]] = []
"""Killed and not yet reaped: freeing their memory takes the kernel a while, for which nobody waits."""


class EngineLackingError(Exception):
    """The engine isn't installed, or no process can be started."""


class Process:
    """A running worker."""

    def __init__(self, memory: int = MEMORY) -> None:
        """Start it; it answers once it has loaded the engine.

        Raises:
            EngineLackingError: there is none, or the system refuses another process.
        """
        _reap()
        program = [sys.executable, "-I", "-S", worker.__file__, str(_folder()), str(memory)]
        ours, theirs = socket.socketpair()
        self._errors: BinaryIO = _catching()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program and arguments, no shell
                program,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                close_fds=True,
                cwd="/",
                env={},
                start_new_session=True,
            )
        except OSError as failure:
            ours.close()
            self._errors.close()
            raise EngineLackingError(f"no worker can be started: {failure.strerror}") from None
        finally:
            theirs.close()
        ours.settimeout(0)
        self.socket = ours

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def quiet(self) -> bool:
        """Whether it waits for a job: it lives and has said nothing unasked."""
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def cause(self) -> tuple[Code, str]:
        """Why it ended by itself, once it has: a code, and for the log how."""
        try:
            status = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return Code.POLICY_ENGINE_CRASHED, "the worker closed its end"
        if status == worker.NO_ENGINE:
            return Code.POLICY_ENGINE_UNAVAILABLE, "the Rego engine can't be loaded"
        said = os.pread(self._errors.fileno(), 4096, 0)
        memory = ": out of memory" if b"memory allocation" in said or b"MemoryError" in said else ""
        return Code.POLICY_ENGINE_CRASHED, f"the worker ended with {status}{memory}"

    def end(self) -> None:
        """End it for somebody who still waits for it: their end of the socket stays open, and says that it is gone."""
        self._process.kill()

    def kill(self) -> None:
        """End it now, whatever it does, without waiting until it is gone."""
        self.socket.close()
        self._errors.close()
        self._process.kill()
        if self._process.poll() is None:
            _GONE.append(self._process)


def _folder() -> Path:
    """Where the engine is installed; it isn't imported for that.

    Raises:
        EngineLackingError: nowhere.
    """
    found = importlib.util.find_spec("regorus")
    if found is None or found.origin is None:
        raise EngineLackingError("the Rego engine is not installed")
    return Path(found.origin).parents[1]


def _catching() -> BinaryIO:
    """A file without a name."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("aaf-rego"), "w+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)


def _reap() -> None:
    """Take leave of killed workers that are gone by now."""
    for process in [*_GONE]:
        if process.poll() is not None:
            _forget(process)


def reap_all() -> None:
    """Wait for every killed worker: when the last user ends."""
    for process in [*_GONE]:
        process.wait()
        _forget(process)


def _forget(process: subprocess.Popen[bytes]) -> None:
    """Another thread may have been quicker."""
    with contextlib.suppress(ValueError):
        _GONE.remove(process)
