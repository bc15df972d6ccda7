"""The engine in this process, for tests only: reads modules and evaluates one with its libraries, with nothing around it.

An engine may be dropped by the thread that made it only, so no frame of an error keeps one for the garbage collector, which runs in any thread.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from aaf.domain.canonical import Json
from aaf.policy.rego.answers import Answer, Undefined, Value
from aaf.policy.rego.module import Dialect, Module
from aaf.policy.rego.parsing import Failure, ModuleRefused

os.environ.pop("RUST_BACKTRACE", None)
_PLACE = re.compile(r"--> [^\n]*?:(\d+):(\d+)")
_WHY = re.compile(r"^error: (.*)", re.MULTILINE)


class InProcess:
    """A parser without bounds of its own; it counts what it was given."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def parse(self, name: str, text: str, dialect: Dialect, /) -> Json:
        """The engine's tree."""
        import regorus  # type: ignore[import-untyped]

        self.read.append(name)
        engine = regorus.Engine()
        engine.set_rego_v0(dialect is Dialect.V0)
        try:
            engine.add_policy(name, text)
            tree: Json = json.loads(engine.get_ast_as_json())
        except RuntimeError as error:
            said = str(error).split("Stack backtrace")[0]
            place, why = _PLACE.search(said), _WHY.search(said)
            line, column = (int(place[1]), int(place[2])) if place else (0, 0)
            raise ModuleRefused(line, column, why[1] if why else said) from None
        finally:
            del engine
        return tree

    def try_out(self, *_: object) -> tuple[Failure, ...]:
        """Nothing is: that needs a worker."""
        return ()


def evaluate(
    module: Module,
    document: Mapping[str, Any],
    libraries: Iterable[Module] = (),
    limited: Mapping[str, bool] | None = None,
) -> Answer:
    """What the engine answers; its errors pass through."""
    import regorus

    def rate_limit_exceeded(agent: str) -> bool:
        return (limited or {})[agent]

    engine = regorus.Engine()
    try:
        for one in (module, *libraries):
            engine.set_rego_v0(one.dialect is Dialect.V0)
            engine.add_policy(one.name, one.text)
        engine.add_extension("rate_limit_exceeded", 1, rate_limit_exceeded)
        engine.set_input_json(json.dumps(document))
        found = json.loads(engine.eval_query_as_json(module.query))
    finally:
        del engine
    return Value(found["result"][0]["expressions"][0]["value"]) if found.get("result") else Undefined()
