"""Case files: YAML in which every key is known and everything has its place.

A file is a mapping of `cases`, and of `given` for what all of them have in common. A case may have `each`, a list of variations: every one of
them is a case, with what it says laid over the rest. Nothing is judged here, and what is wrong with one case doesn't hide the others.
"""

from collections.abc import Iterator, Mapping

from aaf.domain.canonical import Json
from aaf.domain.decision import Verdict
from aaf.domain.errors import Code
from aaf.domain.instants import read as read_instant
from aaf.policy.cases import AGENT, NOON, REFUSED, Case, Expected, Given
from aaf.policy.catalogue import Risk
from aaf.policy.checking import FINDINGS
from aaf.policy.positioned import Faults, Node, parse
from aaf.policy.reading import Section, did_you_mean
from aaf.policy.rules import MAX_QUORUM

MAX_CASES = 10_000
"""Cases of one file, variations counted."""
_BODY = ("action", "context", "operation", "params", "server", "tool")
_DECISIONS = (*(verdict.value for verdict in Verdict), REFUSED)
_CODES = frozenset(code.value for code in Code)
_EMPTY = Node({}, 0, 0)


def read_cases(data: bytes, faults: Faults) -> tuple[Case, ...]:
    """The cases of one file; where anything is wrong with it, `faults` says what, and the cases are not to be used."""
    root = parse(data, faults)
    if root is None:
        return ()
    section = Section(root, "a case file", faults)
    shared = section.take("given")
    nodes = section.nodes("cases", "cases")
    section.take("cases", required=True)
    section.close()
    if section.take("cases") is not None and not nodes:
        faults.at(root, "the file has no case", "add one, or remove the file")
    found: list[Case] = []
    names: dict[str, int] = {}
    for node in nodes:
        for case in _read(node, shared, faults):
            if len(found) == MAX_CASES:
                faults.at(node, f"a file has at most {MAX_CASES} cases", "split it")
                return tuple(found)
            if case.name in names:
                hint = f"the first is at line {names[case.name]}"
                faults.at(node, f"a second case is named `{case.name}`", hint)
            names.setdefault(case.name, case.line)
            found.append(case)
    return tuple(found)


def _read(node: Node, shared: Node | None, faults: Faults) -> Iterator[Case]:
    """The cases that one item is."""
    section = Section(node, "a case", faults)
    name = section.text("name", required=True)
    section.what = f"case {name}" if name else section.what
    given, expected = _over(shared, section.take("given")), section.take("expect")
    varied = section.take("each")
    variations = section.nodes("each", "variations")
    section.close()
    if varied is None:
        yield _case(node, name, given, expected, section, faults)
        return
    if isinstance(varied.value, list) and not variations:
        faults.at(varied, "`each` lists nothing", "add a variation, or leave it out")
    for number, one in enumerate(variations, 1):
        inner = Section(one, f"variation {number} of {section.what}", faults)
        more = inner.text("name")
        what, out = _over(given, inner.take("given")), _over(expected, inner.take("expect"))
        inner.close()
        yield _case(one, f"{name} ({more or number})", what, out, inner, faults)


def _case(node: Node, name: str, given: Node | None, expected: Node | None, section: Section, faults: Faults) -> Case:
    if given is None:
        faults.at(node, f"{section.what} lacks `given`", "add `given:` with an action")
    if expected is None:
        faults.at(node, f"{section.what} lacks `expect`", "add `expect:` with a decision")
    asked = _given(Section(given, "given", faults), faults) if given is not None else Given({})
    wanted = _expected(Section(expected, "expect", faults), faults) if expected is not None else Expected(REFUSED)
    return Case(faults.file, node.line, name, asked, wanted)


def _over(below: Node | None, above: Node | None) -> Node | None:
    """What `above` says laid over `below`: mappings key by key, anything else in its place."""
    if below is None or above is None:
        return below if above is None else above
    if not isinstance(below.value, dict) or not isinstance(above.value, dict):
        return above
    merged: dict[str, Node] = dict(below.value)
    for key, node in above.value.items():
        merged[key] = _over(merged.get(key), node) or node
    # An action has one name: who says it one way takes back the other.
    if "action" in above.value:
        merged = {key: node for key, node in merged.items() if key not in ("operation", "tool")}
    elif {"operation", "tool"} & above.value.keys():
        merged.pop("action", None)
    return Node(merged, above.line, above.column, above.key)


def _given(section: Section, faults: Faults) -> Given:
    body: dict[str, Json] = {}
    for key in _BODY:
        node = section.take(key)
        if node is not None:
            body[key] = node.plain()
    named, halves = "action" in body, {"operation", "tool"} & body.keys()
    if isinstance(section.node.value, dict) and (named == bool(halves) or len(halves) == 1):
        faults.at(section.node, "`given` names an action once", "write action: files.read, or tool and operation")
    agent = section.section("agent", "agent")
    name, agent_id, roles = "agent", AGENT, [("agent", _EMPTY)]
    if agent is not None:
        name = agent.text("name", name)
        agent_id = agent.text("id", agent_id)
        roles = agent.texts("roles", ["agent"])
        agent.close()
    session = section.section("session", "session")
    labels: list[tuple[str, Node]] = []
    if session is not None:
        labels = session.texts("labels")
        session.close()
    given = Given(
        body=body,
        agent=name,
        agent_id=agent_id,
        roles=frozenset(role for role, _ in roles),
        time=_time(section, faults),
        findings=_findings(section, faults),
        risk=section.choice("risk", Risk, Risk.LOW),
        labels=frozenset(label for label, _ in labels),
        counters=_counters(section, faults),
    )
    section.close()
    return given


def _findings(section: Section, faults: Faults) -> tuple[str, ...]:
    found = section.texts("findings")
    for code, node in found:
        if code not in FINDINGS:
            faults.at(node, f"there is no finding `{code[:64]}`", did_you_mean(code, FINDINGS))
    return tuple(code for code, _ in found)


def _time(section: Section, faults: Faults) -> int:
    text, node = section.text("time"), section.take("time")
    if node is None or not text:
        return NOON
    try:
        return read_instant(text)
    except ValueError:
        faults.at(node, "`time` is no instant", "write it like 2026-01-05T12:00:00Z, with Z or an offset")
        return NOON


def _counters(section: Section, faults: Faults) -> Mapping[str, int]:
    inner = section.section("counters", "counters")
    found: dict[str, int] = {}
    for name, node in inner.rest() if inner is not None else ():
        if type(node.value) is not int or node.value < 0:
            faults.at(node, "a counter is a whole number", "such as agent_rate_exceeded: 1")
        else:
            found[name] = node.value
    return found


def _expected(section: Section, faults: Faults) -> Expected:
    decision, node = section.text("decision", required=True), section.take("decision")
    if node is not None and decision and decision not in _DECISIONS:
        faults.at(node, f"`decision` can't be `{decision[:64]}`", did_you_mean(decision, _DECISIONS))
    code, stated = section.text("code") or None, section.take("code")
    if stated is not None and code is not None and code not in _CODES:
        faults.at(stated, f"there is no code `{code[:64]}`", did_you_mean(code, _CODES))
    held = [key for key in ("approvers", "quorum") if section.take(key) is not None]
    for key in held if decision in _DECISIONS and decision != Verdict.REQUIRE_APPROVAL else ():
        where = section.take(key) or section.node
        faults.at_key(where, f"`{key}` goes with require_approval only", "leave it out, or expect another decision")
    expected = Expected(
        decision=decision,
        code=code,
        reasons=_names(section, "reasons"),
        risk=section.choice("risk", Risk, Risk.LOW).value if section.take("risk") is not None else None,
        approvers=_names(section, "approvers"),
        quorum=section.whole("quorum", 1, least=1, most=MAX_QUORUM) if "quorum" in held else None,
    )
    section.close()
    return expected


def _names(section: Section, key: str) -> frozenset[str] | None:
    return None if section.take(key) is None else frozenset(name for name, _ in section.texts(key))
