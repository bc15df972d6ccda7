"""The Rego loader and the worker behind it: whatever is fed is published or refused with its problems, in time, and nothing here ends.

What is published is asked too: a module that the loader takes may fail, but it may not end anything besides its own worker.
"""

import json
import re
from random import Random
from time import perf_counter

from aaf.adapters.driving import drive
from aaf.adapters.rego.engine import Engine
from aaf.adapters.rego.parser import WorkerParser
from aaf.adapters.rego.waiting import Blocking
from aaf.domain.errors import ConfigurationInvalid, PolicyFailed
from aaf.policy.catalogue import ActionClass, Risk
from aaf.policy.configuration import Configuration, load
from aaf.policy.decision_input import Input
from aaf.policy.rego.answers import spoken
from aaf.policy.rego.document import encoded
from aaf.policy.rego.module import Module
from tools.fuzz.harness import Wrong
from tools.fuzz.memory import resident
from tools.fuzz.mutation import changed

DEADLINE = 16.0
"""Seconds for one input: a reader that starts anew, and each of two dialects as slow as it may be."""
GROWTH = 96 * 1_048_576
"""Bytes by which this process may have grown at the end."""
_WARM = 2_000
_CATALOGUE = {
    "aaf.yaml": b"version: 1\nlimits:\n  agent: {rate: 100/m, burst: 10, enforce: policy}\n",
    "actions/pay.yaml": b"""\
name: pay.send
class: payment
risk: high
effect: caller
input:
  type: object
  additionalProperties: false
  properties:
    amount: {type: number}
    to: {type: string}
    tags: {type: array, items: {type: string}}
""",
}
CORPUS = tuple(
    text.encode()
    for text in (
        """\
package aaf.policies

import rego.v1

default decision := {"action": "deny", "reason": "nothing allows it"}

decision := {"action": "allow"} if {
	input.tool == "pay"
	input.params.amount < 100
}

decision := {"action": "require_approval", "reason": "large", "risk_level": "high"} if {
	sprintf("%v to %v", [input.params.amount, input.params.to]) != ""
	input.params.amount >= 100
	not input.context.pre_approved
}
""",
        """\
package aaf.policies

default decision = "deny"

decision = {"action": "require_approval", "risk_level": "high", "reason": "writes need a person"} {
	input.operation == ["send", "put"][_]
	not input.context.pre_approved
}

decision = {"action": "deny", "reason": "rate"} {
	rate_limit_exceeded(input.agent_id)
}
""",
        """\
# METADATA
# scope: package
# custom:
#   tools: [pay.send]
#   guard: true
package aaf.policies.pay

import rego.v1

allowed := {"shop.example.com", "books.example.org"}

decisions contains {"action": "deny", "reason": "unknown payee"} if not input.params.to in allowed

decisions contains {"action": "require_approval"} if {
	some tag in input.params.tags
	startswith(tag, "urgent")
	count(input.params.tags) > 2
}
""",
        """\
package aaf.lib.money

import rego.v1

small(amount) if amount < 10

round_up(x) := ceil(x * 100) / 100

largest := max([x | some x in [1, 2, 3]])

shares[name] := value if some name, value in {"a": 1, "b": 2}
""",
    )
)
_TOKENS = tuple(
    text.encode("utf-8", "surrogatepass")
    for text in (
        "package", "import", "default", "decision", "decisions", "contains", "if", "else", "some", "every", "in", "not", "with", "as", "null",
        "true", "false", ":=", "==", "=", "|", "&", "{", "}", "[", "]", "(", ")", ",", ";", ".", "_", "\n", "\t", " ", "#", '"', "`", "\\", "\\u",
        "input", "data", "input.params", "data.aaf", "aaf.policies", "http.send", "io.jwt.decode", "opa.runtime()", "time.now_ns()", "regex.match",
        "walk(input)", "numbers.range(1, 1000000000)", "trace", "print(1)", "rate_limit_exceeded", "json.unmarshal", "sprintf", "1e400", "-0",
        "99999999999999999999", "0x1", "1_000", "{x | x := input[_]}", "[y | y := data[_]]", "with input as {}", "decision := decision",
        "f(x) := f(x)", "future.keywords", "rego.v1", "rego.v2", "# METADATA\n# custom:\n#   guard: true\n", "\ufeff", "\u202e", "\x00", "\xff",
        "\u2028", "\ud800", "é", "名前",
    )
)  # fmt: skip
_WORD = re.compile(rb'\w+|"[^"\n]*"|\s+|:=|[=!<>]=|.')
_NAMED = re.compile(r"`[^`]*`|U\+[0-9A-F]+|[0-9]+|'[^']*'")


class Modules:
    """The target."""

    name = "rego"

    def __init__(self) -> None:
        self._parser = WorkerParser()
        self._engine = Engine(Blocking(1), workers=1)
        self._seen = 0
        self._memory = 0

    def make(self, random: Random) -> bytes:
        """A module of the corpus after changes; now and then nothing but tokens, or bytes."""
        kind = random.random()
        if kind < 0.02:  # noqa: PLR2004 - one in fifty
            return random.randbytes(random.randrange(400))
        if kind < 0.06:  # noqa: PLR2004 - one in twenty-five
            return b"package aaf.policies\n" + b" ".join(random.choices(_TOKENS, k=random.randrange(40)))
        if kind < 0.5:  # noqa: PLR2004 - about half
            return _respelt(random, random.choice(CORPUS))
        return changed(random, random.choice(CORPUS), _TOKENS, CORPUS)

    def check(self, data: bytes) -> str:
        """Publish it; ask what was published."""
        self._seen += 1
        if self._seen == _WARM:
            self._memory = resident()
        began = perf_counter()
        try:
            configuration = load({**_CATALOGUE, "policies/fed.rego": data}, parser=self._parser)
        except ConfigurationInvalid as invalid:
            self._in_time(began)
            if not invalid.problems or not all(problem.message for problem in invalid.problems):
                raise Wrong("refused without a problem") from None
            return f"refused: {_NAMED.sub('…', invalid.problems[0].message.partition(chr(10))[0])[:60]}"
        self._in_time(began)
        (module,) = configuration.modules
        if Module.from_json(json.loads(json.dumps(module.to_json()))) != module:
            raise Wrong("a module that isn't the same after it was stored")
        return f"published, {self._asked(configuration)}"

    def _asked(self, configuration: Configuration) -> str:
        """Judge one action with it."""
        asked = Input(
            name="pay.send",
            params={"amount": 20, "to": "shop", "tags": ["urgent", "b", "c"]},
            agent_id="a",
            agent_name="a",
            org="o",
            klass=ActionClass.PAYMENT,
            risk=Risk.HIGH,
            time=0,
            release=1,
            action_id="x",
        )
        applying = configuration.modules_for(asked.name)
        if not applying:
            return "a library"
        document = encoded(asked, configuration.catalogue["pay.send"])
        began = perf_counter()
        try:
            answers = drive(self._engine.evaluate(configuration.modules, applying, document, b'{"rate":{"a":false}}'))
        except PolicyFailed as failure:
            self._in_time(began)
            return f"failed: {failure.code}"
        self._in_time(began)
        votes = spoken(tuple(zip(applying, answers, strict=True)))
        return "answered" if votes.pool or votes.defaults else "undefined"

    @staticmethod
    def _in_time(began: float) -> None:
        took = perf_counter() - began
        if took > DEADLINE:
            raise Wrong(f"took {took:.1f} s")

    def after(self) -> None:
        """End the workers, and look at the memory."""
        self._parser.close()
        drive(self._engine.close())
        grown = resident() - self._memory if self._memory else 0
        if grown > GROWTH:
            raise Wrong(f"grew by {grown >> 20} MiB")


def _respelt(random: Random, data: bytes) -> bytes:
    """The module with one to three of its words replaced, left out or doubled: most of these are still modules."""
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
