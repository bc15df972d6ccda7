"""What a decision of a module may look like: a word, or an object with one of `action`, `decision` and `result`.

The same reader holds literal decisions to it when a module is published and every answer when it is given, so that the two can't drift
apart. An unknown key or word is a fault, never ignored: a misspelt `approval_config` would otherwise ask less than was meant.
"""

from dataclasses import dataclass

from aaf.domain.canonical import Json
from aaf.domain.decision import Requirement, Verdict
from aaf.policy.catalogue import Risk
from aaf.policy.positioned import Faults, Node
from aaf.policy.reading import Section, choose
from aaf.policy.rules import read_requirement

VERDICT_KEYS = ("action", "decision", "result")
MAX_REASON = 500
_QUORUM = ("required_approvers", "min_approvals")
_HOURS = "timeout_hours"
CONFIG_KEYS = frozenset({"approvers", "on_timeout", "quorum", "reason_required", "timeout", _HOURS, *_QUORUM})
"""What `approval_config` may hold."""

_MAX_HOURS = 720


@dataclass(frozen=True, slots=True)
class Output:
    """A decision as a module gave it; `risk` is empty where it says nothing of it."""

    verdict: Verdict
    reason: str = ""
    risk: str = ""
    requirement: Requirement | None = None


def as_node(value: Json, place: tuple[int, int] = (0, 0)) -> Node:
    """A JSON value as the readers of configuration take it, all of it at one place."""
    match value:
        case dict():
            fields = {str(name): as_node(inner, place) for name, inner in value.items()}
            return Node(fields, *place, place)
        case list():
            return Node([as_node(item, place) for item in value], *place, place)
        case _:
            return Node(value, *place, place)


def read_output(node: Node, defaults: Requirement, faults: Faults, *, present: frozenset[str] = frozenset()) -> Output:
    """Read one decision; `present` are keys that are there with a value that isn't known yet.

    What is wrong is in `faults`, and the output is then a deny.
    """
    if not isinstance(node.value, dict):
        word = choose(node, Verdict, Verdict.DENY, "a decision", faults)
        return Output(word, requirement=defaults if word is Verdict.REQUIRE_APPROVAL else None)
    section = Section(node, "the decision", faults)
    verdict = _verdict(section, present, faults)
    reason = section.text("reason")
    if len(reason) > MAX_REASON:
        faults.at(node, f"`reason` has more than {MAX_REASON} characters", "say it shorter")
    stated = section.take("risk_level")
    risk = "" if stated is None else choose(stated, Risk, Risk.CRITICAL, "`risk_level`", faults).value
    requirement = None
    config = section.section("approval_config", "approval_config")
    if config is not None and verdict in (None, Verdict.REQUIRE_APPROVAL):
        requirement = _requirement(config.node, defaults, faults)
    elif config is not None:
        hint = "leave it out, or change the decision"
        faults.at_key(config.node, "`approval_config` goes with require_approval only", hint)
    elif verdict is Verdict.REQUIRE_APPROVAL:
        requirement = defaults
    section.close()
    return Output(verdict or Verdict.DENY, reason, risk, requirement)


def _verdict(section: Section, present: frozenset[str], faults: Faults) -> Verdict | None:
    """The word under one of the three keys; None where it isn't known yet, or where there isn't just one."""
    stated = [(key, node) for key in VERDICT_KEYS if (node := section.take(key)) is not None]
    unknown = present.intersection(VERDICT_KEYS)
    if len(stated) + len(unknown) != 1:
        found = " and ".join(f"`{key}`" for key in sorted({key for key, _ in stated} | unknown)) or "none of them"
        faults.at(section.node, f"a decision has one of `action`, `decision` and `result`; here is {found}")
    return choose(stated[0][1], Verdict, Verdict.DENY, f"`{stated[0][0]}`", faults) if stated else None


def _requirement(node: Node, defaults: Requirement, faults: Faults) -> Requirement:
    """`approval_config` in the words of configuration, and in those of Rego policies elsewhere."""
    if not isinstance(node.value, dict):
        return read_requirement(Section(node, "approval_config", faults), defaults)
    fields = dict(node.value)
    for other in _QUORUM:
        _rename(fields, other, "quorum", faults)
    hours = fields.get(_HOURS)
    if hours is not None:
        if type(hours.value) is not int or not 0 < hours.value <= _MAX_HOURS:
            faults.at(hours, f"`{_HOURS}` must be a whole number from 1 to {_MAX_HOURS}")
            fields.pop(_HOURS)
        else:
            fields[_HOURS] = Node(f"{hours.value}h", hours.line, hours.column, hours.key)
            _rename(fields, _HOURS, "timeout", faults)
    return read_requirement(
        Section(Node(fields, node.line, node.column, node.key), "approval_config", faults), defaults
    )


def _rename(fields: dict[str, Node], other: str, name: str, faults: Faults) -> None:
    """Take `other` for `name`, unless both are there."""
    node = fields.pop(other, None)
    if node is None:
        return
    if name in fields:
        faults.at_key(node, f"`{other}` says again what `{name}` says", "leave one of them out")
    fields.setdefault(name, node)
