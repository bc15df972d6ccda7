"""Modules tried out before they are published: what could never be asked is refused, and an error with a sample is worth a warning."""

import json
from pathlib import Path

import pytest

from aaf.adapters.rego import process as processes
from aaf.adapters.rego import trial, worker
from aaf.adapters.rego.parser import WorkerParser
from aaf.adapters.rego.trial import Trial
from aaf.domain.errors import ConfigurationInvalid
from aaf.policy.configuration import Configuration, load
from aaf.policy.rego.module import Module
from aaf.policy.rego.parsing import Failure
from tests.adapters.rego.material import GOOD, module
from tests.policy.samples import with_main

DEADLY = module('decision := "deny" if strings.count("aaa", "") > 0', "policies/deadly.rego")
SLOW = module(
    "decision := count([1 | some i in numbers.range(1, 20000); some j in numbers.range(1, 20000); i * j == 7])"
)
LIBRARY = module("x := 1", "policies/lib.rego", package="aaf.lib.x", library=True)


def tried(*modules: Module, among: tuple[Module, ...] = (), **seconds: float) -> tuple[Failure, ...]:
    asked = [(one, b'{"x":0}') for one in modules]
    return Trial((*modules, *among), b"{}", **{"load": 60.0, "answer": 60.0, **seconds}).run(asked)


def test_what_can_be_asked_passes_whatever_it_answers() -> None:
    assert tried(*GOOD, module('decision := {"nonsense": 1}'), among=(LIBRARY,)) == ()


def test_an_error_with_a_sample_is_not_fatal_and_has_its_line() -> None:
    (failure,) = tried(module("decision := 1 / input.x"), *GOOD)
    assert (failure.module, failure.line, failure.fatal) == ("policies/a.rego", 3, False)
    (failure,) = tried(module("decision := 1e308"))
    assert (failure.module, failure.fatal) == ("policies/a.rego", False)


def test_a_module_that_does_not_load_is_fatal_and_the_others_are_asked() -> None:
    (failure,) = tried(module("decision :="), *GOOD)
    assert (failure.module, failure.fatal) == ("policies/a.rego", True)
    assert "doesn't load" in failure.message


def test_a_module_that_ends_its_worker_is_fatal_and_the_others_are_asked() -> None:
    first, second = tried(DEADLY, *GOOD, module("decision := 1 / input.x"))
    assert (first.module, first.fatal, second.fatal) == ("policies/deadly.rego", True, False)


def test_a_module_that_takes_too_long_is_fatal() -> None:
    (failure,) = tried(SLOW, answer=0.2)
    assert (failure.module, failure.fatal) == ("policies/a.rego", True)
    assert "0.2 s" in failure.message


def test_modules_that_together_load_too_long_are_fatal() -> None:
    (failure,) = tried(*GOOD, load=0.0)
    assert (failure.module, failure.fatal) == ("", True)


def test_after_some_broken_workers_the_rest_is_not_asked() -> None:
    deadly = [module("decision := numbers.range(1, 1000000)", f"policies/{n}.rego") for n in range(8)]
    assert len(tried(*deadly)) == trial._RESTARTS


def test_no_engine_is_fatal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_folder", lambda: Path("/nowhere"))
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    (failure,) = tried(*GOOD)
    assert (failure.module, failure.fatal) == ("", True)


def test_a_refusal_that_says_nothing_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def says(_: Trial, kind: int, *__: object) -> tuple[str, bytes]:
        return "", json.dumps({"refused": {}}).encode() if kind == worker.LOAD else b"nonsense"

    monkeypatch.setattr(Trial, "_do", says)
    (failure,) = tried(*GOOD)
    assert "plain JSON" in failure.message


# --- as part of loading ---


def configured(*rules: str) -> Configuration:
    files = {f"policies/{n}.rego": f"package aaf.policies\n{text}\n".encode() for n, text in enumerate(rules)}
    with WorkerParser() as parser:
        return load({**with_main("version: 1\n"), **files}, parser=parser)


def test_a_configuration_whose_module_could_never_be_asked_is_refused() -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        configured('decision := "deny" if input.tool == "pay"', 'decision := "deny" if strings.count("aaa", "") > 0')
    (problem,) = caught.value.problems
    assert problem.file == "policies/1.rego"
    assert "asked about a sample" in problem.message


def test_a_configuration_whose_module_fails_with_a_sample_is_loaded_with_a_warning() -> None:
    loaded = configured(
        'decision := "deny" if regex.match("(", input.tool)', 'decision := "deny" if input.tool == "pay"'
    )
    (warning,) = loaded.warnings
    assert warning.startswith("policies/0.rego:2: asked about a sample, it fails:")
