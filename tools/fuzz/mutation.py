"""Changes bytes: flips, cuts, doubles, splices, nests."""

from collections.abc import Sequence
from random import Random

_MOST = 32_768
"""Bytes of an input after changes."""


def changed(random: Random, data: bytes, tokens: Sequence[bytes], corpus: Sequence[bytes]) -> bytes:
    """`data` after one to six changes."""
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        data = _once(random, data, tokens, corpus)
    return data[:_MOST]


def _once(random: Random, data: bytes, tokens: Sequence[bytes], corpus: Sequence[bytes]) -> bytes:  # noqa: PLR0911
    at = random.randrange(len(data) + 1)
    to = min(len(data), at + int(random.expovariate(0.1)) + 1)
    match random.randrange(9):
        case 0:  # another byte
            return data[:at] + random.randbytes(1) + data[at + 1 :]
        case 1:  # one bit
            return data[:at] + bytes(byte ^ 1 << random.randrange(8) for byte in data[at : at + 1]) + data[at + 1 :]
        case 2:
            return data[:at] + data[to:]
        case 3:
            return data[:at] + random.choice(tokens) + data[at:]
        case 4:
            return data[:at] + random.choice(tokens) + data[to:]
        case 5:  # the same once more, or many times
            return data[:at] + data[at:to] * random.choice((2, 2, 3, 100)) + data[to:]
        case 6:  # the end of something else
            other = random.choice(corpus)
            return data[:at] + other[random.randrange(len(other) + 1) :]
        case 7:
            return data[:at]
        case _:  # nesting
            opening, closing = random.choice(((b"(", b")"), (b"[", b"]"), (b"{", b"}"), (b"not ", b""), (b"-", b"")))
            depth = random.choice((1, 3, 30, 300, 3_000))
            return data[:at] + opening * depth + data[at:to] + closing * depth + data[to:]
