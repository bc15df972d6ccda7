"""A whole product in memory behind the HTTP interface, driven in process; every answer is held to the OpenAPI document."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx2
import jsonschema_rs
from starlette.types import ASGIApp

from aaf.adapters.anchors import NoAnchors
from aaf.adapters.clock import FixedClock
from aaf.adapters.connectors.files import FilesConnector
from aaf.adapters.folder import read_folder, shipped
from aaf.adapters.keys import KeyRing
from aaf.adapters.loading import InPlace
from aaf.adapters.memory import MemoryStore
from aaf.adapters.system import SystemIds
from aaf.domain.canonical import Json
from aaf.domain.principal import Kind
from aaf.domain.record import ManagedBy
from aaf.entrypoints.api import ApiLimits, create_app
from aaf.entrypoints.api.receiving import Door
from aaf.ports import Store
from aaf.services.access import KeyWanted, NewKey, authenticate, create_key, first_key
from aaf.services.core import Core, Knowledge
from aaf.services.releases import activate
from tests.services.world import Fixed

T = TypeVar("T")

MAIL = b"""\
name: mail.send
class: external_api_call
risk: medium
description: Send a message with the agent's own client.
input:
  type: object
  additionalProperties: false
  required: [to]
  properties:
    to: {type: string, maxLength: 200}
    body: {type: string, maxLength: 100000}
    password: {type: string, maxLength: 200}
secret: [params.password]
targets: [params.to]
effect: caller
"""
NOTE = b"""\
name: note.take
class: other
risk: low
description: Something harmless that the agent does itself.
input:
  type: object
  additionalProperties: false
  required: [text]
  properties:
    text: {type: string, maxLength: 1000}
effect: caller
"""
RULES = b"""
  - name: mail-needs-a-person
    match: {tool: mail, operation: send}
    decision: require_approval
    reason: Mail leaves the house

  - name: notes-are-harmless
    match: {tool: note, operation: take}
    decision: allow
    reason: Nobody minds a note
"""


@dataclass
class KeptLog:
    """A log that keeps its entries."""

    entries: list[tuple[str, dict[str, Json]]] = field(default_factory=list)

    def entry(self, kind: str, fields: Mapping[str, Json]) -> None:
        self.entries.append((kind, dict(fields)))

    @property
    def text(self) -> str:
        return json.dumps(self.entries)


@dataclass
class World:
    """One organisation: an administrator, an approver, an auditor, two agents, with their keys by name."""

    core: Core
    app: ASGIApp
    clock: FixedClock
    log: KeptLog
    root: Path
    org: str
    runner: asyncio.Runner
    client: httpx2.AsyncClient
    document: dict[str, Any]
    keys: dict[str, NewKey] = field(default_factory=dict)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def key(self, who: str) -> str:
        return self.keys[who].secret

    def id(self, who: str) -> str:
        return self.keys[who].principal.id

    async def until(self, so: Callable[[], bool]) -> None:
        """Let the other tasks go on until it is so."""
        for _ in range(100_000):
            if so():
                return
            await asyncio.sleep(0)
        raise AssertionError("it never came to be so")

    def wakes_for(self, action: str) -> bool:
        """Whether somebody waits for this action in this process."""
        door: Door = cast("Any", self.app).door
        return action in door.wakes._waiting

    async def asend(
        self,
        who: str | None,
        method: str,
        path: str,
        body: object = None,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        sent = {**({"Authorization": f"Bearer {self.key(who)}"} if who else {})}
        if body is not None:
            content = json.dumps(body).encode()
        if content is not None:
            sent["Content-Type"] = "application/json"
        response = await self.client.request(method, path, content=content, headers={**sent, **(headers or {})})
        self.check(method, path, response)
        return response

    def send(self, who: str | None, method: str, path: str, body: object = None, **more: Any) -> httpx2.Response:
        return self.run(self.asend(who, method, path, body, **more))

    def get(self, who: str | None, path: str, **more: Any) -> httpx2.Response:
        return self.send(who, "GET", path, **more)

    def post(self, who: str | None, path: str, body: object = None, **more: Any) -> httpx2.Response:
        return self.send(who, "POST", path, body, **more)

    def submit(self, who: str, action: str, params: object, **fields: object) -> dict[str, Any]:
        response = self.post(who, "/v1/actions", {"action": action, "params": params, **fields})
        assert response.status_code == 201, response.text
        return cast("dict[str, Any]", response.json())

    def note(self, who: str = "agent", text: str = "hello") -> dict[str, Any]:
        return self.submit(who, "note.take", {"text": text})

    def mail(self, who: str = "agent", **params: str) -> dict[str, Any]:
        return self.submit(who, "mail.send", {"to": "bob@example.org", **params})

    def answer(self, who: str, action: str, verdict: str, reason: str = "") -> httpx2.Response:
        seen = self.get("auditor", f"/v1/approvals/{action}").json()
        body = {"verdict": verdict, "digest": seen["digest"], "view_digest": seen["view_digest"], "reason": reason}
        return self.post(who, f"/v1/approvals/{action}/reviews", body)

    # --- the document -------------------------------------------------------------------------------------------------

    def check(self, method: str, path: str, response: httpx2.Response) -> None:
        """Hold an answer to the document: status, media type and shape."""
        operation = self._operation(method, path.partition("?")[0])
        if operation is None:
            assert response.status_code in {404, 405}, (method, path, response.status_code)
            return
        assert str(response.status_code) in operation["responses"], (method, path, response.status_code, response.text)
        described = operation["responses"][str(response.status_code)]
        media_type = response.headers["content-type"].partition(";")[0]
        assert media_type in described["content"], (method, path, media_type)
        if media_type.endswith(("/json", "+json")):
            schema = {**described["content"][media_type]["schema"], "components": self.document["components"]}
            faults = list(jsonschema_rs.validator_for(schema).iter_errors(response.json()))
            assert not faults, (method, path, faults)

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        parts = path.split("/")
        for template, operations in self.document["paths"].items():
            wanted = template.split("/")
            if len(wanted) == len(parts) and all(
                w == p or w.startswith("{") for w, p in zip(wanted, parts, strict=True)
            ):
                found = operations.get(method.lower())
                if found:
                    return cast("dict[str, Any]", found)
        return None


def configuration() -> dict[str, bytes]:
    """The demo's, with a mail that is held and a note that isn't, and a short time to use."""
    files = read_folder(shipped("demo"))
    files["actions/mail.send.yaml"] = MAIL
    files["actions/note.take.yaml"] = NOTE
    files["aaf.yaml"] = files["aaf.yaml"].replace(b"\nrules:\n", b"\nrules:" + RULES)
    return files


async def build(
    root: Path, *, runner: asyncio.Runner, limits: ApiLimits | None = None, store: Store | None = None
) -> World:
    """Build the world."""
    clock, log, ring, ids = FixedClock(), KeptLog(), KeyRing.fresh(), SystemIds()
    store = store or MemoryStore(clock)
    org = ids.new()
    files, who = configuration(), ManagedBy.API
    await activate(store, ids, InPlace(), org=org, files=files, author="system", message="for tests", managed_by=who)
    core = Core(
        store=store,
        knowledge=Knowledge(store),
        ids=ids,
        vault=ring.vault(),
        secrets=ring.hashes(),
        log_signer=ring.signer("log"),
        permit_signer=ring.signer("permit"),
        connectors=Fixed({"files": FilesConnector(root)}),
        anchors=NoAnchors(),
        log=log,
        installation=await store.installation(),
        process=ids.new(),
        loader=InPlace(),
    )
    admin = await first_key(core, org=org, name="admin")
    assert admin is not None
    app = create_app(core, limits=limits)
    transport = httpx2.ASGITransport(app=cast("Any", app))
    client = httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", trust_env=False)
    document = (await client.get("/openapi.json")).json()
    world = World(core, app, clock, log, root, org, runner, client, document, {"admin": admin})
    caller = await authenticate(core, key=admin.secret, agent=None, source="test")
    for name, kind, role in (
        ("approver", Kind.USER, "approver"),
        ("auditor", Kind.USER, "auditor"),
        ("viewer", Kind.USER, "viewer"),
        ("agent", Kind.AGENT, "agent"),
        ("other", Kind.AGENT, "agent"),
    ):
        caller = await caller.again(core)
        world.keys[name] = await create_key(core, caller, KeyWanted(name=name, kind=kind, roles=(role,)))
    return world
