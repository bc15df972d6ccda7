"""Reads modules into syntax trees, in a worker of its own: reading can take for ever, or all memory, as evaluating can.

It has far more memory than those that evaluate, because a tree is a hundred times its text. Nothing is checked here.
"""

import json
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from aaf.adapters.driving import drive
from aaf.adapters.rego import worker
from aaf.adapters.rego.conversation import BrokenError, Conversation, refusal
from aaf.adapters.rego.process import PARSING_MEMORY, EngineLackingError, Process
from aaf.adapters.rego.trial import Trial
from aaf.adapters.rego.waiting import Blocking
from aaf.domain.canonical import Json
from aaf.domain.errors import Code
from aaf.policy.rego.module import Dialect, Module
from aaf.policy.rego.parsing import Failure, ModuleRefused

START = 10.0
"""Seconds for the worker to start and read the first module."""
READ = 2.0
"""Seconds for any other."""
NO_ANSWER = "the engine gives no answer about the module"


class WorkerParser:
    """`aaf.policy.rego.parsing.Parser`; close it, or use it as a context."""

    def __init__(self, *, start: float = START, read: float = READ) -> None:
        """Start nothing yet; times in seconds."""
        self._start, self._read = start, read
        self._process: Process | None = None
        self._conversation = Conversation()
        self._wait = Blocking(1)

    def parse(self, name: str, text: str, dialect: Dialect, /) -> Json:
        """The engine's syntax tree.

        Raises:
            ModuleRefused: it can't be read, not in time, or not in the memory there is.
        """
        if self._process is None:
            self._begin()
        body = json.dumps({"dialect": str(dialect), "name": name, "text": text}).encode()
        status, answer = self._ask(body, self._read)
        try:
            if status == worker.DONE:
                tree: Json = json.loads(answer)
                return tree
            said = refusal(answer)
        except (BrokenError, ValueError):
            self.close()
            raise ModuleRefused(0, 0, NO_ANSWER) from None
        raise ModuleRefused(said.line, said.column, said.message)

    def _begin(self) -> None:
        """Start the worker and wait until it answers, so that no module pays for that."""
        try:
            self._process = Process(PARSING_MEMORY)
        except EngineLackingError as failure:
            raise ModuleRefused(0, 0, str(failure)) from None
        self._ask(json.dumps({"dialect": "v1", "name": "empty", "text": "package empty"}).encode(), self._start)

    def _ask(self, body: bytes, seconds: float) -> tuple[int, bytes]:
        """Have one text read; whatever isn't the answer ends the worker."""
        process = self._process
        if process is None:
            raise ModuleRefused(0, 0, "the reader was closed")
        frame = self._conversation.ask(worker.PARSE, body, most=worker.MAX_FRAME)
        try:
            return drive(self._wait.exchange(process.socket, self._conversation, frame, seconds))
        except TimeoutError:
            why = "the module takes too long to read; write it simpler, above all less nested"
        except OSError:
            code, detail = process.cause()
            why = (
                detail if code is Code.POLICY_ENGINE_UNAVAILABLE else "the engine breaks off while it reads the module"
            )
        except BrokenError:
            why = NO_ANSWER
        self.close()
        raise ModuleRefused(0, 0, why)

    def try_out(
        self, modules: tuple[Module, ...], asked: Sequence[tuple[Module, bytes]], facts: bytes, /
    ) -> tuple[Failure, ...]:
        """Ask each module about its document, in a worker like those that will be asked."""
        return Trial(modules, facts).run(asked)

    def close(self) -> None:
        """End the worker."""
        if self._process is not None:
            self._process.kill()
        self._process, self._conversation = None, Conversation()

    def __enter__(self) -> Self:
        """This."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()
