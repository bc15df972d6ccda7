"""Takes a guard out of the running program, from the test's side only; the product has no switch for it.

`@pytest.mark.attack("G14", guard="aaf.services.execute:check_digest", without="tests.attacks.without:returns_none")` names
what refuses the attack. `make attacks` runs such a test twice: once as it is, and once with the guard replaced, where the test
has to fail. A guard that is replaced without any test failing refuses nothing.

A guard is a function, a method (`module:Class.method`) or a constant (`module:NAME`). Callers that imported the function by name are
reached too: each module of `aaf` whose attribute is that object gets the stand-in. What this does not reach: a function that was put
into a table or a default argument when its module was imported; name the table or its reader as the guard instead.
"""

import functools
import importlib
import inspect
import json
import pkgutil
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, cast

import pytest

WITHOUT_VARIABLE = "AAF_TEST_WITHOUT"
"""A JSON list of `[guard, stand-in]` pairs, all taken out together."""

DEFAULT_STAND_IN = "tests.attacks.without:returns_none"


def take_out(named: str) -> None:
    """Replace each guard of the JSON list `named`; a name that leads nowhere ends the run as a usage error."""
    _import_everything()
    for guard, stand_in in json.loads(named):
        _replace(guard, _resolve(stand_in)[2])


def _import_everything() -> None:
    """Import all of `aaf`, so that every `from … import guard` has happened before the guard is looked for."""
    package = importlib.import_module("aaf")
    for module in pkgutil.walk_packages(package.__path__, prefix="aaf."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _resolve(name: str) -> tuple[object, str, Any]:
    """Return the holder, the attribute and the raw value that `module:Attribute.path` names."""
    module_name, colon, path = name.partition(":")
    if not colon or not path:
        raise pytest.UsageError(f"{name!r} is not of the form module:attribute")
    try:
        holder: object = importlib.import_module(module_name)
    except ImportError as error:
        raise pytest.UsageError(f"{name!r}: {error}") from error
    *outer, last = path.split(".")
    for part in outer:
        if not hasattr(holder, part):
            raise pytest.UsageError(f"{name!r}: no {part}")
        holder = getattr(holder, part)
    # The raw value: a static method or a property must be replaced by its like.
    raw = inspect.getattr_static(holder, last, None)
    if raw is None:
        raise pytest.UsageError(f"{name!r}: no {last}")
    return holder, last, raw


def _replace(guard: str, stand_in: Callable[..., object]) -> None:
    holder, name, raw = _resolve(guard)
    replacement = _like(raw, stand_in)
    setattr(holder, name, replacement)
    if not isinstance(holder, ModuleType):
        return
    for module in list(sys.modules.values()):
        if not getattr(module, "__name__", "").startswith("aaf"):
            continue
        for attribute, value in list(vars(module).items()):
            # A constant may be one object under many names; only the same name is the same constant.
            if value is raw and (callable(raw) or attribute == name):
                setattr(module, attribute, replacement)


def _like(raw: object, stand_in: Callable[..., object]) -> object:
    """Dress the stand-in as the guard: static, class or plain method, property, coroutine; or a constant's new value."""
    if isinstance(raw, staticmethod):
        return staticmethod(cast("Callable[..., object]", _like(raw.__func__, stand_in)))
    if isinstance(raw, classmethod):
        return classmethod(cast("Callable[..., object]", _like(raw.__func__, stand_in)))
    if isinstance(raw, property):
        return property(stand_in)
    if not callable(raw):
        return stand_in(raw)
    if inspect.iscoroutinefunction(raw):

        @functools.wraps(raw)
        async def awaited(*args: object, **kwargs: object) -> object:
            return stand_in(*args, **kwargs)

        return awaited

    @functools.wraps(raw)
    def called(*args: object, **kwargs: object) -> object:
        return stand_in(*args, **kwargs)

    return called
