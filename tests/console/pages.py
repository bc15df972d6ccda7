"""A browser's end of the console, without a browser: a world behind it, forms read from its pages, cookies kept.

Without TLS the pages of a session live beneath a path of its own. A test names a page without it, as people do: `Browser` adds the path of
its own session, also where a form comes from another's page, and `bare` takes it off what a page or a redirect says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, cast

import httpx2

from aaf.entrypoints.console import create_console
from aaf.entrypoints.console.receiving import SETTLE
from tests.api.world import World

OURS = {"Sec-Fetch-Site": "same-origin"}
ROOT = re.compile(r"/s/[0-9a-f]{32}(?=/)")
_OF_NO_SESSION = ("/sign-in", "/static/", "/s/")


def bare(address: str) -> str:
    """The address without the path of a session."""
    return ROOT.sub("", address, count=1)


@dataclass
class Form:
    """A form as the page has it."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)


class Page(HTMLParser):
    """What a test asks of a page: its visible text, its forms, its tags."""

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__()
        self.status = response.status_code
        self.html = response.text
        self.response = response
        self.forms: list[Form] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._text: list[str] = []
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "form":
            self.forms.append(Form(given.get("action") or "", given.get("method") or "get"))
        name = given.get("name")
        if name is None or not self.forms:
            return
        form = self.forms[-1]
        if given.get("type") == "radio":
            form.choices.setdefault(name, []).append(given.get("value") or "")
            if "checked" in given:
                form.fields[name] = given.get("value") or ""
        elif tag in {"input", "textarea"}:
            form.fields[name] = given.get("value") or ""

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self._text).split())

    @property
    def location(self) -> str:
        """Where it leads, without the path of a session."""
        return bare(self.response.headers["location"])

    @property
    def links(self) -> list[str]:
        """Every address that the page names, as it stands there."""
        names = ("href", "action", "src", "data-live", "data-root")
        return [given[name] or "" for _, given in self.tags for name in names if name in given]

    def form(self, ending: str) -> Form:
        found = [one for one in self.forms if one.action.endswith(ending)]
        assert found, (ending, self.text)
        return found[0]

    def has(self, ending: str) -> bool:
        return any(one.action.endswith(ending) for one in self.forms)

    @property
    def title(self) -> str:
        return self.html.partition("<title>")[2].partition("</title>")[0]


class Browser:
    """One person's browser: its own cookies, and no redirect followed unasked."""

    def __init__(self, desk: "Desk") -> None:
        self.desk = desk
        self.root = ""
        self.client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=cast("Any", desk.console), client=("192.0.2.7", 4000)),
            base_url="http://127.0.0.1:8700",
            trust_env=False,
        )

    def send(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> httpx2.Response:
        return self.desk.world.run(self.client.request(method, self.at(path), headers=dict(headers or {}), **more))

    def at(self, path: str) -> str:
        """The address of a page of this browser's session."""
        return path if path.startswith(_OF_NO_SESSION) or "://" in path else self.root + path

    def get(self, path: str, **headers: str) -> Page:
        return Page(self.send("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}))

    def post(self, path: str, fields: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> Page:
        return Page(self.send("POST", path, data=dict(fields), headers=OURS if headers is None else headers))

    def submit(self, form: Form, **changed: str) -> Page:
        assert form.method == "post"
        return self.post(bare(form.action), {**form.fields, **changed})

    def sign_in(self, key: str, path: str = "/") -> Page:
        page = self.post("/sign-in", {"key": key, "next": path})
        begun = ROOT.match(page.response.headers.get("location", ""))
        self.root = begun.group() if begun else self.root
        return page

    @property
    def cookies(self) -> dict[str, str]:
        return {one.name: one.value or "" for one in self.client.cookies.jar}


@dataclass
class Desk:
    """A world with a console before it."""

    world: World
    console: Any
    _open: list[Browser] = field(default_factory=list)

    @classmethod
    def of(cls, world: World) -> "Desk":
        return cls(world, create_console(world.core))

    def browser(self, who: str | None = None) -> Browser:
        made = Browser(self)
        self._open.append(made)
        if who is not None:
            page = made.sign_in(self.world.key(who))
            assert page.status == 303, page.text
        return made

    def read(self) -> None:
        """Let the moment pass in which no answer counts."""
        self.world.clock.advance(SETTLE / 1_000_000)

    def state(self, action: str) -> str:
        return str(self.world.get("auditor", f"/v1/actions/{action}").json()["status"])

    def events(self) -> int:
        """How many entries both ledgers have."""
        store = self.world.core.store

        async def count() -> int:
            return (await store.head(self.world.org)).size + (await store.head(self.world.core.installation)).size

        return self.world.run(count())

    def close(self) -> None:
        for one in self._open:
            self.world.run(one.client.aclose())
