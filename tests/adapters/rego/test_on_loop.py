"""The same engine on an event loop: tasks share workers, and the loop goes on while one is asked."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import pytest

from aaf.adapters.rego.engine import Engine, Patience
from aaf.adapters.rego.waiting_asyncio import OnLoop
from aaf.domain.canonical import Json, canonical
from aaf.domain.errors import Code, PolicyFailed
from aaf.policy.rego.answers import Answer, Value
from aaf.policy.rego.module import Module
from tests.adapters.rego.material import HURRIED, UNHURRIED, module, process_of

ECHO = (module("decision := input.n"),)
RUNAWAY = module(
    "decision := count([1 | some i in numbers.range(1, 20000); some j in numbers.range(1, 20000); i * j == 7])"
)


def run(work: Callable[[Engine], Awaitable[None]], *, workers: int = 1, patience: Patience = UNHURRIED) -> None:
    async def whole() -> None:
        engine = Engine(OnLoop(workers), workers=workers, patience=patience)
        try:
            await work(engine)
        finally:
            await engine.close()

    asyncio.run(whole())


async def ask(engine: Engine, n: Json, modules: tuple[Module, ...] = ECHO) -> tuple[Answer, ...]:
    return await engine.evaluate(modules, modules, canonical({"n": n}), b"{}")


@pytest.mark.parametrize("workers", [1, 2])
def test_tasks_share_workers_and_each_gets_its_own_answer(workers: int) -> None:
    async def work(engine: Engine) -> None:
        found = await asyncio.gather(*(ask(engine, n) for n in range(300)))
        assert found == [(Value(n),) for n in range(300)]

    run(work, workers=workers)


def test_a_long_document_and_a_long_answer_go_through_in_pieces() -> None:
    async def work(engine: Engine) -> None:
        long = "x" * 900_000
        assert await ask(engine, long) == (Value(long),)

    run(work)


def test_the_loop_goes_on_while_a_module_takes_its_time() -> None:
    async def work(engine: Engine) -> None:
        assert await ask(engine, 1) == (Value(1),)
        asked = asyncio.create_task(ask(engine, 2, (RUNAWAY,)))
        turns = 0
        while not asked.done():
            turns += 1
            await asyncio.sleep(0)
        assert turns > 10
        with pytest.raises(PolicyFailed) as caught:
            await asked
        assert caught.value.code is Code.POLICY_TIMEOUT
        assert await ask(engine, 3) == (Value(3),)

    run(work, patience=HURRIED)


def test_a_caller_that_gives_up_leaves_its_answer_to_nobody() -> None:
    async def work(engine: Engine) -> None:
        assert await ask(engine, 1) == (Value(1),)
        before = process_of(engine)
        os.kill(before.pid, signal.SIGSTOP)
        asked = asyncio.create_task(ask(engine, 2))
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert await ask(engine, 3) == (Value(3),)
        assert process_of(engine) is not before

    run(work)


def test_a_worker_killed_while_it_is_asked_is_a_failure_and_the_next_question_is_answered() -> None:
    async def work(engine: Engine) -> None:
        assert await ask(engine, 1) == (Value(1),)
        pid = process_of(engine).pid
        os.kill(pid, signal.SIGSTOP)
        asked = asyncio.create_task(ask(engine, 2))
        await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(PolicyFailed) as caught:
            await asked
        assert caught.value.code is Code.POLICY_ENGINE_CRASHED
        assert await ask(engine, 3) == (Value(3),)

    run(work)


def test_whoever_waits_too_long_for_a_free_worker_gets_a_failure() -> None:
    async def work(engine: Engine) -> None:
        assert await engine._wait.enter(1.0)
        with pytest.raises(PolicyFailed) as caught:
            await ask(engine, 1)
        assert caught.value.code is Code.POLICY_ENGINE_UNAVAILABLE
        engine._wait.leave()
        assert await ask(engine, 2) == (Value(2),)

    run(work, patience=Patience(answer=20.0, start=60.0, free=0.01))


def test_a_question_on_its_way_fails_at_the_end_without_waiting_for_its_deadline() -> None:
    async def work(engine: Engine) -> None:
        assert await ask(engine, 1) == (Value(1),)
        os.kill(process_of(engine).pid, signal.SIGSTOP)
        asked = asyncio.create_task(ask(engine, 2))
        await asyncio.sleep(0)
        await engine.close()
        with pytest.raises(PolicyFailed) as caught:
            await asked
        assert caught.value.code is Code.POLICY_ENGINE_CRASHED
        assert engine._seats[0].process is None

    run(work, patience=Patience(answer=3600.0, start=60.0, free=60.0))
