"""Values that the operators which read a text, or look into a list, suggest: a listed host, an address, a place beneath a folder, items.

Each is a value and the words for it. Nothing here is more than a suggestion: whether it fits and what it changes, others find out.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aaf.domain.canonical import Json
from aaf.policy.operands import hosts, lists, networks
from aaf.policy.operators import Op

MAX_ADDED = 8
"""Items by which a list is made longer."""

Suggested = tuple[Json, str]
_URL = re.compile(r"([a-z][a-z0-9+.-]*://)(\[[^\]/?#]*\]|[^/?#:@]*)(:[0-9]{1,5})?(?=[/?#]|$)", re.IGNORECASE)
_ORDERS = frozenset({Op.GT, Op.GTE, Op.LT, Op.LTE})


def at_host(operand: str, now: str) -> Iterator[Suggested]:
    """A host that the pattern lists; in a URL its place is taken, and all else stays. Of a wildcard, `www` beneath it."""
    labels, below, number = hosts.named(operand)[0]
    host = ".".join(reversed(labels))
    host = f"[{host}]" if ":" in host else f"www.{host}" if below else host
    port = "" if number is None else f":{number}"
    yield _placed(host, port, now), f'at the host "{operand}"'


def in_network(operand: str, now: str) -> Iterator[Suggested]:
    """The first address of the network that a machine may have."""
    network = networks.networks(operand)[0]
    first = network[1] if network.num_addresses > 2 else network[0]  # noqa: PLR2004 - the first one names the network
    if now != str(first):
        yield str(first), f'in the network "{operand}"'


def _placed(host: str, port: str, now: str) -> str:
    found = _URL.match(now)
    if found is None:
        return f"{host}{port}"
    return f"{found[1]}{host}{port or found[3] or ''}{now[found.end() :]}"


def beneath(operand: str, now: str) -> Iterator[Suggested]:
    """The last name of the path beneath the folder."""
    last = now.rstrip("/").rpartition("/")[2]
    last = "x" if last in ("", ".", "..") else last
    folder = operand.rstrip("/")
    yield last if folder in (".", "") and not operand.startswith("/") else f"{folder}/{last}", f'beneath "{operand}"'


def resized(operand: Json, now: object) -> Iterator[Suggested]:
    """The list cut, or made longer by its last item, to the sizes about each bound."""
    if not isinstance(now, list):
        return
    for bound in _bounds(lists.tests(operand)):
        for size in (bound - 1, bound, bound + 1):
            if 0 <= size < len(now):
                yield now[:size], _items(size)
            elif now and len(now) < size <= len(now) + MAX_ADDED:
                yield [*now, *now[-1:] * (size - len(now))], _items(size)


def _items(size: int) -> str:
    return f"with {size} item{'' if size == 1 else 's'}"


def _bounds(tests: Iterable[tuple[str, Json]]) -> Iterator[int]:
    for _, one in tests:
        yield from (bound for bound in (one if isinstance(one, list) else [one]) if type(bound) is int)


def of_items(op: Op, operand: Json, now: object) -> Iterator[Suggested]:
    """A list with one more item, or without those that an inner test names; for `every`, the list of nothing else."""
    items: list[Json] = now if isinstance(now, list) else []
    for inner, one in lists.tests(operand):
        named: list[Json] = [*one] if isinstance(one, list) else [one]
        if inner not in {Op.EQ, Op.IN, Op.NE, Op.NOT_IN}:
            named = [made for value in named for made in _inner(inner, value, items)]
        elif any(item in named for item in items):
            yield [item for item in items if item not in named], f"without {_listed(named)}"
        if op is Op.EVERY and any(item in named for item in items):
            yield [item for item in items if item in named], f"with nothing but {_listed(named)}"
        yield from (([*items, value], f"with {said(value)}") for value in named if value not in items)
        yield from (([value], f"with nothing but {said(value)}") for value in named)


def _inner(inner: str, operand: Json, items: list[Json]) -> Iterator[Json]:
    """An item that an operator on texts, or an order of whole numbers, would be true of."""
    text = next((item for item in items if isinstance(item, str)), "")
    if isinstance(operand, str):
        made: Mapping[str, Any] = {Op.HOST: at_host, Op.CIDR: in_network, Op.UNDER: beneath}
        if inner in made:
            yield from (value for value, _ in made[inner](operand, text))
        elif inner == Op.STARTS_WITH:
            yield f"{operand}x"
        elif inner in {Op.ENDS_WITH, Op.CONTAINS}:
            yield f"x{operand}"
    elif type(operand) is int and inner in _ORDERS:
        yield from (operand - 1, operand, operand + 1)


def _listed(values: list[Json]) -> str:
    return " or ".join(map(said, values))


def said(value: Json) -> str:
    """A value as it is written in a file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)
