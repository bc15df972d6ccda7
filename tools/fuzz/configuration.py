"""The configuration loader: whole folders are fed, and each is compiled or refused with its problems, in time and in little memory.

What is compiled is stored and read back, and has to decide the same then: an invalid configuration must never become one that runs.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import jsonschema_rs

from aaf.domain.canonical import canonical, parse
from aaf.domain.errors import ConfigurationInvalid
from aaf.policy.catalogue import ActionClass, Entry, Risk
from aaf.policy.configuration import MAIN, MAX_PROBLEMS, Configuration, load
from aaf.policy.decision_input import Input
from aaf.policy.document.including import included_folders
from aaf.policy.document.published import Published, schema_of
from aaf.policy.positioned import Faults
from aaf.policy.positioned import parse as parse_yaml
from tools.fuzz.harness import Wrong
from tools.fuzz.memory import resident
from tools.fuzz.mutation import changed

DEADLINE = 8.0
"""Seconds for one folder; the largest is 32 KiB."""
GROWTH = 96 * 1_048_576
"""Bytes by which this process may have grown at the end."""
_WARM = 2_000
_HEAD = re.compile(rb"^=== ([^\n]*)\n", re.MULTILINE)
_SHIPPED = Path(__file__).parents[2] / "src" / "aaf" / "shipped"
_DOCUMENT = b"""\
=== aaf.yaml
# everything that a document can say
version: 1
organisation: acme
managed_by: file
include: [rules/payments.yaml, "teams/*.yaml"]
rules:
  - name: reads
    match: {tool: files, operation: [read, send]}
    decision: allow
    reason: Reading is allowed
  - name: large
    match:
      tool: pay
      params.amount: {gt: "100.00"}
      any: [{params.to: {glob: "a*"}}, {not: {params.cc: {contains: me}}}]
    decision: require_approval
    approval: {approvers: ["role:treasurer"], quorum: 1, timeout: 15m, on_timeout: deny}
roles:
  treasurer: ["org:approval:read", "org:approval:review"]
approvals: {approvers: ["role:approver", "role:admin"], quorum: 1, timeout: 15m, reason_required: false}
fallback: {decision: require_approval, approval: {quorum: 2}}
defaults: {read: allow, payment: deny}
limits:
  agent: {rate: 60/m, burst: 30, enforce: door}
use_within: 15m
run_timeout: 30s
redact: [password, api_key]
retention: {values: 90d, records: 400d}
alerts:
  - {name: many-denials, event: action.denied, more_than: 10, within: 5m, per: agent, severity: warning, cooldown: 1h}
connectors:
  files: {root: ./workspace, max_bytes: 1048576, protect: ["*.key"]}
  http: {max_bytes: 65536, timeout: 20s, redirects: 1}
egress:
  allow: [api.example.com, "*.example.org"]
  unsafe_allow:
    - {host: shop.internal, address: 10.0.0.5, port: 8443, scheme: https}
=== rules/payments.yaml
guard: true
include: [rules/more.yaml]
defaults: {payment: require_approval, read: deny}
rules:
  - {name: small, match: {class: payment, params.amount: {lte: "5"}, params.currency: EUR}, decision: allow}
=== rules/more.yaml
rules: [{name: stranger, match: {params.to: {not_in: [a, b]}, findings: secret_detected}, decision: deny}]
=== teams/a.yaml
redact: [iban]
rules: [{name: risky, match: {risk: {gte: high}, role: agent, agent: {starts_with: bot}}, decision: require_approval}]
=== actions/pay.send.yaml
name: pay.send
class: payment
risk: high
description: Pay somebody.
effect: caller
targets: [params.to]
amount: {value: params.amount, currency: params.currency}
secret: [params.token]
input:
  type: object
  additionalProperties: false
  required: [to, amount, currency]
  properties:
    to: {type: string, maxLength: 40}
    cc: {type: array, items: {$ref: "#/$defs/name"}, maxItems: 5}
    amount: {type: string, pattern: "^[0-9]+$"}
    currency: {type: string, enum: [EUR, CHF]}
    token: {type: [string, "null"], default: null}
    count: {type: integer, minimum: 0, maximum: 1e3}
    meta: {type: object, open: true, properties: {note: {type: string, format: date}}}
  $defs:
    name: {type: string}
=== actions/files.read.yaml
name: files.read
class: read
risk: low
effect: {connector: files}
targets: [params.path]
reversible: true
idempotent: true
trust: untrusted
input:
  type: object
  additionalProperties: false
  properties: {path: {type: string}}
output:
  type: object
  additionalProperties: false
  properties: {content: {type: string}}
"""


def folded(files: dict[str, bytes]) -> bytes:
    """A folder as one text, so that it can be changed like one."""
    return b"".join(b"=== " + name.encode() + b"\n" + data for name, data in sorted(files.items()))


def unfolded(text: bytes) -> dict[str, bytes]:
    """The folder again; what stands before the first name is the main file."""
    first, *rest = _HEAD.split(text)
    files = {"aaf.yaml": first} if first else {}
    for name, data in zip(rest[::2], rest[1::2], strict=True):
        files[name.decode("utf-8", "replace")] = data
    return files


def _shipped(*names: str) -> bytes:
    """A shipped folder over others."""
    folders = [_SHIPPED / name for name in names]
    return folded(
        {path.relative_to(one).as_posix(): path.read_bytes() for one in folders for path in one.rglob("*.yaml")}
    )


CORPUS = (_DOCUMENT, _shipped("demo"), _shipped("demo", "shop"))
_TOKENS = tuple(
    text.encode("utf-8", "surrogatepass")
    for text in (
        "version: 1\n", "include: ['*.yaml']\n", "include: [aaf.yaml]\n", "guard: true\n", "rules:\n", "  - name: x\n", "match: {}", "decision: allow\n",
        "decision: deny", "not: {", "any: [", "all: [", "exists: true", "in: []", "glob: '**'", "gt: '1'", "lt: 1e9", "eq: null", "params.", "context.x",
        "labels: x", "role: admin", "role:treasurer", "&a ", "*a", "!!python/object:os.system ", "!x ", "<<: ", "? ", "|\n", ">-\n", "- ", ": ", ", ", "{", "}",
        "[", "]", '"', "'", "#", "\n", "\t", "  ", "---\n", "...\n", "%YAML 1.1\n", "~", "null", "true", "no", ".inf", "-.nan", "0x7fffffffffffffff", "1e400",
        "9" * 70, "1_000", "0o17", "15m", "1s", "0d", "36501d", "-1", "60/m", "0/s", "${PORT}", "$HOME", "{{ env.X }}", "../", "/etc/passwd", "rules/../x.yaml",
        "=== teams/b.yaml\n", "=== x.yaml\n", "=== actions/pay.send.yaml\n", "=== policies/a.rego\n", "$ref: '#/$defs/name'", "$defs: {", "type: object",
        "additionalProperties: false", "open: true", "anyOf: [", "pattern: '(a+)+$'", "pattern: '('", "multipleOf: 0", "minimum: 1e308", "required: [x]",
        "default: ", "\ufeff", "\u202e", "\x00", "\xff", "\u2028", "\x85", "\ud800", "\u00e9", "\u540d\u524d", "*" * 40, "[" * 40, "{a: " * 40, "a" * 5_000,
    )
)  # fmt: skip
_WORD = re.compile(rb'\w+|"[^"\n]*"|\s+|.')
_NAMED = re.compile(r"`[^`]*`|U\+[0-9A-F]+|[0-9]+|'[^']*'")
_VALUES: tuple[dict[str, Any], ...] = (
    {},
    {"to": "a", "amount": "5", "currency": "EUR", "cc": ["me"], "token": None, "count": 1, "meta": {"note": "x"}},
    {"to": "zoe", "amount": "500", "currency": "CHF", "path": "a/b", "content": "c", "url": "https://api.example.com/"},
)


class Folders:
    """The target."""

    name = "configuration"

    def __init__(self) -> None:
        self._seen = 0
        self._memory = 0

    def make(self, random: Random) -> bytes:
        """A folder of the corpus after changes; now and then nothing but tokens, or bytes."""
        kind = random.random()
        if kind < 0.02:  # noqa: PLR2004 - one in fifty
            return random.randbytes(random.randrange(400))
        if kind < 0.06:  # noqa: PLR2004 - one in twenty-five
            return b"version: 1\n" + b" ".join(random.choices(_TOKENS, k=random.randrange(40)))
        start = random.choice((_DOCUMENT, _DOCUMENT, *CORPUS))
        if kind < 0.4:  # noqa: PLR2004 - about a third
            return _respelt(random, start)
        if kind < 0.7:  # noqa: PLR2004 - about a third
            return _moved(random, start)
        return changed(random, start, _TOKENS, CORPUS)

    def check(self, data: bytes) -> str:
        """Compile it, store it, read it back, and ask both."""
        self._seen += 1
        if self._seen == _WARM:
            self._memory = resident()
        files = unfolded(data)
        began = perf_counter()
        included_folders(files)
        try:
            configuration = load(files)
        except ConfigurationInvalid as invalid:
            _in_time(began)
            _explained(invalid, files)
            return f"refused: {_NAMED.sub('…', invalid.problems[0].message.partition(chr(10))[0])[:60]}"
        _in_time(began)
        _fits(files)
        stored = canonical(configuration.to_stored())
        document = parse(stored)
        if not isinstance(document, dict):
            raise Wrong("a stored configuration that is no object")
        again = Configuration.from_stored(document)
        if canonical(again.to_stored()) != stored:
            raise Wrong("a configuration that isn't the same after it was stored")
        for asked in _questions(configuration):
            first, second = configuration.policy.judge(asked), again.policy.judge(asked)
            if first != second:
                raise Wrong(f"{asked.name}: {first.verdict} before it was stored, {second.verdict} after")
        return f"compiled, {'with' if configuration.warnings else 'without'} warnings"

    def after(self) -> None:
        """Look at the memory."""
        grown = resident() - self._memory if self._memory else 0
        if grown > GROWTH:
            raise Wrong(f"grew by {grown >> 20} MiB")


_VALIDATORS = {kind: jsonschema_rs.Draft202012Validator(schema_of(kind)) for kind in Published}


def _fits(files: dict[str, bytes]) -> None:
    """What the loader takes, the published schemas take."""
    for name, data in files.items():
        kind = Published.ACTION if name.startswith("actions/") else Published.PART
        root = parse_yaml(data, Faults(name))
        if root is None or not _VALIDATORS[Published.DOCUMENT if name == MAIN else kind].is_valid(root.plain()):
            raise Wrong(f"{name} is taken, and its schema refuses it")


def _explained(invalid: ConfigurationInvalid, files: dict[str, bytes]) -> None:
    """Every refusal has problems, each of a file that is there, in words, at a place that isn't behind its end."""
    if not 0 < len(invalid.problems) <= MAX_PROBLEMS + 1:
        raise Wrong(f"{len(invalid.problems)} problems")
    for problem in invalid.problems:
        lines = files.get(problem.file, b"").decode("utf-8", "replace")
        if not problem.message or (problem.file not in files and problem.file != MAIN):
            raise Wrong(f"a problem without a place or words: {problem}")
        if problem.line > len(re.split(r"\r\n|[\n\r\x85\u2028\u2029]", lines)) + 1:
            raise Wrong(f"a problem behind the end of its file: {problem}")


def _in_time(began: float) -> None:
    took = perf_counter() - began
    if took > DEADLINE:
        raise Wrong(f"took {took:.1f} s")


def _questions(configuration: Configuration) -> Iterator[Input]:
    """What both are asked: every action type, and one that doesn't exist."""
    known: list[Entry | None] = [*configuration.catalogue.values(), None]
    for entry in known:
        for number, params in enumerate(_VALUES):
            yield Input(
                name=entry.name if entry else "no.such",
                params=params,
                agent_id="a",
                agent_name="bot",
                org="o",
                klass=entry.klass if entry else ActionClass.OTHER,
                risk=entry.risk if entry else Risk.HIGH,
                time=0,
                release=1,
                roles=frozenset({"agent"} if number else ()),
                findings=frozenset({"secret_detected"} if number > 1 else ()),
            )


def _respelt(random: Random, data: bytes) -> bytes:
    """The folder with one to three of its words replaced, left out or doubled: most of these are still YAML."""
    words = _WORD.findall(data)
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(words))
        match random.randrange(4):
            case 0:
                words[at] = b""
            case 1:
                words[at] *= 2
            case 2:
                words[at] = random.choice(_TOKENS)
            case _:
                words[at] = random.choice(_WORD.findall(random.choice(CORPUS)))
    return b"".join(words)


def _moved(random: Random, data: bytes) -> bytes:
    """The folder with a few of its lines left out, doubled, put elsewhere or given a number or word of another: many of these still compile."""
    lines = data.splitlines(keepends=True)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        at = random.randrange(len(lines))
        match random.randrange(4):
            case 0:
                lines[at] = b""
            case 1:
                lines[at] *= 2
            case 2:
                lines.insert(random.randrange(len(lines)), lines.pop(at))
            case _:
                word = random.choice(re.findall(rb"\w+", random.choice(lines)) or [b"1"])
                lines[at] = re.sub(rb"\b[\w.]+(?=[,}\]\n])", word, lines[at], count=1)
    return b"".join(lines)
