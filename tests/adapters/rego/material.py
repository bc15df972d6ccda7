"""Modules for the engine's tests, and one place that asks them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from aaf.adapters.driving import drive
from aaf.adapters.rego.engine import Engine, Patience
from aaf.adapters.rego.waiting import Blocking
from aaf.domain.canonical import Json, canonical
from aaf.domain.errors import Code, PolicyFailed
from aaf.policy.rego.answers import Answer, Undefined, Value
from aaf.policy.rego.module import Dialect, Module

UNHURRIED = Patience(answer=20.0, start=60.0, free=60.0)
HURRIED = Patience(answer=0.3, start=60.0, free=60.0)


def module(rules: str, name: str = "policies/a.rego", **more: Any) -> Module:
    """A module in the newer dialect, unless said otherwise."""
    package = more.pop("package", "aaf.policies")
    dialect = more.pop("dialect", Dialect.V1)
    head = f"package {package}\n" + ("import rego.v1\n" if dialect is Dialect.V1 else "")
    return Module(name, dialect, package, head + rules, **more)


GOOD = (module('decision := "allow" if input.good\ndecision := "deny" if input.bad\n', "policies/good.rego"),)


def ask(
    engine: Engine, *modules: Module, document: Json = None, facts: Json = None, among: tuple[Module, ...] | None = None
) -> tuple[Answer, ...]:
    given = canonical({} if document is None else document), canonical({} if facts is None else facts)
    return drive(engine.evaluate(among or modules, modules, *given))


def still_works(engine: Engine) -> bool:
    return ask(engine, *GOOD, document={"good": True}) == (Value("allow"),)


def silent(engine: Engine, *modules: Module) -> bool:
    return ask(engine, *modules) == (Undefined(),) * len(modules)


@contextmanager
def failing(code: Code) -> Iterator[list[PolicyFailed]]:
    """Expect a failure with this code; it is in the list afterwards."""
    caught: list[PolicyFailed] = []
    with pytest.raises(PolicyFailed) as raised:
        yield caught
    assert raised.value.code is code, (raised.value.code, raised.value.detail)
    caught.append(raised.value)


def process_of(engine: Engine) -> Any:
    """The worker that was used last."""
    return engine._free[-1].process


def make(*, workers: int = 1, patience: Patience = UNHURRIED, **more: Any) -> Engine:
    return Engine(Blocking(workers), workers=workers, patience=patience, **more)
