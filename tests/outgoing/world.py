"""The product with its own adapters, from a folder of files, in front of a server on loopback; whoever acts goes through the HTTP interface."""

import asyncio
import io
import json
import zipfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from aaf.adapters.log import JsonLines
from aaf.bootstrap import App, build, sealed_secrets
from aaf.entrypoints.api import create_app
from aaf.settings import Settings
from tests.adapters.upstream import Upstream, upstream

T = TypeVar("T")
SECRET = "s3cr&t/key=of+the%shop"
LOGIN = "shop:another-s3cr&t"
PIN = "PIN-4711-0815-KANARI"
TYPED = "typed-by-the-agent-4242"

ENTRY = """\
name: {name}
class: {klass}
risk: low
input:
  type: object
  additionalProperties: false
  required: [url]
  properties:
    url: {{type: string, maxLength: 8192}}
    headers: {{type: object, open: true}}
    json: {{type: object, open: true}}
targets: [params.url]
secret: [{secret}]
secrets: [{secrets}]
effect: {{connector: http}}
"""
MAIN = """\
version: 1
redact: [pin]
rules:
  - {{name: reads, match: {{tool: [http, bank], operation: get}}, decision: allow}}
  - {{name: pays, match: {{tool: pay, operation: post}}, decision: require_approval}}
approvals: {{approvers: [role:approver], quorum: 1, timeout: 15m}}
connectors:
  http:
    redirects: 2
    allow:
      - host: 127.0.0.1
        ports: [{port}]
        schemes: [http]
        methods: [GET, POST]
        credential: {{secret: shop_key, as: bearer}}
        rate: 1/h
        burst: 20
      - host: 127.0.0.1
        ports: [{port}]
        schemes: [http]
        methods: [GET]
        credential: {{secret: bank_login, as: basic}}
egress:
  unsafe_allow:
    - {{host: 127.0.0.1, address: 127.0.0.1, port: {port}, scheme: http}}
"""


def write_configuration(folder: Path, port: int) -> None:
    (folder / "actions").mkdir(parents=True)
    (folder / "aaf.yaml").write_text(MAIN.format(port=port))
    for name, klass, secret, secrets in (
        ("http.get", "read", "", "shop_key"),
        ("bank.get", "read", "", "bank_login"),
        ("pay.post", "payment", "params.json", "shop_key"),
    ):
        text = ENTRY.format(name=name, klass=klass, secret=secret, secrets=secrets)
        (folder / "actions" / f"{name}.yaml").write_text(text)


@dataclass
class World:
    """Everybody in it has a key."""

    folder: Path
    server: Upstream
    app: App
    runner: asyncio.Runner
    client: httpx2.AsyncClient
    log: io.StringIO
    lines: JsonLines
    keys: dict[str, str]
    answers: list[bytes]

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    def ask(self, who: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """One request; whatever is answered is kept."""
        headers = {"Authorization": f"Bearer {self.keys[who]}"}
        answer = self.run(self.client.request(method, path, headers=headers, json=body))
        self.answers.append(answer.content)
        assert answer.status_code < 400, (path, answer.content)
        is_json = answer.headers["content-type"].endswith("json")
        return dict(json.loads(answer.content)) if is_json else {}

    def submit(self, name: str, path: str, *, run: bool = False, **params: Any) -> dict[str, Any]:
        body = {"action": name, "params": {"url": self.server.url(path), **params}, "run": run}
        return self.ask("bot", "POST", "/v1/actions", body)

    def execute(self, action: dict[str, Any]) -> dict[str, Any]:
        return self.ask("bot", "POST", f"/v1/actions/{action['id']}/execute", {"digest": action["digest"]})

    def approve(self, action: dict[str, Any]) -> dict[str, Any]:
        shown = self.ask("ann", "GET", f"/v1/approvals/{action['id']}")
        body = {"verdict": "approve", "digest": shown["digest"], "view_digest": shown["view_digest"], "reason": "fine"}
        return self.ask("ann", "POST", f"/v1/approvals/{action['id']}/reviews", body)

    def everything(self) -> dict[str, bytes]:
        """What anybody but the target could have seen: answers, log, files, and what is exported."""
        for one in self.ask("bot", "GET", "/v1/actions")["actions"]:
            for who in ("bot", "admin"):
                self.ask(who, "GET", f"/v1/actions/{one['id']}")
                self.ask(who, "GET", f"/v1/proof-pack/{one['id']}")
        self.ask("admin", "GET", "/v1/audit/export")
        self.ask("admin", "GET", "/v1/audit/events")
        self.lines.flush()
        seen = {f"answer {number}": _unpacked(data) for number, data in enumerate(self.answers)}
        seen["log"] = self.log.getvalue().encode()
        return seen | {path.name: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}


def _unpacked(data: bytes) -> bytes:
    """A zip's members, anything else as it is."""
    if not data.startswith(b"PK"):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return b"\n".join(archive.read(name) for name in archive.namelist())


@contextmanager
def running(folder: Path) -> Iterator[World]:
    """Everything, from the files on."""
    with upstream() as server, asyncio.Runner() as runner:
        write_configuration(folder / "configuration", server.port)
        settings = Settings(data=folder / "data", config=folder / "configuration")
        sealed_secrets(settings, create=True).put("shop_key", SECRET)
        log = io.StringIO()
        lines = JsonLines(log)
        app = runner.run(build(settings, asynchronous=True, log=lines))
        assert app.first_key is not None
        served: Any = create_app(app.core)
        client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=served), base_url="http://127.0.0.1", trust_env=False
        )
        world = World(folder / "data", server, app, runner, client, log, lines, {"admin": app.first_key.secret}, [])
        for name, kind, role in (("bot", "agent", "agent"), ("ann", "user", "approver")):
            made = world.ask("admin", "POST", "/v1/api-keys", {"name": name, "kind": kind, "roles": [role]})
            world.keys[name] = made["key"]
        try:
            yield world
        finally:
            runner.run(client.aclose())
            runner.run(app.close())
