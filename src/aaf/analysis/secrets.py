"""Credentials recognised by their form: keys and tokens as their issuers write them, private keys, passwords in addresses and assignments.

Pure, and linear in the text: every pattern is compiled by RE2 (https://github.com/google/re2), and one pass over what each form always has
in it says which can be there at all. What is taken out is the credential alone, never what stands around it.

Not recognised: a credential without a form of its own (a password in a sentence), one that is encoded once more or compressed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import re2

from aaf.analysis.secret_forms import FORMS, Form
from aaf.domain.redaction import MASK

SHORTEST = 12
"""Characters of the shortest text that is looked at."""
_MOST = 2_000
_MOST_EVERY = 200
"""Bytes of a text for which one more place is looked at."""
TOO_MANY = "more possible credentials than are looked at"
"""The kind of a text that is made of them: all of it is taken for one, and whoever shows texts to people has to refuse it."""
_TOO_MANY = Form(TOO_MANY, "", "", bool, certain=True)
_MEMORY = 8 << 20
_MEMORY_OF_ONE = 2 << 20
_ALWAYS = r"\z"
_CALLS = (b"(", b"[")
"""What stands behind a name in code; a mask begins so too."""
_ESCAPE = re.compile(rb"(?:\\[bfnrtv]|%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\[[0-9;]{1,8}m)\Z")
"""What ends in a letter and is yet no part of a word: escapes of JSON and of URLs, and a terminal's colours."""
_LONGEST_ESCAPE = 10


@dataclass(frozen=True, slots=True)
class Recognised:
    """One credential: what it is, in words that go into a sentence, and where it stands, in bytes of the text's UTF-8."""

    kind: str
    start: int
    end: int
    certain: bool
    """Whether only one issuer writes it so; False for what is guessed from the words around it."""


def may_hold_one(text: str) -> bool:
    """Whether a text has anything in it that a credential would have; where it says no, there is none."""
    return len(text) >= SHORTEST and bool(_possible(_leads(), _bytes(text)))


def recognised(text: str) -> tuple[Recognised, ...]:
    """Every credential in a text, from left to right; two that overlap are one, with the name of the first."""
    if len(text) < SHORTEST:
        return ()
    return tuple(Recognised(form.kind, start, end, form.certain) for start, end, form in _in(_bytes(text)))


def without_recognised(text: str) -> str:
    """The text with `[redacted]` in place of each of them; the same object where there is none."""
    if len(text) < SHORTEST:
        return text
    data = _bytes(text)
    kept: list[bytes] = []
    shown = 0
    for start, end, _form in _in(data):
        kept += (data[shown:start], MASK.encode())
        shown = end
    return b"".join((*kept, data[shown:])).decode("utf-8", "surrogatepass") if kept else text


def _bytes(text: str) -> bytes:
    """UTF-8, also of half a surrogate pair, which JSON can hold."""
    return text.encode("utf-8", "surrogatepass")


def _in(data: bytes) -> Sequence[tuple[int, int, Form]]:
    """Where each stands; of two that begin together the one that is certain gives its name.

    Each place takes about 10 microseconds, so a text can be made of them: one with more than anybody needs is a single credential.
    """
    spans: list[tuple[int, int, Form]] = []
    left = _MOST + len(data) // _MOST_EVERY
    for form in _possible(_leads(), data):
        for start, end, is_one in _places(form, data):
            left -= 1
            if not left:
                return [(0, len(data), _TOO_MANY)]
            if is_one:
                spans.append((start, end, form))
    spans.sort(key=lambda span: (span[0], not span[2].certain, -span[1]))
    apart: list[tuple[int, int, Form]] = []
    reached = 0
    for start, end, form in spans:
        if start >= reached:
            apart.append((start, end, form))
        elif end > reached:
            apart[-1] = (apart[-1][0], end, apart[-1][2])
        reached = max(reached, end)
    return apart


def _possible(leads: re2.Set, data: bytes) -> Sequence[Form]:
    """The forms whose leads are there; all of them where the automaton had no memory to say."""
    there = leads.Match(data)
    return FORMS if there is None else [FORMS[at] for at in sorted(there) if at < len(FORMS)]


def _places(form: Form, data: bytes) -> Iterator[tuple[int, int, bool]]:
    """Each place where a form's pattern is, and whether the form is; what only looks like it hides nothing that begins inside of it."""
    pattern = _alone(form.pattern)
    group = pattern.groups
    at: int | None = 0
    while at is not None:
        matches = pattern.finditer(data, at)
        at = None
        for found in matches:
            start, end = found.span(group)
            free = bool(group) or _stands_free(data, start)
            is_one = free and data[end : end + 1] not in _CALLS and form.check(data[start:end])
            yield start, end, is_one
            if group and not is_one:
                # A credential at the very beginning has only the beginning before it: from there it would be found for ever.
                at = max(start, 1)
                break


def _stands_free(data: bytes, start: int) -> bool:
    """Whether what begins there is not the end of a longer word."""
    before = data[start - 1 : start]
    if not before.isalnum() and before != b"_":
        return True
    return _ESCAPE.search(data[max(0, start - _LONGEST_ESCAPE) : start]) is not None


def _options(memory: int) -> re2.Options:
    """Bytes are letters of Latin-1, and nothing is written to standard error."""
    options = re2.Options()
    options.max_mem = memory
    options.log_errors = False
    options.encoding = re2.Options.Encoding.LATIN1
    return options


@cache
def _leads() -> re2.Set:
    """The leads of all forms as one automaton, and one more that is always there: an answer without it is no answer."""
    made = re2.Set.SearchSet(_options(_MEMORY))
    for form in FORMS:
        made.Add(form.lead.encode())
    made.Add(_ALWAYS.encode())
    made.Compile()
    return made


@cache
def _alone(pattern: str) -> re2._Regexp:
    return re2.compile(pattern.encode(), _options(_MEMORY_OF_ONE))
