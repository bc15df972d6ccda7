"""What recorded values of one field bound it to: a constant, a list, a range, or a beginning that can't be left again.

A beginning is only taken of paths and addresses, component by component, and only together with a refusal of everything by which what follows
could lead elsewhere. A text that is long or free of form is not bounded at all, and said to be so.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum, unique
from typing import Any

from aaf.domain.canonical import Json
from aaf.policy.operands import amounts, folders, hosts
from aaf.policy.operands.answers import Absent
from aaf.policy.schemas import Kind

FEW = 8
"""Values that are listed one by one."""
MANY = 50
"""Values that are listed where nothing wider will do."""
LONGEST = 200
"""Characters of a value that is written into a rule."""
_FEW_NUMBERS = 3
_DECIMAL = re.compile(r"-?[0-9]{1,64}(\.[0-9]{1,64})?")
_ORIGIN = re.compile(r"https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?/")
_PATH = re.compile(r"/?[^/\\%\x00-\x1f]+(/[^/\\%\x00-\x1f]+)*/?")
_HOST = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_SUFFIXES = frozenset({"ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org"})
"""Second-level labels beneath which anybody may register."""
_TYPES: dict[Kind | None, tuple[type, ...]] = {Kind.FLAG: (bool,), Kind.NUMBER: (int, float), Kind.TEXT: (str,)}
"""Types that a comparable field holds; what was recorded under another schema may have others."""
_OUT_OF_PATH = ("..", "//", "\\", "%")
_OUT_OF_ADDRESS = ("..", "\\", "%2e", "%2E", "%2f", "%2F", "%5c", "%5C")
_OUT_OF_NAME = ("/", ":")
"""What makes a URL, or adds a port, where only names of hosts were seen."""
_OUT_OF_HOST = ("/", "\\", "@", ":", "?", "#", "%", " ")


@unique
class Mode(StrEnum):
    """How far a bound may go beyond what was seen."""

    WIDE = "wide"
    EXACT = "exact"
    """Only the values themselves, as far as they can be listed."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The conditions on one field, as a part of `match`; `absent` says that it was never there."""

    match: dict[str, Json] = field(default_factory=dict)
    weight: float = 0.0
    absent: bool = False
    unlimited: bool = False


def width(bound: Bound) -> float:
    """How much a bound lets through beyond one value, roughly: 0 for a constant, 5 for anything."""
    return bound.weight


def bound_of(
    name: str, values: Sequence[Any], kind: Kind | None, mode: Mode, *, comparable: bool, amount: bool
) -> Bound:
    """What `values` of the field `name` bound it to; `Absent` stands where there was none. `amount` asks for a range of decimals."""
    there = [value for value in values if value is not Absent.MISSING]
    if not there:
        return Bound({name: {"exists": False}}, absent=True)
    optional = len(there) < len(values)
    if not comparable:
        present: dict[str, Json] = {} if optional else {name: {"exists": True}}
        return Bound(present, 1.0 if optional else 0.0, unlimited=kind is not Kind.SECRET)
    choices, weight = _choices(name, there, kind, mode, amount=amount)
    if choices is None:
        return Bound({} if optional else {name: {"exists": True}}, 5.0, unlimited=True)
    if optional:
        choices, weight = [{name: {"exists": False}}, *choices], weight + 1
    if len(choices) == 1:
        return Bound(choices[0], weight)
    return Bound({"any": [*choices]}, weight)


def _choices(
    name: str, values: list[Any], kind: Kind | None, mode: Mode, *, amount: bool
) -> tuple[list[dict[str, Json]] | None, float]:
    """Alternatives one of which holds of each value, and how wide they are; None where nothing bounds them."""
    if not all(value is None or (value.__class__ in _TYPES.get(kind, ())) for value in values):
        return None, 5.0
    distinct = list({(type(value), value): value for value in values}.values())
    said = [value for value in distinct if value is not None]
    null: list[dict[str, Json]] = [{name: {"eq": None}}] if len(said) < len(distinct) else []
    if any(isinstance(value, str) and not _writable(value) for value in said):
        return None, 5.0
    listed = _listed(name, said)
    if len(said) <= 1:
        return [*null, *listed], float(len(null))
    if mode is Mode.EXACT and len(said) <= MANY:
        return [*null, *listed], 1.0
    numbers = kind is Kind.NUMBER and len(said) > _FEW_NUMBERS
    decimals = kind is Kind.TEXT and all(_DECIMAL.fullmatch(value) for value in said)
    if numbers or (decimals and (amount or len(said) > FEW)):
        least, most = (min(said, key=Decimal), max(said, key=Decimal)) if decimals else (min(said), max(said))
        return [*null, {name: {"gte": least, "lte": most}}], 2.0
    if len(said) <= FEW:
        return [*null, *listed], 1.0
    begun = _beginnings(name, said) if kind is Kind.TEXT else None
    return (None, 5.0) if begun is None else ([*null, *begun], 3.0)


def _writable(text: str) -> bool:
    """Whether a value can stand in a rule for people to read."""
    return len(text) <= LONGEST and text != "" and text.isprintable()


def _listed(name: str, said: list[Any]) -> list[dict[str, Json]]:
    if not said:
        return []
    return [{name: {"eq": said[0]}}] if len(said) == 1 else [{name: {"in": sorted(said)}}]


def _beginnings(name: str, said: list[str]) -> list[dict[str, Json]] | None:
    """Beginnings or an ending that all values have, safe to go on from; None where there is none."""
    origins = [_ORIGIN.match(value) for value in said]
    if all(origins):
        groups: dict[str, list[str]] = {}
        for value, origin in zip(said, origins, strict=True):
            groups.setdefault(origin[0] if origin else "", []).append(value)
        if len(groups) > FEW or any(piece in value for value in said for piece in _OUT_OF_ADDRESS):
            return None
        begun = [origin + _shared([value[len(origin) :] for value in values]) for origin, values in groups.items()]
        return [_address(name, one) for one in sorted(begun)]
    if all(_HOST.fullmatch(value) for value in said):
        return _domain(name, said)
    if all(_PATH.fullmatch(value) for value in said) and not any(".." in value for value in said):
        shared = _shared(said)
        # A slash alone is no place, and what isn't beneath one may be anything.
        return [_folder(name, shared)] if shared.strip("/") else None
    return None


def _shared(paths: list[str]) -> str:
    """The components that all paths begin with, each with the slash behind it; never the last one of any."""
    heads = [re.split("[?#]", path, maxsplit=1)[0].split("/")[:-1] for path in paths]
    shared: list[str] = []
    for parts in zip(*heads, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return "".join(f"{part}/" for part in shared)


def _address(name: str, start: str) -> dict[str, Json]:
    """A beginning, and the host as the one who calls it reads it, if a rule can name it."""
    host = start.partition("://")[2].partition("/")[0]
    asked: dict[str, Json] = {"starts_with": start} if hosts.misfit(host) else {"host": host, "starts_with": start}
    return {name: asked, "not": _none_of(name, _OUT_OF_ADDRESS)}


def _folder(name: str, shared: str) -> dict[str, Json]:
    """What lies beneath the folder, name by name; a beginning where that says less."""
    folder = shared.rstrip("/")
    if folders.misfit(folder):
        return {name: {"starts_with": shared}, "not": _none_of(name, _OUT_OF_PATH)}
    # Whoever decodes what it is given would read another path.
    return {name: {"under": folder}, "not": {name: {"contains": "%"}}}


def _none_of(name: str, pieces: tuple[str, ...]) -> Json:
    return {"any": [{name: {"contains": piece}} for piece in pieces]}


def of_amount(value: Bound, currency: Bound, paths: tuple[str, str]) -> dict[str, Json] | None:
    """A range of a declared amount in its one currency, which leaves no other; None where they are no such range. `paths` are their fields."""
    asked, unit = value.match.get(paths[0]), currency.match.get(paths[1])
    if len(value.match) != 1 or not isinstance(asked, dict) or asked.keys() != {"gte", "lte"}:
        return None
    known = unit.get("eq") if len(currency.match) == 1 and isinstance(unit, dict) else None
    return {**asked, "currency": known} if isinstance(known, str) and known in amounts.CURRENCIES else None


def _domain(name: str, said: list[str]) -> list[dict[str, Json]] | None:
    """The labels that all hosts end with, if those are a domain of somebody's own and not all of any host."""
    labels = [value.split(".")[::-1] for value in said]
    shared: list[str] = []
    for parts in zip(*(one[:-1] for one in labels), strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    if len(shared) < 2 or (len(shared) == 2 and shared[1] in _SUFFIXES):  # noqa: PLR2004 - a name and what it is registered under
        return None
    domain = ".".join(reversed(shared))
    if hosts.misfit(f"*.{domain}"):
        return [{name: {"ends_with": f".{domain}"}, "not": _none_of(name, _OUT_OF_HOST)}]
    return [{name: {"host": f"*.{domain}"}, "not": _none_of(name, _OUT_OF_NAME)}]
