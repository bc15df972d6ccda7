"""The process in which the Rego engine runs, because an evaluation can't be interrupted, only killed.

Started as a file of its own, isolated and without an environment: standard library, the engine, and the pure functions that policies may call. It answers one frame at a time, on descriptor 0,
and ends with its parent. It decides nothing, and whatever goes wrong beyond an error of a module ends the process. Its limits are set before
the engine is loaded, because the engine's allocator reserves a gibibyte of addresses when it starts, inside which a later limit isn't felt.

A frame is a header and a body. The header is the body's length, the number of the job, which the answer repeats, and its kind or how it ended.
"""

import ctypes
import json
import os
import pathlib
import resource
import signal
import struct
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

HEADER = struct.Struct(">IQB")
QUESTION = struct.Struct(">IHI")
"""An evaluation: number of the set of modules, how many of them, length of the document; then their places, the document, the facts."""
LOAD, EVALUATE, PARSE, BENCH, TEST = 1, 2, 3, 4, 5
DONE, REFUSED = 0, 1
MAX_FRAME = 64 * 1_048_576
"""Bytes of a body, in both directions; a longer answer is refused where it is made and where it is read."""
MAX_SETS = 4
"""Sets of modules that a worker keeps; the one that was loaded first goes."""
NO_ENGINE = 3
"""Exit status where the engine can't be imported."""
LAST_RESORT = 20
"""Seconds after which the kernel ends a worker that still works on one job, so that one whose parent died ends too."""
ANSWER = "aaf_answer"
"""The package that asks a module; no module may be in it."""
FACTS = {"rate_limit_exceeded": "rate"}
"""Functions of one argument that look it up in a table of the facts."""
REFUSED_FUNCTIONS = {
    "http.send": 1,
    "net.lookup_ip_addr": 1,
    "opa.runtime": 0,
    "rand.intn": 2,
    "time.now_ns": 0,
    "uuid.rfc4122": 1,
}
"""Functions whose result isn't a function of the document, with how many arguments they take."""

TOUCHED = "aaf_touched"
"""A rule that is added to modules under test, below their text: asking for it makes the engine say which lines a module has."""
MAX_PRINTED = 100
"""Lines that one test may print; 500 characters each."""

_SOURCE = str(pathlib.Path(__file__).resolve().parents[3])
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_ASKING = f"package {ANSWER}\nvalue := [{{}}]\nready := true\n"
"""In a list, what a module says and that it says nothing can't be mixed up, whatever the value."""


_CALENDAR = f"package {ANSWER}\nvalue := [time.weekday(input), time.clock(input)]\n"
Own: TypeAlias = Mapping[str, tuple[int, Callable[..., object]]]
"""Functions of values, by name: how many arguments they take, and what computes them."""

_VALUE, _READY = f"data.{ANSWER}.value", f"data.{ANSWER}.ready"


class _Rego(Protocol):
    """What is used of the engine's bindings."""

    def set_rego_v0(self, enable: object, /) -> None: ...
    def add_policy(self, path: str, rego: str, /) -> object: ...
    def add_extension(self, path: str, nargs: int, extension: Callable[..., object], /) -> None: ...
    def set_gather_prints(self, gather: object, /) -> None: ...
    def take_prints(self) -> object: ...
    def set_input(self, document: object, /) -> None: ...
    def eval_rule_as_json(self, rule: str, /) -> str: ...
    def get_ast_as_json(self) -> str: ...
    def get_packages(self) -> list[str]: ...
    def set_enable_coverage(self, enable: object, /) -> None: ...
    def clear_coverage_data(self) -> None: ...
    def get_coverage_report_as_json(self) -> str: ...


class NoFactError(Exception):
    """A function was asked about something that no fact was given for."""


class _Refusal(Exception):
    """An answer that says what a module did wrong."""

    def __init__(self, module: str, text: str) -> None:
        super().__init__(text)
        self.module = module


def confine(memory: int) -> None:
    """Set the limits that hold for the rest of this process. `memory` is bytes of address space."""
    for kind, limit in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 1_048_576),
        (resource.RLIMIT_NPROC, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        wanted = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (wanted, wanted))
    if sys.platform == "linux":
        kernel = ctypes.CDLL(None, use_errno=True)
        kernel.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        kernel.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def close_the_rest() -> None:
    """No file or socket is opened from here on: only the three descriptors that the process was given."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


class Set:
    """The modules of one release: an engine for each, together with the libraries only."""

    def __init__(
        self, engine: Callable[[], _Rego], content: Mapping[str, Any], facts: Callable[[], dict[str, Any]], own: Own
    ) -> None:
        """Load all of them; one that doesn't load is refused when it is asked, not before."""
        self._facts, self._own = facts, own
        self._libraries = [one for one in content["modules"] if one["library"]]
        self._engines = [self._load(engine, one) for one in content["modules"]]
        self._names = [str(one["name"]) for one in content["modules"]]

    def _load(self, make: Callable[[], _Rego], module: Mapping[str, Any]) -> _Rego | _Refusal:
        if module["library"]:
            return _Refusal(module["name"], "a library decides nothing")
        engine = make()
        try:
            for one in (*self._libraries, module):
                engine.set_rego_v0(one["dialect"] == "v0")
                engine.add_policy(one["name"], one["text"])
            engine.set_rego_v0(False)
            if ANSWER in (package.split(".")[1] for package in engine.get_packages()):
                raise _Refusal(module["name"], f"the package {ANSWER} is taken")  # noqa: TRY301
            engine.add_policy(ANSWER, _ASKING.format(module["query"]))
            engine.set_gather_prints(True)
            for name, table in FACTS.items():
                engine.add_extension(name, 1, self._look_up(name, table))
            for name, (arguments, function) in self._own.items():
                engine.add_extension(name, arguments, function)
            for name, arguments in REFUSED_FUNCTIONS.items():
                engine.add_extension(name, arguments, _refuse(name))
            engine.set_input({})
            engine.eval_rule_as_json(_READY)
            if warned := complaints():
                raise _Refusal(module["name"], f"the engine warned: {warned}")  # noqa: TRY301
        except Exception as failure:  # noqa: BLE001 - the engine raises RuntimeError, its bindings others
            return _Refusal(module["name"], str(failure))
        return engine

    def _look_up(self, name: str, table: str) -> Callable[[object], bool]:
        def looked_up(argument: object) -> bool:
            found = self._facts().get(table, {})
            if type(argument) is not str or argument not in found:
                msg = f"{name}: no fact about this argument"
                raise NoFactError(msg)
            return bool(found[argument])

        return looked_up

    def refused(self) -> dict[str, str]:
        """The modules that don't load, and why; libraries aren't asked."""
        pairs = zip(self._names, self._engines, strict=True)
        libraries = {one["name"] for one in self._libraries}
        return {name: str(one)[:512] for name, one in pairs if isinstance(one, _Refusal) and name not in libraries}

    def ask(self, place: int, document: object) -> str:
        """The JSON of what one module says: a list of that one value, or a text where it says nothing."""
        engine = self._engines[place]
        if isinstance(engine, _Refusal):
            raise engine
        try:
            engine.set_input(document)
            return str(engine.eval_rule_as_json(_VALUE))
        except Exception as failure:  # noqa: BLE001 - as above
            raise _Refusal(self._names[place], str(failure)) from None
        finally:
            engine.take_prints()


class Bench:
    """One module whole, with the libraries and perhaps a module of tests: what is asked of it is measured by lines."""

    def __init__(self, engine: _Rego, content: Mapping[str, Any], own: Own) -> None:
        """Load everything; `facts` names a rule that holds what functions know, `own` are those that compute."""
        self._engine = engine
        self._facts: dict[str, Any] = {}
        self._ends: dict[str, int] = {}
        for one in content["modules"]:
            engine.set_rego_v0(one["dialect"] == "v0")
            self._ends[one["name"]] = one["text"].count("\n") + 2
            engine.add_policy(one["name"], f"{one['text']}\n{TOUCHED} := true\n")
        engine.set_rego_v0(False)
        engine.set_gather_prints(True)
        engine.set_enable_coverage(True)
        for name in FACTS:
            engine.add_extension(name, 1, self._look_up(name))
        for name, (arguments, function) in own.items():
            engine.add_extension(name, arguments, function)
        for name, arguments in REFUSED_FUNCTIONS.items():
            engine.add_extension(name, arguments, _refuse(name))
        for package in dict.fromkeys(one["package"] for one in content["modules"]):
            engine.eval_rule_as_json(f"data.{package}.{TOUCHED}")
        self.lines = {name: sorted({*covered, *left}) for name, covered, left in self._measured()}
        if content["facts"]:
            said = json.loads(engine.eval_rule_as_json(content["facts"]))
            self._facts = said if isinstance(said, dict) else {}
        engine.take_prints()

    def _look_up(self, name: str) -> Callable[[object], bool]:
        def looked_up(argument: object) -> bool:
            found = self._facts.get(name, {})
            if type(argument) is not str or argument not in found:
                msg = f"{name}: no fact about this argument"
                raise NoFactError(msg)
            return bool(found[argument])

        return looked_up

    def _measured(self) -> list[tuple[str, list[int], list[int]]]:
        """Each module, the lines of it that were reached since this was last cleared, and the others."""
        files = json.loads(self._engine.get_coverage_report_as_json())["files"]
        return [
            (
                one["path"],
                [line for line in one["covered"] if line < self._ends[one["path"]]],
                [line for line in one["not_covered"] if line < self._ends[one["path"]]],
            )
            for one in files
            if one["path"] in self._ends
        ]

    def ask(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """What one rule is, what was printed and which lines were reached; an error is an answer too."""
        engine = self._engine
        engine.clear_coverage_data()
        if content["document"] is not None:
            engine.set_input(json.loads(content["document"]))
            self._facts = content["facts"]
        said, error = "", ""
        try:
            said = str(engine.eval_rule_as_json(content["rule"]))[:500]
        except Exception as failure:  # noqa: BLE001 - as above
            error = plain(str(failure)) or "the engine gives no reason"
        printed = [str(line)[:500] for line in list(engine.take_prints())[:MAX_PRINTED]]  # type: ignore[call-overload]
        covered = {name: lines for name, lines, _ in self._measured()}
        return {"covered": covered, "error": error, "printed": printed, "said": said}


def _refuse(name: str) -> Callable[..., None]:
    def refused(*_: object) -> None:
        msg = f"{name} is not available to policies"
        raise NoFactError(msg)

    return refused


class Calendar:
    """Weekday and clock of an instant in a zone, by the engine's own table of zones: this process can't open one."""

    def __init__(self, engine: _Rego) -> None:
        """Take an engine for it alone."""
        engine.add_policy(ANSWER, _CALENDAR)
        self._engine = engine

    def __call__(self, nanoseconds: int, zone: str) -> tuple[str, tuple[int, int, int]]:
        """The English name of the day, and hour, minute and second."""
        self._engine.set_input([nanoseconds, zone])
        day, clock = json.loads(self._engine.eval_rule_as_json(_VALUE))
        return day, tuple(clock)


class Jobs:
    """Does one job after another."""

    def __init__(self, engine: Callable[[], _Rego], own: Callable[["Calendar"], Own]) -> None:
        """`engine` makes an engine, `own` AAF's functions of values from a calendar."""
        self._engine = engine
        self._own = own(Calendar(engine()))
        self._sets: dict[int, Set] = {}
        self._bench: Bench | None = None
        self._given = b"{}"
        self._facts: dict[str, Any] | None = None

    def facts(self) -> dict[str, Any]:
        """The facts of the evaluation that is going on, read when first asked for."""
        found = self._facts
        if found is None:
            found = self._facts = dict(json.loads(self._given))
        return found

    def do(self, kind: int, body: bytes) -> bytes:
        """The answer to one job."""
        if kind == EVALUATE:
            return self._evaluate(body)
        content = json.loads(body)
        if kind == LOAD:
            return self._load(content)
        if kind in (BENCH, TEST):
            return self._test(kind, content)
        return self._parse(content)

    def _load(self, content: Mapping[str, Any]) -> bytes:
        while len(self._sets) >= MAX_SETS:
            del self._sets[next(iter(self._sets))]
        made = self._sets[content["set"]] = Set(self._engine, content, self.facts, self._own)
        return json.dumps({"refused": made.refused()}).encode()

    def _evaluate(self, body: bytes) -> bytes:
        number, count, length = QUESTION.unpack_from(body)
        start = QUESTION.size + 2 * count
        modules = self._sets[number]
        document = json.loads(body[start : start + length])
        self._given, self._facts = body[start + length :], None
        places = struct.unpack_from(f">{count}H", body, QUESTION.size)
        return f"[{','.join(modules.ask(place, document) for place in places)}]".encode()

    def _test(self, kind: int, content: Mapping[str, Any]) -> bytes:
        if kind == TEST and self._bench is not None:
            return json.dumps(self._bench.ask(content)).encode()
        try:
            self._bench = Bench(self._engine(), content, self._own)
        except Exception as failure:  # noqa: BLE001 - as above
            raise _Refusal("", str(failure)) from None
        return json.dumps({"lines": self._bench.lines}).encode()

    def _parse(self, content: Mapping[str, Any]) -> bytes:
        engine = self._engine()
        try:
            engine.set_rego_v0(content["dialect"] == "v0")
            engine.add_policy(content["name"], content["text"])
            return str(engine.get_ast_as_json()).encode()
        except Exception as failure:  # noqa: BLE001 - as above
            raise _Refusal(content["name"], str(failure)) from None


def plain(text: str) -> str:
    """The engine's own words without its stack."""
    return text.partition("Stack backtrace")[0].strip()[:4096]


def refusal(module: str, text: str) -> bytes:
    """A refusal as it is sent; it is for the log and for people who publish."""
    return json.dumps({"module": module, "text": plain(text)}).encode()


def complaints() -> str:
    """What was written to standard error since this was last asked: the engine warns there instead of refusing."""
    size = os.fstat(2).st_size
    if not size:
        return ""
    text = os.pread(2, 4096, 0).decode("utf-8", "replace")
    os.ftruncate(2, 0)
    os.lseek(2, 0, os.SEEK_SET)
    return text


def answer(jobs: Jobs, kind: int, body: bytes) -> tuple[int, bytes]:
    """Do one job; an error of a module is an answer."""
    try:
        done = jobs.do(kind, body)
    except _Refusal as failure:
        complaints()
        return REFUSED, refusal(failure.module, str(failure))
    noise = complaints()
    if noise:
        return REFUSED, refusal("", f"the engine warned: {noise}")
    if len(done) > MAX_FRAME:
        return REFUSED, refusal("", "the answer is too large")
    return DONE, done


def receive(size: int) -> bytes:
    """Exactly so many bytes; the end of the process where the parent is gone."""
    data = os.read(0, min(size, 1_048_576))
    if len(data) < size:
        parts = [data]
        while data and size > (got := sum(map(len, parts))):
            data = os.read(0, min(size - got, 1_048_576))
            parts.append(data)
        if not data:
            os._exit(0)
        data = b"".join(parts)
    return data


def serve(jobs: Jobs) -> None:
    """Answer until the parent is gone."""
    while True:
        length, number, kind = HEADER.unpack(receive(HEADER.size))
        body = receive(length) if length else b""
        signal.setitimer(signal.ITIMER_REAL, LAST_RESORT)
        status, data = answer(jobs, kind, body)
        signal.setitimer(signal.ITIMER_REAL, 0)
        left = memoryview(HEADER.pack(len(data), number, status) + data)
        while left:
            left = left[os.write(0, left) :]


def main() -> None:
    """Start: the arguments are the folder of the engine and bytes of memory."""
    folder, memory = sys.argv[1], int(sys.argv[2])
    confine(memory)
    sys.path += [folder, _SOURCE]
    try:
        import regorus  # type: ignore[import-untyped] # noqa: PLC0415 - only here are the limits set

        from aaf.policy.rego.functions import functions  # noqa: PLC0415 - as above; there is no path to it before
    except ImportError:
        os._exit(NO_ENGINE)
    sys.path.clear()
    close_the_rest()
    serve(Jobs(regorus.Engine, functions))


if __name__ == "__main__":
    main()
