"""The configuration loader: whole folders are fed, and each is compiled or refused with its problems, in time and in little memory.

What is compiled is stored and read back, and has to decide the same then: an invalid configuration must never become one that runs.
"""

import re
from enum import StrEnum
from pathlib import Path
from random import Random
from time import process_time
from zlib import crc32

import jsonschema_rs

from aaf.adapters.rego.parser import WorkerParser
from aaf.domain.canonical import canonical, parse
from aaf.domain.errors import ConfigurationInvalid
from aaf.policy.configuration import MAIN, MAX_PROBLEMS, Configuration, load
from aaf.policy.document.including import included_folders
from aaf.policy.document.published.files import Published, schema_of
from aaf.policy.positioned import Faults
from aaf.policy.positioned import parse as parse_yaml
from tools.fuzz.drawing import edited, limit, questions, rule
from tools.fuzz.harness import Wrong
from tools.fuzz.memory import resident
from tools.fuzz.mutation import changed
from tools.fuzz.seeds import DOCUMENT, LISTED, MODULES

DEADLINE = 2.0
"""Seconds of computing for one folder, whatever else the machine does; the largest is 32 KiB."""
GROWTH = 96 * 1_048_576
"""Bytes by which this process may have grown at the end."""
_WARM = 2_000
_HEAD = re.compile(rb"^=== ([^\n]*)\n", re.MULTILINE)
_SHIPPED = Path(__file__).parents[2] / "src" / "aaf" / "shipped"


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
    """A shipped folder over others; its cases are no part of a configuration."""
    folders = [_SHIPPED / name for name in names]
    listed = [(path.relative_to(one).as_posix(), path) for one in folders for path in one.rglob("*.yaml")]
    return folded({name: path.read_bytes() for name, path in listed if not name.startswith("tests/")})


PACKS = tuple(_shipped(f"packs/{path.name}") for path in sorted((_SHIPPED / "packs").iterdir()) if path.is_dir())
CORPUS = (DOCUMENT, LISTED, _shipped("demo"), _shipped("demo", "shop"), *PACKS)
_TOKENS = tuple(
    text.encode("utf-8", "surrogatepass")
    for text in (
        "version: 1\n", "include: ['*.yaml']\n", "include: [aaf.yaml]\n", "guard: true\n", "rules:\n", "  - name: x\n", "match: {}", "decision: allow\n",
        "decision: deny", "not: {", "any: [", "all: [", "exists: true", "in: []", "glob: '**'", "gt: '1'", "lt: 1e9", "eq: null", "params.", "context.x",
        "labels: x", "role: admin", "host: '*.example.com'", "cidr: 10.0.0.0/8", "under: docs", "matches: '[a-z]+'", "every: {", "some: {", "size: 3",
        "amount: {gt: '1', currency: EUR}", "time: {within: {days: mon, zone: UTC}}", "counters.refunds.exceeded: true", "managed_by: api\n", "managed_by: file\n",
        "rates:\n", "spend:\n", "per: agent", "over: inform", "enforce: policy", "ceiling: '5.00'", "currency: CHF", "window: 31d", "burst: 100001", "role:treasurer", "&a ", "*a", "!!python/object:os.system ", "!x ", "<<: ", "? ", "|\n", ">-\n", "- ", ": ", ", ", "{", "}",
        "[", "]", '"', "'", "#", "\n", "\t", "  ", "---\n", "...\n", "%YAML 1.1\n", "~", "null", "true", "no", ".inf", "-.nan", "0x7fffffffffffffff", "1e400",
        "9" * 70, "1_000", "0o17", "15m", "1s", "0d", "36501d", "-1", "60/m", "0/s", "${PORT}", "$HOME", "{{ env.X }}", "../", "/etc/passwd", "rules/../x.yaml",
        "=== teams/b.yaml\n", "=== x.yaml\n", "=== actions/pay.send.yaml\n", "=== policies/a.rego\n", "$ref: '#/$defs/name'", "$defs: {", "type: object",
        "additionalProperties: false", "open: true", "anyOf: [", "pattern: '(a+)+$'", "pattern: '('", "multipleOf: 0", "minimum: 1e308", "required: [x]",
        "default: ", "\ufeff", "\u202e", "\x00", "\xff", "\u2028", "\x85", "\ud800", "\u00e9", "\u540d\u524d", "*" * 40, "[" * 40, "{a: " * 40, "a" * 5_000,
    )
)  # fmt: skip
_WORD = re.compile(rb'\w+|"[^"\n]*"|\s+|.')
_NAMED = re.compile(r"`[^`]*`|U\+[0-9A-F]+|[0-9]+|'[^']*'")


class Folders:
    """The target."""

    name = "configuration"

    def __init__(self) -> None:
        self._parser = WorkerParser()
        self._seen = 0
        self._memory = 0

    def make(self, random: Random) -> bytes:
        """A folder of the corpus after changes; now and then nothing but tokens, or bytes."""
        kind = random.random()
        if kind < 0.02:  # noqa: PLR2004 - one in fifty
            return random.randbytes(random.randrange(400))
        if kind < 0.06:  # noqa: PLR2004 - one in twenty-five
            return b"version: 1\n" + b" ".join(random.choices(_TOKENS, k=random.randrange(40)))
        if kind < 0.08:  # noqa: PLR2004 - one in fifty: reading a module takes a process
            return random.choice((_respelt, _moved))(random, MODULES)
        if kind < 0.3:  # noqa: PLR2004 - about a quarter
            return _drawn(random)
        start = random.choice((DOCUMENT, DOCUMENT, *CORPUS))
        if kind < 0.5:  # noqa: PLR2004 - one in five
            return _respelt(random, start)
        if kind < 0.8:  # noqa: PLR2004 - about a third
            return _moved(random, start)
        return changed(random, start, _TOKENS, CORPUS)

    def check(self, data: bytes) -> str:
        """Compile it, store it, read it back, and ask both; then the same after an edit, whatever came of it."""
        self._seen += 1
        if self._seen == _WARM:
            self._memory = resident()
        files = unfolded(data)
        random = Random(crc32(data))  # noqa: S311 - so that a finding is one again while it is made smaller
        outcome = self._taken(files, random)
        if random.random() < 0.25:  # noqa: PLR2004 - one in four
            after = edited(files, random)
            if after is not None:
                self._taken(after, random)
        return outcome

    def _taken(self, files: dict[str, bytes], random: Random) -> str:
        """What came of a folder."""
        began = process_time()
        included_folders(files)
        try:
            configuration = load(files, parser=self._parser)
        except ConfigurationInvalid as invalid:
            _in_time(began)
            _explained(invalid, files)
            return f"refused: {_NAMED.sub('…', invalid.problems[0].message.partition(chr(10))[0])[:60]}"
        _in_time(began)
        _fits(files)
        document = configuration.to_stored()
        _is_json(document, "the stored configuration")
        stored = canonical(document)
        read = parse(stored)
        if not isinstance(read, dict):
            raise Wrong("a stored configuration that is no object")
        again = Configuration.from_stored(read)
        if canonical(again.to_stored()) != stored:
            raise Wrong("a configuration that isn't the same after it was stored")
        for asked in questions(configuration, random):
            first, second = configuration.policy.judge(asked), again.policy.judge(asked)
            if first != second:
                raise Wrong(f"{asked.name}: {first.verdict} before it was stored, {second.verdict} after")
            if configuration.limits_on(asked.name) != again.limits_on(asked.name):
                raise Wrong(f"{asked.name}: other limits after it was stored")
        return f"compiled, {'with' if configuration.warnings else 'without'} warnings"

    def after(self) -> None:
        """End the reader of modules, and look at the memory."""
        self._parser.close()
        grown = resident() - self._memory if self._memory else 0
        if grown > GROWTH:
            raise Wrong(f"grew by {grown >> 20} MiB")


_VALIDATORS = {kind: jsonschema_rs.Draft202012Validator(schema_of(kind)) for kind in Published}


def _fits(files: dict[str, bytes]) -> None:
    """What the loader takes, the published schemas take."""
    for name, data in files.items():
        if not name.endswith(".yaml"):
            continue
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
    took = process_time() - began
    if took > DEADLINE:
        raise Wrong(f"took {took:.1f} s of computing")


def _is_json(value: object, at: str) -> None:
    """What is stored is made of texts, numbers, flags, null, lists and mappings with texts as keys; a word of a closed set is a text."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise Wrong(f"{at} has the key {key!r}")
            _is_json(inner, f"{at}.{key}")
    elif isinstance(value, list):
        for inner in value:
            _is_json(inner, f"{at}[]")
    elif value is not None and type(value) not in (bool, float, int, str) and not isinstance(value, StrEnum):
        raise Wrong(f"{at} is {type(value).__name__}")


def _drawn(random: Random) -> bytes:
    """A folder with rules and limits that say all that rules and limits can, in a document that is otherwise right."""
    rules = "".join(f"  - {rule(random, f'drawn-{number}')}\n" for number in range(random.choice((1, 1, 2))))
    data = DOCUMENT.replace(b"rules:\n", b"rules:\n" + rules.encode(), 1)
    if random.random() < 0.4:  # noqa: PLR2004 - some of them
        key, item = limit(random, "drawn")
        data = data.replace(f"  {key}:\n".encode(), f"  {key}:\n    - {item}\n".encode(), 1)
    return data


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
