"""Every module on docs/rego.md may be published, and the one about functions decides as the page says."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

import aaf
from aaf.adapters.driving import drive
from aaf.adapters.folder import read_folder
from aaf.adapters.rego.engine import Engine
from aaf.adapters.rego.parser import WorkerParser
from aaf.policy.configuration import Configuration, load
from aaf.policy.rego.answers import Value
from tests.services.world import PAY

ROOT = Path(__file__).parents[3]
SHIPPED = read_folder(Path(aaf.__file__).parent / "shipped" / "rego")
BLOCKS = re.findall(r"```rego\n(.*?)```", (ROOT / "docs" / "rego.md").read_text(encoding="utf-8"), re.DOTALL)
KEPT = {name: data for name, data in SHIPPED.items() if not name.startswith("policies/")}


def published(text: str) -> Configuration:
    files = {**KEPT, "actions/pay.send.yaml": PAY.encode(), "policies/page.rego": text.encode()}
    with WorkerParser(start=60.0, read=20.0) as parser:
        return load(files, parser=parser)


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("text", BLOCKS, ids=[re.search(r"package (.*)", text)[0] for text in BLOCKS])  # type: ignore[index]
def test_every_module_on_the_page_may_be_published(text: str) -> None:
    assert [one.name for one in published(text).modules] == ["policies/page.rego"]


@pytest.mark.requirement("R18")
@pytest.mark.requirement("R22")
@pytest.mark.parametrize(
    ("url", "hour", "answer"),
    [
        ("https://api.trusted.com/x", 9, "allow"),
        ("https://api.trusted.com/x", 23, "require_approval"),
        ("https://untrusted.com/x", 9, "require_approval"),
        ("https://api.trusted.com.evil.net/x", 9, "require_approval"),
        ("http://10.0.0.1/x", 9, "deny"),
        ("http://localhost/x", 9, "deny"),
    ],
)
def test_the_module_about_functions_decides_by_host_and_hour(engine: Engine, url: str, hour: int, answer: str) -> None:
    (text,) = [one for one in BLOCKS if "aaf.policies.where" in one]
    modules = published(text).modules
    document = {"params": {"url": url}, "time": int(datetime(2026, 3, 2, hour, tzinfo=UTC).timestamp()) * 10**9}
    (said,) = drive(engine.evaluate(modules, modules, json.dumps(document).encode(), b"{}"))
    assert isinstance(said, Value)
    assert isinstance(said.value, dict)
    assert said.value["action"] == answer


def test_of_another_tool_nobody_asks_it() -> None:
    (text,) = [one for one in BLOCKS if "aaf.policies.where" in one]
    configuration = published(text)
    assert configuration.modules_for("pay.send") == ()
    assert [one.name for one in configuration.modules_for("http_proxy.get")] == ["policies/page.rego"]
