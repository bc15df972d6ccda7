"""Trying the modules of a release out, as they will be asked: loaded together in a worker with its limits, each asked once.

What doesn't load, breaks the worker, or takes too long would make denies of all that it is asked about; so it is said before it is published. Here nothing
is decided, and what a module answers isn't looked at.
"""

import json
from collections.abc import Sequence

from aaf.adapters.rego import worker
from aaf.adapters.rego.alone import Alone
from aaf.adapters.rego.conversation import BrokenError, answers, loading, question, refusal
from aaf.adapters.rego.process import EngineLackingError
from aaf.policy.rego.module import Module
from aaf.policy.rego.parsing import Failure

LOAD = 5.0
"""Seconds for a worker to start and load all modules; half of what one has when it counts."""
ANSWER = 1.0
"""Seconds for an answer; ten times what one has when it counts, because this machine may be busy now."""
_RESTARTS = 5


class Trial:
    """One set of modules; `load` and `answer` in seconds."""

    def __init__(
        self, modules: tuple[Module, ...], facts: bytes, *, load: float = LOAD, answer: float = ANSWER
    ) -> None:
        """Start nothing yet."""
        self._modules, self._facts = modules, facts
        self._load, self._answer = load, answer
        self._worker = Alone()
        self._status = worker.DONE
        self._unloaded: dict[str, str] = {}

    def run(self, asked: Sequence[tuple[Module, bytes]]) -> tuple[Failure, ...]:
        """Ask each module about its document; what failed."""
        found: list[Failure] = []
        starts = 0
        try:
            for module, document in asked:
                if self._worker.process is None:
                    starts += 1
                    if starts > _RESTARTS:
                        break
                    failed = self._start()
                    if failed is not None:
                        return (*found, failed)
                said = self._ask(module, document)
                found += [said] if said is not None else []
        finally:
            self._worker.end()
        return tuple(found)

    def _start(self) -> Failure | None:
        try:
            self._worker.start()
        except EngineLackingError as failure:
            return Failure("", 0, str(failure), fatal=True)
        why, body = self._do(worker.LOAD, loading(1, self._modules), self._load)
        if why:
            return Failure("", 0, f"the modules together can't be loaded: {why}", fatal=True)
        self._unloaded = dict(json.loads(body)["refused"])
        return None

    def _ask(self, module: Module, document: bytes) -> Failure | None:
        if module.name in self._unloaded:
            return Failure(module.name, 0, f"the engine doesn't load it: {self._unloaded[module.name]}", fatal=True)
        place = self._modules.index(module)
        why, body = self._do(worker.EVALUATE, question(1, [place], document, self._facts), self._answer)
        if why:
            return Failure(module.name, 0, f"asked about a sample, {why}", fatal=True)
        try:
            if self._status == worker.DONE:
                answers(body, 1)
                return None
            said = refusal(body)
        except BrokenError as broken:
            return Failure(module.name, 0, f"asked about a sample, {broken}", fatal=False)
        return Failure(
            said.file or module.name, said.line, f"asked about a sample, it fails: {said.message}", fatal=False
        )

    def _do(self, kind: int, body: bytes, seconds: float) -> tuple[str, bytes]:
        """Have one job done: why there is no answer, or the answer."""
        why, self._status, answer = self._worker.do(kind, body, seconds)
        return why, answer
