"""Draws what stands in rules and limits, the questions that they are asked, and the edits that people make over the API.

Operands are drawn from what fits some operator, so that a good part is taken by the loader, and the rest is nearly right.
"""

import json
import re
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from aaf.domain.errors import InputRefused
from aaf.policy.catalogue import ActionClass, Entry, Risk
from aaf.policy.configuration import MAIN, Configuration
from aaf.policy.decision_input import Input
from aaf.policy.editing import remove_value, set_value
from aaf.policy.operators import Op
from aaf.policy.positioned import Faults, parse
from tools.fuzz.harness import Wrong

TEXTS = (
    *("a", "me", "EUR", "CHF", "pay", "send", "read", "bot", "high", "payment", "secret_detected", "docs", "docs/a.csv", "/srv", "a/../b", "DOCS", "x\ny"),
    *("5", "100.00", "-1.5", "1e3", "00", "9" * 64, "api.example.com", "*.example.org", "https://api.example.com:8443/x", "http://u@h/", "::ffff:10.0.0.1"),
    *("10.0.0.1", "10.0.0.0/8", "2001:db8::/32", "[a-z]+", "(", "(?i)a.*", "a*", "", "\u202e", "名", "é", "2026-12-24T18:00:00Z", "2026-02-30T00:00:00+25:00"),
)  # fmt: skip
_FIELDS = (
    *("agent", "amount", "class", "findings", "labels", "operation", "risk", "role", "server", "time", "tool"),
    *("params.to", "params.cc", "params.amount", "params.currency", "params.count", "params.meta", "params.path", "params.url", "params.address"),
    *("params.token", "context.reason", "context.a.b", "counters.refunds.remaining", "counters.per-day.exceeded", "params.meta.note", "params.none", "none"),
)  # fmt: skip
_WINDOWS = (
    {"days": ["mon-fri"], "hours": "09:00-17:00", "zone": "UTC"},
    {"days": "sat-sun", "zone": "Europe/Zurich"},
    {"hours": ["22:00-06:00", "12:00-12:30"], "zone": "America/New_York"},
    {"hours": "24:00-00:00", "zone": "Nowhere"},
)
_TEXT = (Op.CIDR, Op.CONTAINS, Op.ENDS_WITH, Op.EQ, Op.EXISTS, Op.GLOB, Op.GT, Op.HOST, Op.IN, Op.LTE, Op.MATCHES, Op.NE, Op.NOT_IN, Op.STARTS_WITH, Op.UNDER)  # fmt: skip
_EQUAL = (Op.EQ, Op.IN, Op.NE, Op.NOT_IN)
_ORDER = (Op.GT, Op.GTE, Op.LT, Op.LTE)
_LIST = (Op.CONTAINS, Op.EVERY, Op.EXISTS, Op.IN, Op.NOT_IN, Op.SIZE, Op.SOME)
_FITTING: dict[str, tuple[Op, ...]] = {
    "amount": (*_ORDER, Op.EQ, Op.NE),
    "class": _EQUAL,
    "context.a.b": tuple(op for op in Op if op is not Op.WITHIN),
    "counters.per-day.exceeded": _EQUAL,
    "counters.refunds.remaining": (*_EQUAL, *_ORDER),
    "findings": _LIST,
    "labels": _LIST,
    "operation": _EQUAL,
    "params.cc": _LIST,
    "params.count": (*_EQUAL, *_ORDER, Op.EXISTS),
    "params.currency": _EQUAL,
    "params.meta": (Op.EXISTS,),
    "params.token": (Op.EXISTS,),
    "risk": (*_EQUAL, *_ORDER),
    "role": _LIST,
    "time": (*_ORDER, Op.WITHIN),
    "tool": _EQUAL,
}
"""What fits fields that are no text."""
_KNOWN: dict[str, tuple[Any, ...]] = {
    "class": ("payment", "read"),
    "counters.per-day.exceeded": (True, False),
    "counters.refunds.remaining": (0, 1, 3),
    "operation": ("send", "read"),
    "params.count": (0, 1, 3, -1, 2.5),
    "params.currency": ("EUR", "CHF"),
    "risk": ("low", "medium", "high", "critical"),
    "role": ("admin", "agent", "treasurer"),
    "tool": ("pay", "files"),
}
_OPERANDS: dict[Op, tuple[Any, ...]] = {
    Op.CIDR: ("10.0.0.0/8", ["2001:db8::/32", "10.1.2.3/32"], "10.0.0.1/8"),
    Op.GLOB: ("a*", "docs/*.csv", "*", "a?"),
    Op.HOST: ("api.example.com", ["*.example.org", "10.0.0.1"], "api.example.com:8443", "https://a"),
    Op.MATCHES: ("[a-z]+", "(?i)a.*b?", "(a|b)*c", "(", "a" * 300, "\\d{1,1000}"),
    Op.UNDER: ("docs", ["docs", "/srv/data"], "..", "a//b/./c", "*"),
    Op.WITHIN: _WINDOWS,
}
_ZONES = 4 * 365 * 86_400_000_000


def rule(random: Random, name: str) -> str:
    """One item of `rules`, as flow YAML that is JSON."""
    drawn: dict[str, Any] = {
        "name": name,
        "match": match(random, 2),
        "decision": random.choice(("allow", "deny", "require_approval")),
    }
    if random.random() < 0.2:  # noqa: PLR2004 - one in five
        drawn["approval"] = {
            "quorum": random.randrange(4),
            "approvers": ["role:" + random.choice(("admin", "treasurer", "x"))],
        }
    return json.dumps(drawn, ensure_ascii=False)  # fmt: skip


def match(random: Random, depth: int) -> dict[str, Any]:
    """A condition of fields, with combinations as deep as that."""
    found: dict[str, Any] = {}
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        kind = random.random() if depth else 1.0
        if kind < 0.1:  # noqa: PLR2004 - one in ten
            found["not"] = match(random, depth - 1)
        elif kind < 0.3:  # noqa: PLR2004 - one in five
            found[random.choice(("all", "any"))] = [match(random, depth - 1) for _ in range(random.randrange(1, 4))]
        else:
            field = random.choice(_FIELDS if random.random() < 0.1 else _FIELDS[:-3])  # noqa: PLR2004 - seldom
            found[field] = _test(random, field)
    return found


def _test(random: Random, field: str) -> Any:  # noqa: ANN401 - any JSON value
    if random.random() < 0.1:  # noqa: PLR2004 - one in ten
        return _scalar(random, field)
    ops = _FITTING.get(field, _TEXT) if random.random() < 0.95 else tuple(Op)  # noqa: PLR2004 - mostly
    tests = {op.value: _operand(random, op, field) for op in random.choices(ops, k=random.choice((1, 1, 2)))}
    if field == "amount" and random.random() < 0.9:  # noqa: PLR2004 - mostly
        tests["currency"] = random.choice(("EUR", "CHF", "XXX", "eur"))
    return tests


def _operand(random: Random, op: Op, field: str) -> Any:  # noqa: ANN401, PLR0911 - as above; one for each shape
    if random.random() < 0.02:  # noqa: PLR2004 - one in fifty
        return random.choice((None, [], {}, True, [["a"]], {"eq": 1}, _scalar(random)))
    if op in (Op.EVERY, Op.SOME):
        return {
            inner: _operand(random, Op(inner), "") for inner in random.choices(list(Op), k=random.choice((1, 1, 2)))
        }
    if op is Op.SIZE:
        return random.choice((2, [0, 1], {"gte": 1}, {"in": [1, 2]}, {"lt": 1.5}, -1))
    if op is Op.EXISTS:
        return random.random() < 0.5  # noqa: PLR2004 - a coin
    if op in (Op.IN, Op.NOT_IN):
        return [_scalar(random, field) for _ in range(random.randrange(1, 4))]
    if op in _OPERANDS:
        return random.choice(_OPERANDS[op])
    if field == "time":
        return random.choice(
            ("2026-12-24T18:00:00+01:00", "2026-01-01T00:00:00.5Z", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59-23:59")
        )
    if field == "amount":
        return random.choice(("100.00", "0", "-5", "9" * 64, 5))
    if op in (Op.GT, Op.LTE) and field not in _KNOWN:
        return random.choice(("100.00", "5", "-1.5"))
    return _scalar(random, field)  # fmt: skip


def _scalar(random: Random, field: str = "") -> Any:  # noqa: ANN401 - as above
    if random.random() < 0.97:  # noqa: PLR2004 - mostly
        return random.choice(_KNOWN.get(field, TEXTS))
    return random.choice((*TEXTS, 0, 1, 3, -1, 2.5, 1e300, True, None))


def limit(random: Random, name: str) -> tuple[str, str]:
    """Under which key of `limits`, and the item."""
    per = random.choice(("agent", "user", "action", "organisation", ["agent", "action"], ["organisation", "user"], []))
    scope: dict[str, Any] = random.choice(
        ({"tool": "pay"}, {"class": ["payment"]}, {"operation": ["send", "read"]}, {"tool": []}, {}, {"tool": "none"})
    )
    drawn: dict[str, Any] = {"name": name, "per": per, "match": scope}
    drawn |= random.choice(
        ({}, {}, {"over": random.choice(("deny", "inform", "require_approval"))}, {"approval": {"quorum": 2}})
    )
    if random.random() < 0.5:  # noqa: PLR2004 - a coin
        drawn |= {
            "rate": random.choice(("10/h", "1/d", "9999999/s", "0/s")),
            "burst": random.choice((1, 5, 100_000, 0)),
        }
        drawn |= random.choice(({}, {"enforce": "policy"}, {"enforce": "policy"}, {"enforce": "door"}))
        return "rates", json.dumps(drawn)
    drawn |= random.choice(
        (
            {"ceiling": "500.00", "currency": "EUR"},
            {"ceilings": {"EUR": "1", "CHF": "0.000001"}},
            {"ceilings": {}},
            {"ceiling": 5},
        )
    )
    return "spend", json.dumps({**drawn, "window": random.choice(("1d", "30d", "31d", "15m"))})  # fmt: skip


def questions(configuration: Configuration, random: Random) -> Iterator[Input]:
    """What a configuration is asked: some of each action type, and one that doesn't exist."""
    known: list[Entry | None] = [*configuration.catalogue.values(), None]
    for entry in known[-12:]:
        for _ in range(3):
            yield asked(entry, configuration, random)


def asked(entry: Entry | None, configuration: Configuration, random: Random) -> Input:
    """One question; its parameters mostly have the types that the schema says."""
    counters: dict[str, int | str] = {}
    for name in sorted(configuration.judged_limits):
        counters[f"{name}.exceeded"] = random.randrange(2)
        counters[f"{name}.remaining"] = random.choice((0, 5, 100))
    for money in configuration.spend:
        counters[f"{money.name}.remaining"] = random.choice(("0.00", "49.99", "1000.00"))
    return Input(
        name=entry.name if entry else "no.such",
        params=_params(entry, random) if entry else {"to": "a"},
        agent_id="a",
        agent_name=random.choice(("bot", "trainee", "a")),
        org="o",
        klass=entry.klass if entry else ActionClass.OTHER,
        risk=max(entry.risk if entry else Risk.HIGH, random.choice(list(Risk)), key=lambda risk: risk.level),
        time=random.randrange(_ZONES),
        release=1,
        roles=frozenset(random.sample(("admin", "agent", "treasurer"), k=random.randrange(3))),
        server=random.choice((None, "https://api.example.com/mcp", "x")),
        context=random.choice(({}, {"reason": "urgent"}, {"a": {"b": 1}})),
        labels=frozenset(random.sample(("x", "y"), k=random.randrange(2))),
        findings=frozenset(random.sample(("secret_detected", "other"), k=random.randrange(3))),
        counters=counters,
    )


def _params(entry: Entry, random: Random) -> Mapping[str, Any]:
    document: Any = entry.input.document
    properties = document.get("properties", {}) if isinstance(document, dict) else {}
    return {name: _value(one, random) for name, one in properties.items() if random.random() < 0.8}  # noqa: PLR2004


def _value(schema: Any, random: Random) -> Any:  # noqa: ANN401 - any JSON value
    kind = schema.get("type") if isinstance(schema, dict) else None
    kind = random.choice(kind) if isinstance(kind, list) else kind
    if isinstance(schema, dict) and isinstance(schema.get("enum"), list):
        return random.choice(schema["enum"])
    match kind:
        case "array":
            return [_value(schema.get("items"), random) for _ in range(random.randrange(4))]
        case "boolean":
            return random.random() < 0.5  # noqa: PLR2004 - a coin
        case "integer":
            return random.choice((0, 1, 2, 3, -5))
        case "number":
            return random.choice((0, 1, 2.5))
        case "null":
            return None
        case "object":
            return {name: _value(one, random) for name, one in (schema.get("properties") or {}).items()}
    return random.choice(TEXTS)


def edited(files: Mapping[str, bytes], random: Random) -> dict[str, bytes] | None:
    """The files after one edit as the API takes it: a file replaced, added or removed, or a value in one set or removed; None where it was refused.

    Raises:
        Wrong: an edit did more or less than it says.
    """
    done = dict(files)
    name = random.choice([*files, "rules/new.yaml", "actions/new.yaml"])
    kind = random.random()
    if kind < 0.1 or name not in files:  # noqa: PLR2004 - one in ten
        done[name] = random.choice((b"redact: [iban]\n", b"version: 1\n", b"{}", *files.values()))
        return done
    if kind < 0.2:  # noqa: PLR2004 - one in ten
        del done[name]
        return done
    if not name.endswith(".yaml"):
        name = MAIN
    try:
        text = files.get(name, b"").decode()
    except UnicodeDecodeError:
        return None
    root = parse(text.encode(), Faults(name))
    tree = root.plain() if root else None
    path = tuple(_path(tree, random))
    value: Any = random.choice((*TEXTS[:12], 1, True, None, [], {"a": ["b"]}, match(random, 1), ["a", {"b": 2}]))
    setting = random.random() < 0.7  # noqa: PLR2004 - mostly
    try:
        after = set_value(text, path, value) if setting else remove_value(text, path)
    except InputRefused:
        return None
    again = parse(after.encode(), Faults(name))
    if again is None:
        raise Wrong("an edit made a file that can't be read")
    if setting and (json.dumps(_at(again.plain(), path)) != json.dumps(value)):
        raise Wrong("what an edit has set isn't there")
    if setting and not _BLOCK.search(text) and _comments(after) != _comments(text):
        raise Wrong("an edit lost a comment")
    done[name] = after.encode()
    return done


_BLOCK = re.compile(r"[|>]")


def _comments(text: str) -> list[str]:
    return re.findall(r"^[ \t]*#.*$", text, re.MULTILINE)


def _path(tree: Any, random: Random) -> Iterator[str | int]:  # noqa: ANN401 - any JSON value
    while True:
        if isinstance(tree, dict) and tree:
            step: str | int = random.choice([*tree, "new"])
            tree = tree.get(str(step))
        elif isinstance(tree, list) and tree:
            step = random.randrange(len(tree) + 1)
            tree = tree[step] if step < len(tree) else None
        else:
            return
        yield step
        if random.random() < 0.3:  # noqa: PLR2004 - about a third end here
            return


def _at(tree: Any, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - any JSON value
    for step in path:
        tree = tree[step]
    return tree
