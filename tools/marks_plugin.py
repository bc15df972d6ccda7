"""A pytest plugin that writes down which ids each test carries and how it ended.

Loaded by the project's own checks with `-p tools.marks_plugin`. It reads two variables: where to write, and optionally a
file that lists the only tests to run, one id a line.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

REPORT_VARIABLE = "AAF_MARKS_REPORT"
ONLY_VARIABLE = "AAF_MARKS_ONLY"

_ends: dict[str, str] = {}
_items: list[dict[str, Any]] = []
_problems: list[str] = []


def _marks(item: pytest.Item) -> dict[str, Any]:
    requirements: list[str] = []
    attacks: list[dict[str, Any]] = []
    for mark in item.iter_markers("requirement"):
        if not mark.args or mark.kwargs:
            _problems.append(f"{item.nodeid}: requirement takes ids and nothing else")
        requirements.extend(str(argument) for argument in mark.args)
    for mark in item.iter_markers("attack"):
        unknown = set(mark.kwargs) - {"guard", "without", "part"}
        if len(mark.args) != 1 or unknown:
            _problems.append(f"{item.nodeid}: attack takes one id, guard, without and part")
            continue
        attacks.append({"id": mark.args[0], **{key: mark.kwargs.get(key) for key in ("guard", "without", "part")}})
    return {"nodeid": item.nodeid, "requirements": requirements, "attacks": attacks}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the chosen tests and note what they carry."""
    named = os.environ.get(ONLY_VARIABLE)
    if named:
        only = set(json.loads(Path(named).read_text(encoding="utf-8")))
        dropped = [item for item in items if item.nodeid not in only]
        if dropped:
            config.hook.pytest_deselected(items=dropped)
            items[:] = [item for item in items if item.nodeid in only]
    _items.extend(_marks(item) for item in items)


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Note how a test ended: passed, the name of the exception of its body, or `setup` and `teardown` with one."""
    if call.excinfo is not None:
        name = call.excinfo.type.__name__
        _ends[item.nodeid] = name if call.when == "call" else f"{call.when}:{name}"
    elif call.when == "call":
        _ends.setdefault(item.nodeid, "passed")


def pytest_sessionfinish() -> None:
    """Write the report."""
    named = os.environ.get(REPORT_VARIABLE)
    if named:
        tests = [{**entry, "end": _ends.get(entry["nodeid"], "not run")} for entry in _items]
        Path(named).write_text(json.dumps({"tests": tests, "problems": _problems}), encoding="utf-8")
