"""`aaf explain` in a terminal: what docs/explain.md shows is what is printed."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from aaf.domain.canonical import Json
from aaf.entrypoints.cli import explain
from aaf.entrypoints.cli.demonstration.shop import shop
from aaf.entrypoints.cli.demonstration.stage import Stage, server
from aaf.entrypoints.cli.terminal.client import Client
from aaf.entrypoints.cli.terminal.reading import text
from tests.cli.conftest import Scene

PAGE = (Path(__file__).parents[2] / "docs" / "explain.md").read_text(encoding="utf-8")
_RULE = re.compile(r"  - name: payments-need-a-person\n(?:    .*\n)+")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def payments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The demo with the rules of the page."""
    with ExitStack() as open_:
        stage = Stage(tmp_path_factory.mktemp("payments"), open_.enter_context(shop()))
        stage.set_out()
        main = stage.configuration / "aaf.yaml"
        before = main.read_text(encoding="utf-8")
        main.write_text(_RULE.sub(lambda _: block("yaml"), before), encoding="utf-8")
        assert main.read_text(encoding="utf-8") != before
        stage.keep_secret()
        running = open_.enter_context(server(stage))
        admin = running.key("admin").read_text(encoding="ascii").strip()
        with Client(running.url, admin) as client:
            made = client.post("/v1/api-keys", {"name": "builder", "kind": "agent", "roles": []})
        yield Scene(running, {"admin": admin, "builder": text(made, "key")})


def pays(scene: Scene, amount: str) -> str:
    body: dict[str, Json] = {"to": "shop", "amount": amount, "currency": "EUR"}
    url = scene.stage.shop.url("/payments")
    return text(scene.asks("payments.post", {"url": url, "json": body}), "id")


def settled(printed: str, action: str) -> str:
    """With the id and the instants of the page."""
    told = printed.replace(action, "0198c0de-1111-7000-8000-0000000000a1")
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "2026-03-01 09:00:00Z", told)


@pytest.mark.requirement("R66")
def test_the_page_shows_what_is_printed(payments: Scene) -> None:
    action = pays(payments, "120.00")
    ended = payments.aaf("explain", action[-8:], who="admin")
    assert (ended.status, ended.err) == (0, "")
    assert settled(ended.out, action) == block("text")
    assert max(map(len, ended.out.splitlines())) <= explain.WIDTH


def test_json_is_what_the_server_said_and_now_asks_for_the_active_release(payments: Scene) -> None:
    action = pays(payments, "10.00")
    told = json.loads(payments.aaf("explain", action, "--now", "--json", who="admin").out)
    assert (told["judged_under"], told["outcome"]["verdict"]) == ("active", "allow")
    assert [change["verdict"] for change in told["counterfactual"]["changes"]] == ["require_approval"]


def test_who_may_not_is_told_what_it_takes(scene: Scene) -> None:
    action = scene.holds("uptime")
    for who in ("ada", "eve", "builder"):
        ended = scene.aaf("explain", action, who=who)
        assert (ended.status, ended.out) == (1, "")
        assert ended.err.startswith("permission_denied: ")
        assert "org:decision:explain" in ended.err


def test_what_an_agent_wrote_is_printed_inert_and_within_the_width(scene: Scene) -> None:
    hostile = "\x1b]0;x\x07\u202e" + "long " * 60
    refused = scene.asks("files.read", {"path": hostile})
    strange = scene.asks("files.read", {"path": "notes/today.txt", "\u202e" + "key" * 20: 1})
    for action in (refused, strange):
        ended = scene.aaf("explain", text(action, "id"), who="admin")
        assert ended.status == 0
        assert "\x1b" not in ended.out
        assert "\u202e" not in ended.out
        assert max(map(len, ended.out.splitlines())) <= explain.WIDTH
        assert "Faults" in ended.out


TOLD: dict[str, Json] = {
    "action": "0198c0de-1111-7000-8000-0000000000a1",
    "type": "a.b",
    "decided_at": "2026-03-01T09:00:00.000000Z",
    "release": {"number": 3, "active": False, "author": None, "activated_at": None, "message": None},
    "recorded": {"verdict": "deny", "code": "module", "release": 3, "at": "2026-03-01T09:00:00.000000Z", "reasons": []},
    "outcome": None,
    "notes": [
        "The values of this action were erased, so what its tests saw isn't known any more, and there is more to say."
    ],
    "faults": [],
    "votes": [],
    "rules": [
        {
            "name": "r",
            "decision": "deny",
            "reason": "x",
            "said": "unknown",
            "condition": {
                "any": [
                    {
                        "field": "params.a",
                        "op": "exists",
                        "operand": True,
                        "negated": True,
                        "saw": "missing",
                        "value": None,
                        "holds": True,
                    },
                    {
                        "all": [
                            {
                                "field": "params.b",
                                "op": "in",
                                "operand": ["x"],
                                "negated": True,
                                "saw": "erased",
                                "value": None,
                                "holds": None,
                            },
                            {
                                "field": "params.b",
                                "op": "contains",
                                "operand": "y" * 90,
                                "negated": True,
                                "saw": "value",
                                "value": "z" * 90,
                                "holds": False,
                            },
                        ],
                        "holds": None,
                    },
                ],
                "holds": None,
            },
        }
    ],
    "modules": [
        {
            "name": "policies/a.rego",
            "package": "p",
            "hash": "ab" * 32,
            "said": "failed",
            "code": "policy_error",
            "line": 7,
            "answer": None,
        },
        {
            "name": "policies/b.rego",
            "package": "p",
            "hash": "cd" * 32,
            "said": "spoke",
            "code": None,
            "line": None,
            "answer": "deny",
        },
    ],
    "later": [
        {"verdict": "deny", "code": "entry_changed", "release": 4, "at": "2026-03-01T09:05:00.000000Z", "reasons": []}
    ],
    "counterfactual": {
        "changes": [
            {
                "fields": [{"field": "params.a", "words": "left out"}, {"field": "params.b", "words": "1"}],
                "verdict": "allow",
            }
        ],
        "tried": 9,
        "why": "",
    },
}

PRINTED = """\
action        0198c0de-1111-7000-8000-0000000000a1, a.b
decided       2026-03-01 09:00:00Z: deny
judged under  release 3
of            nobody known, -
outcome       deny (module)
Note: The values of this action were erased, so what its tests saw isn't known
any more, and there is more to say.

Rules that could match a.b
  r, deny: spoke, for want of a value
    ?   at least one of
      yes params.a exists: false  not sent
      ?   all of
        ?   params.b is not "x"  erased since
        no  params.b not contains "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy... (92 characters)
              saw "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz... (92 characters)

Policy modules
  policies/a.rego (abababababab): failed, which denies
    policy_error, line 7
  policies/b.rego (cdcdcdcdcdcd): spoke
    "deny"

Decided again later
  2026-03-01 09:05:00Z: deny (entry_changed), release 4

What would have changed it
  params.a left out, and
  params.b 1  ->  allow
  9 changes were judged
"""


def test_every_part_has_its_place(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "get", lambda *_, **__: TOLD)
    assert scene.aaf("explain", str(TOLD["action"])).out == PRINTED
