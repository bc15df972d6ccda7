"""The engine behind the port: workers that keep the modules of the active release, one question at a time each.

A worker that is late, breaks off, or says anything but the answer is killed, and the question's answer is a failure, which makes the decision a deny.
The next question finds a new worker; starting that and loading modules has a deadline of its own, so that nobody pays for the one before.
Nothing is started before a module is there to be asked. How often workers are started anew is bounded, and so is how many of them one agent may cost:
whoever costs more is set aside for a while, and the others go on.
"""

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aaf.adapters.rego import worker
from aaf.adapters.rego.allowance import Allowance, Losses
from aaf.adapters.rego.conversation import BrokenError, Conversation, answers, loading, question, refusal
from aaf.adapters.rego.process import EngineLackingError, Process, reap_all
from aaf.adapters.rego.waiting import Wait
from aaf.domain.errors import Code, PolicyFailed
from aaf.domain.metering import UNCOUNTED, Metric
from aaf.policy.rego.answers import Answer
from aaf.policy.rego.module import Module
from aaf.ports import Meter

_MESSAGES = {
    Code.POLICY_CONFLICT: "Rules of a policy module contradict each other.",
    Code.POLICY_ENGINE_CRASHED: "The policy engine broke off.",
    Code.POLICY_ENGINE_UNAVAILABLE: "The policy engine can't be asked.",
    Code.POLICY_ERROR: "A policy module failed.",
    Code.POLICY_TIMEOUT: "The policy modules took too long.",
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for what, in seconds, and how often workers may be started."""

    answer: float = 0.1
    """For the answer to one question, all modules together."""
    start: float = 10.0
    """For a worker to start and load a release."""
    free: float = 2.0
    """For a worker that is free."""
    starts: int = 20
    """Starts of workers in a row; one more is earned each `rest` seconds."""
    rest: float = 0.2
    losses: int = 5
    """Workers that the questions of one agent may cost in a row; one more is earned each `forget` seconds."""
    forget: float = 10.0


@dataclass(slots=True)
class _Seat:
    """A place for one worker: the process that is in it now, and which sets of modules that keeps, under which numbers."""

    process: Process | None = None
    conversation: Conversation = field(default_factory=Conversation)
    sets: list[tuple[tuple[Module, ...], int]] = field(default_factory=list)
    loaded: int = 0
    used: bool = False

    def vacate(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
        self.process, self.conversation, self.sets = None, Conversation(), []


class Engine:
    """`aaf.ports.PolicyEngine`; whether waiting blocks or suspends is `wait`'s."""

    def __init__(
        self,
        wait: Wait,
        *,
        workers: int,
        patience: Patience | None = None,
        meter: Meter = UNCOUNTED,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start nothing yet. `workers` is the number that `wait` lets in at once; `clock` is in seconds and never goes back."""
        self._wait = wait
        self._patience = patience or Patience()
        self._meter = meter
        self._starts = Allowance(self._patience.starts, self._patience.rest, clock)
        self._losses = Losses(self._patience.losses, self._patience.forget, clock)
        self._seats = [_Seat() for _ in range(workers)]
        self._free = list(self._seats)
        self._pid = os.getpid()
        self._closed = False

    async def evaluate(
        self,
        modules: tuple[Module, ...],
        applying: tuple[Module, ...],
        document: bytes,
        facts: bytes,
        asker: str = "",
        /,
    ) -> tuple[Answer, ...]:
        """Ask a free worker.

        Raises:
            PolicyFailed: there is no answer, for whatever reason.
        """
        if self._closed or os.getpid() != self._pid:
            raise _failed(Code.POLICY_ENGINE_UNAVAILABLE, "it was closed, or is used after a fork")
        if self._losses.over(asker):
            raise _failed(Code.POLICY_ENGINE_UNAVAILABLE, "the questions of this agent ended too many workers")
        if not await self._wait.enter(self._patience.free):
            raise _failed(Code.POLICY_ENGINE_UNAVAILABLE, "every worker is busy")
        seat = self._free.pop()
        try:
            places = [modules.index(module) for module in applying]
            process, number = await self._ready(seat, modules)
            job = _Job(
                worker.EVALUATE, question(number, places, document, facts), self._patience.answer, applying, asker
            )
            status, body = await self._do(seat, process, job)
            if status == worker.REFUSED:
                raise self._refused(seat, body)
            try:
                return answers(body, len(places))
            except BrokenError as failure:
                raise _failed(Code.POLICY_ERROR, str(failure), applying) from None
        finally:
            self._free.append(seat)
            self._wait.leave()

    async def close(self) -> None:
        """End every worker; a question that is on its way fails."""
        self._closed = True
        for seat in self._seats:
            if any(seat is free for free in self._free):
                seat.vacate()
            elif seat.process is not None:
                seat.process.end()  # whoever waits for it vacates its seat; its socket isn't closed beneath them
        reap_all()

    async def _ready(self, seat: _Seat, modules: tuple[Module, ...]) -> tuple[Process, int]:
        """A living worker in `seat`, and the number under which it keeps `modules`."""
        process = seat.process
        if process is None or not process.quiet():
            process = self._start(seat)
        for kept, number in seat.sets:
            if kept is modules or kept == modules:
                return process, number
        seat.loaded += 1
        job = _Job(
            worker.LOAD,
            loading(seat.loaded, modules),
            self._patience.start,
            modules,
            late=Code.POLICY_ENGINE_UNAVAILABLE,
        )
        status, body = await self._do(seat, process, job)
        if status == worker.REFUSED:
            raise self._refused(seat, body)
        seat.sets = [*seat.sets[1 - worker.MAX_SETS :], (modules, seat.loaded)]
        return process, seat.loaded

    def _start(self, seat: _Seat) -> Process:
        """Put a new worker into `seat`."""
        seat.vacate()
        if self._closed:
            raise _failed(Code.POLICY_ENGINE_UNAVAILABLE, "it was closed")
        if not self._starts.take():
            raise _failed(Code.POLICY_ENGINE_UNAVAILABLE, "workers end as fast as they are started")
        if seat.used:
            self._meter.add(Metric.POLICY_ENGINE_RESTARTS)
        try:
            seat.process, seat.used = Process(), True
        except EngineLackingError as failure:
            raise _failed(Code.POLICY_ENGINE_UNAVAILABLE, str(failure)) from None
        return seat.process

    async def _do(self, seat: _Seat, process: Process, job: "_Job") -> tuple[int, bytes]:
        """Have a job done. Whatever isn't its answer costs the worker its life, also where the caller gives up."""
        frame = seat.conversation.ask(job.kind, job.body)
        try:
            return await self._wait.exchange(process.socket, seat.conversation, frame, job.seconds)
        except TimeoutError:
            failure = _failed(job.late, f"no answer in {job.seconds} s", job.asked)
        except OSError:
            failure = _failed(*process.cause(), job.asked)
        except BrokenError as broken:
            failure = _failed(Code.POLICY_ENGINE_CRASHED, str(broken), job.asked)
        except BaseException:
            seat.vacate()
            self._charge(job)
            raise
        seat.vacate()
        self._charge(job)
        if failure.code is not Code.POLICY_ENGINE_UNAVAILABLE:
            with contextlib.suppress(PolicyFailed):
                self._start(seat)  # while it starts, nobody waits for it
        raise failure

    def _charge(self, job: "_Job") -> None:
        """A worker was lost over this job."""
        if job.asker:
            self._losses.charge(job.asker)

    def _refused(self, seat: _Seat, body: bytes) -> PolicyFailed:
        """What a refusal means; one that can't be understood costs the worker its life."""
        try:
            said = refusal(body)
        except BrokenError as broken:
            seat.vacate()
            return _failed(Code.POLICY_ENGINE_CRASHED, str(broken))
        return PolicyFailed(
            said.code,
            _MESSAGES[said.code],
            detail=said.message,
            module=said.file or said.module,
            line=said.line,
        )


@dataclass(frozen=True, slots=True)
class _Job:
    """Something to ask a worker: how long it may take, about which modules and for whom, and what it means that it took longer."""

    kind: int
    body: bytes
    seconds: float
    asked: tuple[Module, ...]
    asker: str = ""
    late: Code = Code.POLICY_TIMEOUT


def _failed(code: Code, detail: str, asked: tuple[Module, ...] = ()) -> PolicyFailed:
    """A failure, of one module where only one was asked."""
    return PolicyFailed(code, _MESSAGES[code], detail=detail, module=asked[0].name if len(asked) == 1 else "")
