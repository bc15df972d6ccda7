"""What a running product writes and counts, put together as it is delivered."""

import asyncio
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from aaf.adapters.folder import shipped
from aaf.adapters.log import JsonLines
from aaf.adapters.observed import Observed
from aaf.bootstrap import App, build, drive
from aaf.domain.metering import UNCOUNTED, Metric
from aaf.domain.principal import Kind
from aaf.entrypoints.worker import work
from aaf.main import web
from aaf.ports import ORIGIN
from aaf.services.access import KeyWanted, authenticate, create_key
from aaf.services.forming import read_submission
from aaf.services.submit import submit
from aaf.settings import Settings
from tests.api.world import World
from tests.api.world import build as build_api


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", config=shipped("demo"), root=tmp_path / "workspace")


async def _one_decision(app: App) -> str:
    """An agent asks for something that doesn't exist; the action's id."""
    core, first = app.core, app.first_key
    assert first is not None
    admin = await authenticate(core, key=first.secret, agent=None, source="here")
    made = await create_key(core, admin, KeyWanted("bot", Kind.AGENT))
    bot = await authenticate(core, key=made.secret, agent=None, source="here")
    submitted = await submit(core, bot, read_submission({"action": "no.such", "params": {"to": "Mallory-2718"}}))
    return submitted.record.id


async def _served(settings: Settings) -> tuple[App, str]:
    app = await build(settings, asynchronous=True)
    try:
        action = await _one_decision(app)
    finally:
        await app.close()
    assert isinstance(app.core.log, JsonLines)
    assert app.core.log.flush(10)
    return app, action


@pytest.mark.requirement("R45")
@pytest.mark.requirement("R13")
@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_a_server_writes_one_line_for_a_decision_and_no_value_of_it(
    settings: Settings, capsys: pytest.CaptureFixture[str], store: str
) -> None:
    app, action = asyncio.run(_served(replace(settings, store=store)))
    text = capsys.readouterr().err
    lines = [json.loads(line) for line in text.splitlines()]
    (line,) = [line for line in lines if line["event"] == "decision"]
    assert (line["action"], line["verdict"], line["code"]) == (action, "deny", "unknown_action_type")
    assert "Mallory" not in text
    assert {"configuration_activated", "key_created"} <= {line["event"] for line in lines}
    assert app.first_key is not None
    assert app.first_key.secret not in text
    assert sum(app.core.meter.read().values[Metric.DECISIONS].values()) == 1
    assert app.core.meter.read().values[Metric.STORE_QUEUE] == {(): 0}


@pytest.mark.parametrize(("log", "written"), [("info", True), ("warning", False), ("error", False), ("off", False)])
def test_the_setting_says_what_is_written(
    settings: Settings, capsys: pytest.CaptureFixture[str], log: str, written: bool
) -> None:
    asyncio.run(_served(replace(settings, store="memory", log=log)))
    assert ('"event": "decision"' in capsys.readouterr().err) is written


@pytest.mark.parametrize("log", [None, "info"])
def test_in_process_lines_are_the_host_programs_unless_a_setting_asks_for_them_and_nothing_is_counted(
    settings: Settings, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], log: str | None
) -> None:
    with caplog.at_level("INFO", logger="aaf"):
        app = drive(build(replace(settings, log=log), asynchronous=False))
        drive(_one_decision(app))
        drive(app.close())
    assert app.core.meter is UNCOUNTED
    handed = [json.loads(record.getMessage())["event"] for record in caplog.records]
    printed = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert ("decision" in handed, "decision" in printed) == (log is None, log is not None)


@pytest.mark.parametrize(("metrics", "public"), [("key", False), ("open", True)])
def test_the_setting_says_who_reads_the_metrics(settings: Settings, metrics: str, public: bool) -> None:
    async def started() -> bool:
        app = await build(replace(settings, store="memory", metrics=metrics), asynchronous=True)
        await app.close()
        return app.core.meter.public

    assert asyncio.run(started()) is public


def test_lines_that_are_lost_are_counted(settings: Settings) -> None:
    async def started() -> App:
        app = await build(replace(settings, store="memory"), asynchronous=True)
        await app.close()
        return app

    app = asyncio.run(started())
    log: Any = app.core.log
    log._waiting = 0
    app.core.log.entry("refused", {})
    log._lost = 0
    assert app.core.meter.read().values[Metric.LOG_LINES_LOST] == {(): 1}


def test_the_answer_and_its_lines_name_the_same_request(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    root.mkdir()
    stream = io.StringIO()
    with asyncio.Runner() as runner:
        world: World = runner.run(build_api(root, runner=runner))
        log = JsonLines(stream)
        core = replace(world.core, log=log, store=Observed(world.core.store, log, UNCOUNTED))
        door: Any = cast("Any", world.app).door
        object.__setattr__(door, "core", core)
        response = world.post("agent", "/v1/actions", {"action": "note.take", "params": {"text": "x"}})
        runner.run(world.client.aclose())
    assert log.flush(10)
    (line,) = [line for line in map(json.loads, stream.getvalue().splitlines()) if line["event"] == "decision"]
    assert (line["door"], line["request"]) == ("api", response.headers["x-request-id"])


def test_the_server_counts_its_connections_and_names_the_consoles_requests(settings: Settings) -> None:
    seen: list[str] = []

    async def started() -> None:
        app = await build(replace(settings, store="memory"), asynchronous=True)
        served: Any = web(app.core)
        assert app.core.meter.read().values[Metric.CONNECTIONS] == {(): 0}

        async def send(message: object) -> None:
            origin = ORIGIN.get()
            seen.append(origin.door if origin else "")

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {
            "type": "http", "method": "GET", "path": "/nowhere", "raw_path": b"/nowhere", "query_string": b"", "headers": [(b"host", b"localhost")],
            "scheme": "http", "server": ("localhost", 80), "client": ("127.0.0.1", 1), "http_version": "1.1", "root_path": "", "state": {},
        }  # fmt: skip
        await served.app(scope, receive, send)
        await app.close()

    asyncio.run(started())
    assert set(seen) == {"console"}


def test_the_workers_lines_name_the_worker(settings: Settings) -> None:
    stop = asyncio.Event()

    async def started() -> str:
        app = await build(replace(settings, store="memory"), asynchronous=True)
        stop.set()
        await work(app.core, stop=stop)
        await app.close()
        origin = ORIGIN.get()
        return origin.door if origin else ""

    assert asyncio.run(started()) == "worker"
