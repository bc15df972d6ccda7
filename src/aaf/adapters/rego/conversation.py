"""What is said to a worker and what it answers, without the waiting: numbered frames out, bytes in.

Whoever gets anything but the whole answer to the job asked last must kill the worker: an answer that comes late or has another number is never
somebody else's.
"""

import json
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from aaf.adapters.rego import worker
from aaf.domain.canonical import Json, parse
from aaf.domain.errors import AafError, Code
from aaf.policy.rego.answers import Answer, Undefined, Value
from aaf.policy.rego.module import Module

MAX_ANSWER = 1_048_576
"""Bytes of what modules say to one question."""
SHORT = 2048
"""Bytes of an answer that is remembered."""
_PLACE = re.compile(r"--> (.+):([0-9]+):([0-9]+)\n")
_CONFLICT = re.compile(r"conflicts with rule|multiple outputs")
_DONE = (worker.DONE, worker.REFUSED)


class BrokenError(Exception):
    """The worker said something that is no answer to what it was asked."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A job that the worker refused: the module, the engine's words, and the place where it names one."""

    module: str
    text: str
    file: str = ""
    line: int = 0
    column: int = 0

    @property
    def code(self) -> Code:
        """A conflict of rules, or any other error."""
        return Code.POLICY_CONFLICT if _CONFLICT.search(self.text) else Code.POLICY_ERROR

    @property
    def message(self) -> str:
        """The engine's sentence without the picture of the source."""
        return self.text.rpartition("error: ")[2].strip()


@dataclass(slots=True)
class Conversation:
    """Frames to and from one worker."""

    _number: int = 0
    _most: int = 0
    _heard: bytearray = field(default_factory=bytearray)

    def ask(self, kind: int, body: bytes, *, most: int = MAX_ANSWER) -> bytes:
        """The frame of the next job, whose answer has at most `most` bytes."""
        self._number += 1
        self._most = most
        return worker.HEADER.pack(len(body), self._number, kind) + body

    def hear(self, data: bytes) -> tuple[int, bytes] | None:
        """How the job ended and the body of the answer, once it is whole; None before.

        Raises:
            BrokenError: it isn't an answer to the job asked last.
        """
        heard = self._heard
        heard += data
        if len(heard) < worker.HEADER.size:
            return None
        length, number, status = worker.HEADER.unpack_from(heard)
        if number != self._number or length > self._most or status not in _DONE:
            raise BrokenError("an answer with another number, too long or of no known kind")
        missing = worker.HEADER.size + length - len(heard)
        if missing > 0:
            return None
        if missing < 0:
            raise BrokenError("more than an answer")
        body = bytes(heard[worker.HEADER.size :])
        heard.clear()
        return status, body


def loading(number: int, modules: Sequence[Module]) -> bytes:
    """The body that makes a worker keep a set of modules under this number."""
    listed = [
        {
            "dialect": str(module.dialect),
            "library": module.library,
            "name": module.name,
            "query": module.query,
            "text": module.text,
        }
        for module in modules
    ]
    return json.dumps({"modules": listed, "set": number}).encode()


def question(number: int, places: Sequence[int], document: bytes, facts: bytes) -> bytes:
    """The body that asks these modules of a set."""
    head = worker.QUESTION.pack(number, len(places), len(document))
    return b"".join((head, struct.pack(f">{len(places)}H", *places), document, facts))


def answers(body: bytes, count: int) -> tuple[Answer, ...]:
    """What modules said; the same objects for the same short bytes, which nobody may change.

    Raises:
        BrokenError: it isn't JSON that the door would take, or not one answer a module.
    """
    return _read_again(body, count) if len(body) <= SHORT else _read(body, count)


def _read(body: bytes, count: int) -> tuple[Answer, ...]:
    try:
        said = parse(body)
    except AafError:
        raise BrokenError("a module's answer is no plain JSON") from None
    if not isinstance(said, list) or len(said) != count:
        raise BrokenError("not one answer a module")
    return tuple(map(_answer, said))


_read_again = lru_cache(maxsize=256)(_read)


def _answer(said: Json) -> Answer:
    """One module's: a list of its value, or the text that stands for undefined."""
    match said:
        case [value]:
            return Value(value)
        case "<undefined>":
            return Undefined()
        case _:
            raise BrokenError("an answer of another shape")


def refusal(body: bytes) -> Refusal:
    """What a refused job's body says.

    Raises:
        BrokenError: it isn't what a worker sends.
    """
    try:
        said = json.loads(body)
        module, text = str(said["module"]), str(said["text"])
    except (ValueError, TypeError, KeyError):
        raise BrokenError("a refusal of another shape") from None
    place = _PLACE.search(text)
    if place is None:
        return Refusal(module, text)
    return Refusal(module, text, place[1], int(place[2]), int(place[3]))
