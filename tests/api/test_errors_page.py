"""The page of errors names, for each code, the statuses that the source gives it."""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from aaf.domain import errors
from aaf.domain.errors import AafError, Code
from aaf.entrypoints.refusing import status_of

ROOT = Path(__file__).resolve().parents[2]


@cache
def _raised() -> dict[str, set[int]]:
    """Every `SomeError(Code.X, …)` of the source, as code → statuses."""
    found: dict[str, set[int]] = defaultdict(set)
    for path in (ROOT / "src" / "aaf").rglob("*.py"):
        if {"cli", "embedded"} & set(path.parts):  # they speak no HTTP
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
                continue
            cls, first = getattr(errors, node.func.id, None), node.args[0]
            named = isinstance(first, ast.Attribute) and isinstance(first.value, ast.Name) and first.value.id == "Code"
            if not named or not isinstance(cls, type) or not issubclass(cls, AafError):
                continue
            assert isinstance(first, ast.Attribute)
            error = AafError.__new__(cls)
            error.code = Code[first.attr]
            status = status_of(error)
            if status is not None and cls is not errors.ConnectorFailed:
                found[Code[first.attr]].add(status)
    return found


def _documented() -> dict[str, set[int]]:
    page = (ROOT / "docs" / "errors.md").read_text()
    rows = re.findall(r"^\| `([a-z_]+)` \| .+? \| ([0-9, \u2013]+) \|", page, re.MULTILINE)
    return {code: {int(status) for status in re.findall(r"\d+", statuses)} for code, statuses in rows}


@pytest.mark.parametrize("code", Code)
def test_the_page_names_every_status_that_the_source_gives_a_code(code: Code) -> None:
    assert _raised().get(code, set()) <= _documented()[code]
