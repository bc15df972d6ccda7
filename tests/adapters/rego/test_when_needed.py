"""A whole installation with modules: nothing is loaded or started before one is asked, in process and on a loop."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from aaf.adapters.driving import drive
from aaf.adapters.folder import shipped
from aaf.adapters.rego.engine import Engine
from aaf.adapters.rego.when_needed import WhenNeeded
from aaf.bootstrap import build
from aaf.domain.canonical import canonical
from aaf.policy.rego.answers import Value
from aaf.settings import Settings
from tests.adapters.rego.material import GOOD, make

MODULE = """\
package aaf.policies
import rego.v1
decision := {"action": "deny", "reason": "not this"} if input.params.path == "secret.txt"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = tmp_path / "config"
    for path in shipped("safe").rglob("*.yaml"):
        copy = folder / path.relative_to(shipped("safe"))
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (folder / "policies").mkdir()
    (folder / "policies" / "own.rego").write_text(MODULE)
    (tmp_path / "root").mkdir()
    return Settings(data=tmp_path / "data", config=folder, root=tmp_path / "root")


def test_it_is_made_once_and_ended_if_it_was_made() -> None:
    made: list[Engine] = []

    def one() -> Engine:
        made.append(make())
        return made[-1]

    lazy = WhenNeeded(one)
    drive(lazy.close())
    assert not made
    document = canonical({"good": True})
    for _ in range(2):
        assert drive(lazy.evaluate(GOOD, GOOD, document, b"{}")) == (Value("allow"),)
    assert len(made) == 1
    drive(lazy.close())
    assert made[0]._closed


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_installation_asks_its_modules(settings: Settings, *, asynchronous: bool) -> None:
    async def whole() -> None:
        app = await build(settings, asynchronous=asynchronous)
        modules = (await app.core.knowledge.of(app.org, fresh=True)).configuration.modules
        assert [module.name for module in modules] == ["policies/own.rego"]
        document = canonical({"params": {"path": "secret.txt"}})
        assert app.core.engine._made is None  # type: ignore[attr-defined]
        (answer,) = await app.core.engine.evaluate(modules, modules, document, b"{}")
        assert answer == Value({"action": "deny", "reason": "not this"})
        await app.close()

    if asynchronous:
        asyncio.run(whole())
    else:
        drive(whole())


def test_a_module_in_process_needs_neither_the_engine_nor_an_event_loop_in_its_process(settings: Settings) -> None:
    program = """
import sys
from pathlib import Path
from aaf.adapters.driving import drive
from aaf.bootstrap import build
from aaf.domain.canonical import canonical
from aaf.settings import Settings
folder = Path(sys.argv[1])
app = drive(build(Settings(data=folder / "data", config=folder / "config", root=folder / "root"), asynchronous=False))
modules = drive(app.core.knowledge.of(app.org, fresh=True)).configuration.modules
before = {"aaf.adapters.rego.engine"} & set(sys.modules)
drive(app.core.engine.evaluate(modules, modules, canonical({"params": {}}), b"{}"))
drive(app.close())
print(sorted(before), sorted({"asyncio", "regorus", "yaml"} & set(sys.modules)))
"""
    drive(drive(build(settings, asynchronous=False)).close())
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(settings.data.parent)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.strip() == "[] []", done.stderr
