"""The action types that exist: what each takes, touches and risks. What isn't here is unknown, and unknown is denied.

An entry is pinned by its hash wherever somebody approved it. Nothing is inferred: a target, an amount or a secret that the schema
doesn't declare is a problem at load, and what an approver must see can't be declared secret.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum, unique
from typing import Any

from aaf.domain.canonical import Json, canonical
from aaf.domain.redaction import Fields, touches
from aaf.policy.positioned import Faults, Node
from aaf.policy.reading import Section, did_you_mean
from aaf.policy.schema_reading import read_schema
from aaf.policy.schemas import Kind, Schema

MAX_NAME = 128
SUFFIX = ".action.do"
"""`email.send.action.do` is the long form of `email.send`."""

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_HANDLE = re.compile(r"[a-z][a-z0-9_]{0,63}")


@unique
class ActionClass(StrEnum):
    """What kind of effect an action has."""

    CODE_EXECUTION = "code_execution"
    CONFIG_CHANGE = "config_change"
    EXTERNAL_API_CALL = "external_api_call"
    FILE_DELETE = "file_delete"
    FILE_WRITE = "file_write"
    GUI_CONTROL = "gui_control"
    OTHER = "other"
    PAYMENT = "payment"
    READ = "read"
    SHELL_COMMAND = "shell_command"


@unique
class Risk(StrEnum):
    """How bad it could be; the catalogue gives the floor, analysis can only raise it."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def level(self) -> int:
        """0 for low up to 3 for critical."""
        return _LEVELS[self]


_LEVELS = {risk: level for level, risk in enumerate(Risk)}


@unique
class Trust(StrEnum):
    """What the results of an action bring into a session."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"


@dataclass(frozen=True, slots=True)
class Entry:
    """One action type. Paths are dotted and begin with `params.`; `effect` is a connector's name or `caller`."""

    name: str
    klass: ActionClass
    risk: Risk
    input: Schema
    output: Schema | None = None
    targets: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    amount: tuple[str, str] | None = None
    secrets: tuple[str, ...] = ()
    reversible: bool = False
    idempotent: bool = False
    effect: str = "caller"
    trust: Trust = Trust.UNTRUSTED
    run_when_approved: bool = False
    description: str = ""
    hash: str = field(init=False, compare=False, default="")

    def __post_init__(self) -> None:
        """Pin everything that was declared."""
        object.__setattr__(self, "hash", hashlib.sha256(canonical(self.to_json())).hexdigest())

    @property
    def tool(self) -> str:
        """What stands before the last dot."""
        return self.name.rpartition(".")[0]

    @property
    def operation(self) -> str:
        """What stands after the last dot."""
        return self.name.rpartition(".")[2]

    def kind(self, path: str) -> Kind | None:
        """The kind of a declared parameter, `path` without `params.`; None where this action has no such field."""
        if any(touches(f"params.{path}", hidden) for hidden in self.secret):
            return None if self.input.kind(path) is None else Kind.SECRET
        return self.input.kind(path)

    @property
    def always_shown(self) -> tuple[str, ...]:
        """The paths that an approver has to see, whatever they are called."""
        return (*self.targets, *(self.amount or ()))

    def to_json(self) -> dict[str, Json]:
        """As stored, and as hashed."""
        return {
            "amount": list(self.amount) if self.amount else None,
            "class": self.klass,
            "description": self.description,
            "effect": self.effect,
            "idempotent": self.idempotent,
            "input": self.input.document,
            "name": self.name,
            "output": self.output.document if self.output else None,
            "reversible": self.reversible,
            "risk": self.risk,
            "run_when_approved": self.run_when_approved,
            "secret": list(self.secret),
            "secrets": list(self.secrets),
            "targets": list(self.targets),
            "trust": self.trust,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Entry":
        """What `to_json` stored, without validating it again."""
        return cls(
            name=stored["name"],
            klass=ActionClass(stored["class"]),
            risk=Risk(stored["risk"]),
            input=Schema(stored["input"]),
            output=Schema(stored["output"]) if stored["output"] else None,
            targets=tuple(stored["targets"]),
            secret=tuple(stored["secret"]),
            amount=(stored["amount"][0], stored["amount"][1]) if stored["amount"] else None,
            secrets=tuple(stored["secrets"]),
            reversible=stored["reversible"],
            idempotent=stored["idempotent"],
            effect=stored["effect"],
            trust=Trust(stored["trust"]),
            run_when_approved=stored["run_when_approved"],
            description=stored["description"],
        )


class Catalogue(Mapping[str, Entry]):
    """The entries by name, in order of names."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Keep the entries."""
        self._entries = {entry.name: entry for entry in sorted(entries, key=lambda entry: entry.name)}

    def __getitem__(self, name: str) -> Entry:
        """The entry of this exact name."""
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._entries)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._entries)


def hide_named(entry: Entry, names: Fields) -> tuple[Entry, tuple[str, ...]]:
    """The entry with every declared parameter of these names secret too, and the ones that can't be: targets and amounts stay shown."""
    named = [f"params.{path}" for path in entry.input.paths() if path.rpartition(".")[2] in names]
    kept = tuple(path for path in named if any(touches(path, one) for one in entry.always_shown))
    more = tuple(path for path in named if path not in kept and path not in entry.secret)
    return (replace(entry, secret=(*entry.secret, *more)) if more else entry), kept


def short_name(name: str) -> str:
    """`email.send` for both `email.send` and its long form."""
    return name.removesuffix(SUFFIX)


def read_entry(node: Node, faults: Faults) -> Entry | None:
    """One file of `actions/`, or None where `faults` says what is wrong with it."""
    before = len(faults.problems)
    section = Section(node, "the action type", faults)
    name = _name(section)
    klass = section.choice("class", ActionClass, ActionClass.OTHER, required=True)
    risk = section.choice("risk", Risk, Risk.HIGH, required=True)
    description = section.text("description")
    given, wanted = section.take("input", required=True), section.take("output")
    taken = read_schema(given, faults) if given else None
    output = read_schema(wanted, faults) if wanted else None
    targets = section.texts("targets")
    secret = section.texts("secret")
    amount = _amount(section)
    if taken is not None:
        for path, place in (*targets, *secret, *amount):
            _declared(path, place, taken, faults)
        if amount:
            _is_decimal_text(amount[0], taken, faults)
    shown = {path for path, _ in (*targets, *amount)}
    above = {step for path in shown for step in _steps(path)}
    for path, place in secret:
        if path in above or not shown.isdisjoint(_steps(path)):
            faults.at(
                place, f"`{path}` is a target or an amount, which an approver must see", "take it out of one of the two"
            )
    secrets = section.texts("secrets")
    for handle, place in secrets:
        if not _HANDLE.fullmatch(handle):
            faults.at(place, "a secret's handle is lower case letters, digits and _", "such as smtp_password")
    effect = _effect(section)
    trust = section.choice("trust", Trust, Trust.UNTRUSTED)
    reversible, idempotent = section.flag("reversible"), section.flag("idempotent")
    run_when_approved = section.flag("run_when_approved")
    section.close()
    if taken is None or len(faults.problems) > before:
        return None
    return Entry(
        name=name,
        klass=klass,
        risk=risk,
        input=taken,
        output=output,
        targets=tuple(path for path, _ in targets),
        secret=tuple(path for path, _ in secret),
        amount=(amount[0][0], amount[1][0]) if amount else None,
        secrets=tuple(handle for handle, _ in secrets),
        reversible=reversible,
        idempotent=idempotent,
        effect=effect,
        trust=trust,
        run_when_approved=run_when_approved,
        description=description,
    )


def _name(section: Section) -> str:
    name = section.text("name", required=True)
    node = section.take("name")
    if node is not None and isinstance(node.value, str):
        if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
            section.faults.at(
                node, "a name is lowercase words with dots between, at most 128 characters", "such as email.send"
            )
        elif name.endswith(SUFFIX):
            section.faults.at(node, f"the ending {SUFFIX} is understood by itself", f"write {short_name(name)}")
    return name


def _amount(section: Section) -> list[tuple[str, Node]]:
    """Value and currency with their places, or nothing."""
    inner = section.section("amount", "amount")
    if inner is None:
        return []
    found: list[tuple[str, Node]] = []
    for key in ("value", "currency"):
        path, place = inner.text(key, required=True), inner.take(key)
        if path and place:
            found.append((path, place))
    inner.close()
    return found if len(found) == 2 else []  # noqa: PLR2004 - value and currency


def _declared(path: str, place: Node, schema: Schema, faults: Faults) -> None:
    if not path.startswith("params.") or schema.kind(path.removeprefix("params.")) is None:
        known = (f"params.{name}" for name in schema.paths())
        faults.at(place, f"`{path}` is not declared by the input schema", did_you_mean(path, known))


def _is_decimal_text(value: tuple[str, Node], schema: Schema, faults: Faults) -> None:
    if schema.kind(value[0].removeprefix("params.")) not in (Kind.TEXT, None):
        faults.at(value[1], "an amount is a decimal string", 'declare it `type: string`, so that "100.00" stays exact')


def _effect(section: Section) -> str:
    node = section.take("effect", required=True)
    if node is None or node.value == "caller":
        return "caller"
    if not isinstance(node.value, dict):
        section.faults.at(
            node, "`effect` is `caller` or a connector", "write effect: caller, or effect: {connector: files}"
        )
        return "caller"
    inner = Section(node, "effect", section.faults)
    connector = inner.text("connector", required=True)
    if connector == "caller":
        section.faults.at(node, "`caller` is no connector", "write effect: caller")
    inner.close()
    return connector


def _steps(path: str) -> Iterator[str]:
    """The path, and everything that it lies beneath."""
    while path:
        yield path
        path = path.rpartition(".")[0]
