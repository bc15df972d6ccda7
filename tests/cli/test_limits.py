import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import pytest

from aaf.domain.canonical import Json
from aaf.entrypoints.cli import limits
from tests.cli.conftest import KEY, Scene, run

WHO: Json = [{"per": "agent", "id": "1", "name": "b\x1b[2Jot"}]
RATE: dict[str, Json] = {
    "kind": "rate", "name": "notes", "per": ["agent"], "match": {"tool": [], "operation": [], "class": []},
    "enforce": "policy", "over": "deny", "rate": "6/h", "burst": 2,
    "uses": [{"subject": WHO, "remaining": 0, "frees_at": "2023-11-14T22:23:20.000000Z"}],
}  # fmt: skip
SPEND: dict[str, Json] = {
    "kind": "spend", "name": "payments", "per": ["agent"], "match": {"tool": ["pay"], "operation": [], "class": []},
    "over": "require_approval", "ceilings": {"EUR": "100.00", "USD": "5.00"}, "window": 5400,
    "uses": [
        {"subject": WHO, "currency": "EUR", "reserved": "1.00", "committed": "2.50", "remaining": "96.50", "frees_at": None}
    ],
}  # fmt: skip


class Answering:
    """A client that has one answer."""

    answer: Mapping[str, Json]

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        pass

    def get(self, path: str) -> Any:
        assert path == "/v1/limits"
        return self.answer


def answered(monkeypatch: pytest.MonkeyPatch, *listed: Json, arguments: tuple[str, ...] = ()) -> str:
    Answering.answer = {"limits": list(listed)}
    monkeypatch.setattr(limits, "Client", Answering)
    ended = run("limits", *arguments, AAF_API_KEY=KEY)
    assert ended.status == 0, ended.err
    return ended.out


@pytest.mark.requirement("R20")
def test_the_limits_of_a_server_are_shown(scene: Scene) -> None:
    scene.asks("files.read", {"path": "README.md"})
    shown = scene.aaf("limits")
    assert shown.status == 0
    assert shown.out.splitlines()[0].split("  ")[0] == "limit"
    assert "agent" in shown.out
    assert "at once" in shown.out
    listed = json.loads(scene.aaf("limits", "--json").out)
    assert [one["name"] for one in listed] == ["agent"]


def test_an_agent_is_refused(scene: Scene) -> None:
    ended = scene.aaf("limits", who="builder")
    assert (ended.status, ended.err.partition(":")[0]) == (1, "permission_denied")


@pytest.mark.requirement("R20")
def test_each_use_has_a_line_and_what_others_wrote_is_inert(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = answered(monkeypatch, RATE, SPEND, {**SPEND, "name": "others", "uses": [], "window": 86_400})
    assert "\x1b" not in shown
    lines = [line.split("  ") for line in shown.splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert cells[1][:-1] == ["notes", "6/h, 2 at once", "agent", "deny", "2", "-", "0", "2023-11-14 22:23:20Z"]
    assert cells[2][:-1] == [
        "payments", "100.00 EUR, 5.00 USD in 90m", "agent", "require_approval", "2.50 EUR", "1.00", "96.50", "-",
    ]  # fmt: skip
    assert cells[3][0] == "others"
    assert cells[3][1].endswith("in 1d")
    assert cells[3][-1] == "nobody"


def test_without_limits_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert answered(monkeypatch) == "The active configuration has no limits.\n"
    assert json.loads(answered(monkeypatch, RATE, arguments=("--json",))) == [RATE]


@pytest.mark.requirement("R20")
def test_the_page_shows_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "limits.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- limits: printed -->\n```\n(.*?)```", page, re.DOTALL)
    assert found is not None
    who: Json = [{"per": "agent", "id": "1", "name": "bot"}]
    use: Json = {"subject": who, "remaining": 58, "frees_at": "2023-11-14T22:13:20.500000Z"}
    agent: Json = {
        **RATE,
        "name": "agent",
        "enforce": "door",
        "over": None,
        "rate": "120/m",
        "burst": 60,
        "uses": [use],
    }
    spent: Json = {
        "subject": who, "currency": "EUR", "reserved": "25.50", "committed": "40.00", "remaining": "434.50",
        "frees_at": "2023-11-15T22:13:20.000000Z",
    }  # fmt: skip
    refunds: Json = {
        **SPEND, "name": "refunds-per-day", "over": "deny", "ceilings": {"EUR": "500.00"}, "window": 86_400,
        "uses": [spent],
    }  # fmt: skip
    assert answered(monkeypatch, agent, refunds) == found[1]
