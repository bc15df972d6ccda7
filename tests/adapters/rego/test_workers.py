"""Workers that are slow, greedy, dead or lying: the question fails, whatever was being asked, and the next one is answered."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aaf.adapters.driving import drive
from aaf.adapters.rego import allowance, worker
from aaf.adapters.rego import process as processes
from aaf.adapters.rego.engine import Engine, Patience
from aaf.domain.errors import Code, PolicyFailed
from aaf.domain.metering import Metric
from aaf.policy.rego.answers import Value
from aaf.policy.rego.module import Module
from tests.adapters.rego.material import GOOD, ask, failing, make, module, process_of, still_works

RANGE = "some i in numbers.range(1, 20000); some j in numbers.range(1, 20000)"
SLOW = {
    "two loops": f"decision := count([1 | {RANGE}; i * j == 7])",
    "a set without end": "decision := count({x | " + RANGE + "; x := i * 100000 + j})",
    "many strings": 'decision := concat("", ["x" | some i in numbers.range(1, 1000000); some j in numbers.range(1, 99)])',
    "doubling": "".join(f"a{n} := array.concat(a{n - 1}, a{n - 1})\n" for n in range(1, 60)).replace("a0", "[1]")
    + "decision := count(a59)",
}
GREEDY = {
    "a range": "decision := count(numbers.range(1, 100000000))",
    "one string": 'decision := count(c) if { a := sprintf("%1000d", [1]); b := replace(a, " ", a); c := replace(b, " ", a) }',
    "addresses": 'decision := count(net.cidr_expand("0.0.0.0/1"))',
    "small values": 'decision := count({sprintf("%200d", [i * 100000 + j]) | ' + RANGE + "})",
}


@pytest.mark.parametrize("rules", SLOW.values(), ids=SLOW.keys())
def test_a_module_that_takes_too_long_is_given_up_and_the_next_question_is_answered(
    hurried: Engine, rules: str
) -> None:
    assert still_works(hurried)
    with failing(Code.POLICY_TIMEOUT) as caught:
        ask(hurried, module(rules))
    assert caught[0].module == "policies/a.rego"
    assert still_works(hurried)


@pytest.mark.parametrize("rules", GREEDY.values(), ids=GREEDY.keys())
def test_a_module_that_takes_too_much_memory_ends_its_worker_by_the_limit(engine: Engine, rules: str) -> None:
    with failing(Code.POLICY_ENGINE_CRASHED) as caught:
        ask(engine, module(rules))
    assert caught[0].detail.endswith("out of memory")
    assert still_works(engine)


def test_a_function_that_calls_itself_costs_its_worker_and_no_more(engine: Engine) -> None:
    with failing(Code.POLICY_ENGINE_CRASHED):
        ask(engine, module("f(x) := f(x + 1)\ndecision := f(1)"))
    assert still_works(engine)


def test_an_answer_that_is_too_large_is_none(engine: Engine) -> None:
    with failing(Code.POLICY_ENGINE_CRASHED):
        ask(engine, module("decision := numbers.range(1, 1000000)"))
    assert still_works(engine)


def test_the_limits_of_a_worker_are_those_that_it_was_given(engine: Engine) -> None:
    assert still_works(engine)
    limits = Path(f"/proc/{process_of(engine).pid}/limits").read_text()
    by_name = {line[:26].strip(): line[26:].split() for line in limits.splitlines()}
    assert by_name["Max address space"][:2] == [str(processes.MEMORY)] * 2
    assert by_name["Max core file size"][:2] == ["0", "0"]
    assert by_name["Max open files"][:2] == ["3", "3"]
    status = Path(f"/proc/{process_of(engine).pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    assert os.getsid(process_of(engine).pid) == process_of(engine).pid


def test_a_worker_has_no_environment_and_three_descriptors(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AAF_SECRET", "of the parent")
    with (tmp_path / "open").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        assert still_works(engine)
        folder = Path(f"/proc/{process_of(engine).pid}")
        assert subprocess.run(["cat", folder / "environ"], capture_output=True, check=False).stdout == b""
        assert sorted(path.name for path in (folder / "fd").iterdir()) == ["0", "1", "2"]


def test_a_worker_that_died_between_two_questions_is_replaced_before_the_next(engine: Engine) -> None:
    assert still_works(engine)
    killed = process_of(engine)
    os.kill(killed.pid, signal.SIGKILL)
    killed._process.wait()
    assert still_works(engine)
    assert process_of(engine) is not killed


def test_a_worker_that_dies_while_it_is_asked_gives_no_answer(engine: Engine) -> None:
    """It is stopped first, so that the question is written and unread, then killed."""
    assert still_works(engine)
    pid = process_of(engine).pid
    os.kill(pid, signal.SIGSTOP)
    killer = threading.Timer(0.05, os.kill, (pid, signal.SIGKILL))
    killer.start()
    with failing(Code.POLICY_ENGINE_CRASHED) as caught:
        ask(engine, *GOOD, document={"good": True})
    killer.join()
    assert "-9" in caught[0].detail
    assert still_works(engine)


def test_a_worker_that_dies_while_modules_are_loaded_gives_no_answer(engine: Engine) -> None:
    assert still_works(engine)
    pid = process_of(engine).pid
    os.kill(pid, signal.SIGSTOP)
    killer = threading.Timer(0.05, os.kill, (pid, signal.SIGKILL))
    killer.start()
    many = tuple(module(f"decision := {n}\n" + f"x{n} := 1\n" * 20_000, f"policies/{n}.rego") for n in range(10))
    with failing(Code.POLICY_ENGINE_CRASHED):
        ask(engine, *many)
    killer.join()
    assert still_works(engine)


def until(happened: Callable[[], bool]) -> bool:
    """Whether it happens within a minute."""
    return any(happened() or threading.Event().wait(0.01) for _ in range(6000))


STUB = """
import os, sys
sys.path.insert(0, {source!r})
from aaf.adapters.rego import worker
def receive():
    length, number, kind = worker.HEADER.unpack(worker.receive(worker.HEADER.size))
    return number, kind, worker.receive(length) if length else b""
def send(number, body, status=0, length=None):
    os.write(0, worker.HEADER.pack(len(body) if length is None else length, number, status) + body)
number, kind, _ = receive()
send(number, b"{{}}")
number, kind, _ = receive()
{then}
receive()
"""
ALLOW = "b'[[\"allow\"]]'"
LIES = {
    "ends without a word": "sys.exit(0)",
    "half a header": "os.write(0, b'123'); sys.exit(0)",
    "a header alone": "send(number, b'', length=20); sys.exit(0)",
    "half an answer": f"send(number, {ALLOW}, length=200); sys.exit(0)",
    "the number before": f"send(number - 1, {ALLOW})",
    "the next number": f"send(number + 1, {ALLOW})",
    "of no known kind": f"send(number, {ALLOW}, status=7)",
    "longer than allowed": f"send(number, {ALLOW}, length=1 << 31)",
    "an answer and more": f"os.write(0, worker.HEADER.pack(11, number, 0) + {ALLOW} + b'x')",
    "no JSON": "send(number, b'[[allow]]')",
    "two answers for one": "send(number, b'[[1],[2]]')",
    "no list": "send(number, b'{}')",
    "another shape": "send(number, b'[{}]')",
    "two values": "send(number, b'[[1,2]]')",
    "a refusal of another shape": "send(number, b'[]', status=1)",
    "a refusal that is no JSON": "send(number, b'x', status=1)",
}


@pytest.fixture
def lying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """The next workers are a program that speaks the protocol up to the first question, and then does as told."""

    def lie(then: str) -> None:
        source = str(Path(worker.__file__).parents[3])
        program = tmp_path / "liar.py"
        program.write_text(STUB.format(source=source, then=then))
        monkeypatch.setattr(worker, "__file__", str(program))

    return lie


@pytest.mark.parametrize("then", LIES.values(), ids=LIES.keys())
def test_whatever_is_not_the_whole_answer_to_this_question_is_a_failure(
    lying: Callable[[str], None], then: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make(patience=Patience(answer=20.0, start=60.0, starts=3))
    truth = worker.__file__
    lying(then)
    with pytest.raises(Exception, match="policy") as caught:
        ask(engine, *GOOD, document={"good": True})
    assert getattr(caught.value, "code", None) in {Code.POLICY_ENGINE_CRASHED, Code.POLICY_ERROR}
    monkeypatch.setattr(worker, "__file__", truth)
    engine._free[-1].vacate()
    assert still_works(engine)
    drive(engine.close())


def test_an_answer_that_comes_late_is_nobody_elses(lying: Callable[[str], None], hurried: Engine) -> None:
    """The first answer comes when the deadline is over; the second question goes to another worker."""
    truth = worker.__file__
    lying(f"import time; time.sleep(2); send(number, {ALLOW}); send(number + 1, {ALLOW})")
    with failing(Code.POLICY_TIMEOUT):
        ask(hurried, *GOOD)
    worker.__file__ = truth
    hurried._free[-1].vacate()
    assert ask(hurried, *GOOD, document={"bad": True}) == (Value("deny"),)


def test_an_answer_that_nobody_asked_for_costs_the_worker(lying: Callable[[str], None], engine: Engine) -> None:
    truth = worker.__file__
    lying(f"send(number, {ALLOW}); import time; time.sleep(0.2); send(number + 1, {ALLOW})")
    assert ask(engine, *GOOD) == (Value("allow"),)
    assert until(lambda: not process_of(engine).quiet())
    worker.__file__ = truth
    assert ask(engine, *GOOD, document={"bad": True}) == (Value("deny"),)


def test_workers_that_end_at_once_are_not_started_without_end(
    lying: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = [0.0]
    engine = make(patience=Patience(answer=20.0, start=60.0, starts=4, rest=1.0), clock=lambda: at[0])
    started: list[int] = []
    begin = processes.Process.__init__

    def counting(self: processes.Process, memory: int = processes.MEMORY) -> None:
        started.append(1)
        begin(self, memory)

    monkeypatch.setattr(processes.Process, "__init__", counting)
    lying("sys.exit(1)")
    for _ in range(4):
        with failing(Code.POLICY_ENGINE_CRASHED):
            ask(engine, *GOOD)
    for _ in range(20):
        with failing(Code.POLICY_ENGINE_UNAVAILABLE):
            ask(engine, *GOOD)
    assert len(started) == 4
    at[0] = 100.0
    with failing(Code.POLICY_ENGINE_CRASHED):
        ask(engine, *GOOD)
    drive(engine.close())


def test_no_engine_installed_is_a_failure_with_its_own_code(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with failing(Code.POLICY_ENGINE_UNAVAILABLE):
        ask(engine, *GOOD)


def test_an_engine_that_cannot_be_loaded_is_a_failure_with_its_own_code(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_folder", lambda: Path("/nowhere"))
    with failing(Code.POLICY_ENGINE_UNAVAILABLE):
        ask(engine, *GOOD)


def test_a_system_that_refuses_another_process_is_a_failure(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with failing(Code.POLICY_ENGINE_UNAVAILABLE):
        ask(engine, *GOOD)
    monkeypatch.undo()
    assert still_works(engine)


def test_nothing_is_asked_after_the_end_or_after_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make()
    assert still_works(engine)
    monkeypatch.setattr("os.getpid", lambda: -1)
    with failing(Code.POLICY_ENGINE_UNAVAILABLE):
        ask(engine, *GOOD)
    monkeypatch.undo()
    pid = process_of(engine).pid
    drive(engine.close())
    assert not Path(f"/proc/{pid}").exists()
    with failing(Code.POLICY_ENGINE_UNAVAILABLE):
        ask(engine, *GOOD)


def test_whoever_waits_too_long_for_a_free_worker_gets_a_failure() -> None:
    engine = make(patience=Patience(free=0.01))
    assert drive(engine._wait.enter(1.0))
    with failing(Code.POLICY_ENGINE_UNAVAILABLE):
        ask(engine, *GOOD)
    engine._wait.leave()
    drive(engine.close())


def test_threads_share_workers_and_each_gets_its_own_answer() -> None:
    engine = make(workers=2)
    echo = (module("decision := input.n"),)

    def one(n: int) -> bool:
        return ask(engine, *echo, document={"n": n}) == (Value(n),)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(one, range(400)))
    drive(engine.close())


def test_restarts_are_counted() -> None:
    counted: list[Metric] = []

    class Meter:
        public = False

        def add(self, metric: Metric, *labels: str, by: int = 1) -> None:
            counted.append(metric)

    engine = make(meter=Meter())
    assert still_works(engine)
    assert not counted
    process_of(engine).kill()
    assert still_works(engine)
    assert counted == [Metric.POLICY_ENGINE_RESTARTS]
    drive(engine.close())


def test_a_worker_ends_with_its_parent() -> None:
    """Also where the parent is killed: the other end of the socket is gone with it."""
    program = """
import os, signal
from tests.adapters.rego.material import make, process_of, still_works
engine = make()
assert still_works(engine)
print(process_of(engine).pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    gone = Path(f"/proc/{int(done.stdout)}")
    assert until(lambda: not gone.exists() or (gone / "stat").read_text().split()[2] == "Z")


def test_an_agent_that_costs_worker_after_worker_is_set_aside_for_a_while_and_others_are_not() -> None:
    at = [0.0]
    patience = Patience(answer=20.0, start=60.0, losses=2, forget=10.0, starts=100)
    engine = make(patience=patience, clock=lambda: at[0])
    deadly = (module('decision := "deny" if strings.count("aaa", "") > 0'),)

    def outcome(asker: str, modules: tuple[Module, ...] = GOOD) -> Code:
        try:
            drive(engine.evaluate(modules, modules, b'{"good":true}', b"{}", asker))
        except PolicyFailed as failure:
            return failure.code
        return Code.OK

    assert [outcome("a", deadly) for _ in range(3)] == [
        Code.POLICY_ENGINE_CRASHED,
        Code.POLICY_ENGINE_CRASHED,
        Code.POLICY_ENGINE_UNAVAILABLE,
    ]
    assert (outcome("a"), outcome("b")) == (Code.POLICY_ENGINE_UNAVAILABLE, Code.OK)
    at[0] = 10.0
    assert outcome("a") is Code.OK
    drive(engine.close())


def test_who_cost_a_worker_longest_ago_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowance, "MAX_ASKERS", 2)
    losses = allowance.Losses(1, 10.0, lambda: 0.0)
    for asker in ("a", "b", "a", "c"):
        losses.charge(asker)
    assert [losses.over(asker) for asker in ("a", "b", "c")] == [True, False, True]


def test_a_question_on_its_way_fails_at_the_end_and_no_worker_stays() -> None:
    engine = make(workers=1)
    assert still_works(engine)
    process = process_of(engine)
    os.kill(process.pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(ask, engine, *GOOD)
        assert until(lambda: not engine._free)
        drive(engine.close())
        with pytest.raises(PolicyFailed):
            asked.result(60)
    assert until(lambda: engine._seats[0].process is None)
    assert not Path(f"/proc/{process.pid}").exists()


def test_two_threads_may_take_leave_of_the_same_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def poll(self) -> int:
            processes._GONE.clear()  # as another thread would
            return 0

    monkeypatch.setattr(processes, "_GONE", [Gone()])
    processes._reap()
    assert processes._GONE == []
