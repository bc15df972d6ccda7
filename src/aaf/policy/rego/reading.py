"""From the files of `policies/` to modules that may be published, or to everything that is wrong with them.

The engine accepting a module is no proof: it finds an unbound variable, an unknown function or a recursion only when a rule is reached, which
may be on the day when it matters. So the syntax tree is walked here, and what can't be understood is refused.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from aaf.domain.canonical import Json
from aaf.domain.decision import DEFAULT_REQUIREMENT, Requirement, Verdict
from aaf.policy.catalogue import Catalogue, Entry
from aaf.policy.positioned import Faults
from aaf.policy.reading import did_you_mean
from aaf.policy.rego.calls import check_calls
from aaf.policy.rego.checks import check_rules, strings, strings_of
from aaf.policy.rego.deciding import DECISION, DECISIONS, claims, literal_verdicts, output_of
from aaf.policy.rego.document import COUNTED, COUNTERS
from aaf.policy.rego.fields import Field, is_read_whole, look_up
from aaf.policy.rego.metadata import Header, read_header
from aaf.policy.rego.module import Dialect, Module
from aaf.policy.rego.outputs import read_output
from aaf.policy.rego.parsing import ModuleRefused, Parser
from aaf.policy.rego.rates import Rate, check_rates
from aaf.policy.rego.references import (
    Complaints,
    Links,
    Reference,
    RuleName,
    Unit,
    read_imports,
    read_rules,
    references,
)
from aaf.policy.rego.samples import FACTS, sample
from aaf.policy.rego.source import Source, read_source
from aaf.policy.rego.syntax import (
    NotConstant,
    Place,
    Text,
    Tree,
    Unfamiliar,
    begins,
    bounded,
    constant,
    expression,
)
from aaf.policy.rego.syntax import place as begins_at
from aaf.policy.rego.variables import TooMuchWork
from aaf.policy.rego.words import check_types, unknown_words

MAX_RULES = 2000
"""Rules of one module."""

_MAX_MESSAGE = 200
_NEWLINE, _BLANK = ord("\n"), ord(" ")
_IMPORTED = re.compile(r"\bimport[ \t]+rego\.v1\b")
_SUPPLIED = "".join(f" import future.keywords.{word}" for word in ("contains", "every", "if", "in"))
"""All of them: without its import the engine takes `if` for the name of another rule, and what stands before it for unconditional."""

_STRANGE = (AttributeError, IndexError, KeyError, RecursionError, TypeError, Unfamiliar, ValueError)
"""What walking down a tree of another form raises."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What modules are checked against; `complete` says that the whole catalogue could be read; `limits` are those that are judged, None if that isn't known."""

    catalogue: Catalogue
    approvals: Requirement = DEFAULT_REQUIREMENT
    complete: bool = True
    rate: Rate = Rate.UNKNOWN
    limits: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """One module read; `sent` is the text that the parser got."""

    source: Source
    header: Header
    dialect: Dialect
    sent: str
    defaults: Sequence[tuple[tuple[str, ...], Tree]]
    unit: Unit
    complaints: Complaints
    warnings: list[str] = field(default_factory=list)

    def shown(self, place: Place) -> Place:
        """A place of the parsed text in the file: behind the package stands what was added."""
        line, column = place
        at = self.source.place(self.header.end)
        added = len(self.sent) - len(self.source.text)
        return (line, column - added) if line == at[0] and column >= at[1] + added else place

    def warn(self, place: Place, what: str) -> None:
        """Note what is worth a second look; it doesn't keep the module from being published."""
        line, column = self.shown(place)
        self.warnings.append(f"{self.source.name}:{line}:{column}: {what}")


def read_modules(
    texts: Mapping[str, bytes], parser: Parser, around: Surroundings, faults: Faults
) -> tuple[Module, ...]:
    """Read and check the modules by their names; what is wrong is in `faults`, and then nothing can be published."""
    found = [_draft(data, parser, faults.of(name)) for name, data in texts.items()]
    drafts = [draft for draft in found if draft is not None]
    _check_libraries(drafts)
    links = Links(draft.unit for draft in drafts)
    by_rule: dict[tuple[str, tuple[str, ...]], list[Reference]] = {}
    for draft in drafts:
        with _walking(draft):
            links.check_imports(draft.unit, draft.complaints if len(drafts) == len(texts) else Complaints())
            for reference in references(draft.unit):
                by_rule.setdefault((draft.unit.name, reference.rule.path), []).append(reference)
                # A library that couldn't be read would only add false alarms about those who use it.
                links.check(draft.unit, reference, draft.complaints if len(drafts) == len(texts) else Complaints())
                if around.complete and reference.root == "input":
                    _check_field(draft, reference, around)
    circle = links.circle()
    for draft in drafts:
        with _walking(draft):
            if circle is not None and circle[0] == draft.unit.name:
                what = f"`{'.'.join(circle[1])}` leads back to itself"
                draft.complaints.add(circle[2], what, "rules and functions can't be recursive")
            _check(draft, around, by_rule, links)
    for draft in drafts:
        of_file = faults.of(draft.unit.name)
        for place, (message, hint) in sorted(draft.complaints.found.items()):
            of_file.add(draft.shown(place), message, hint)
    if any(draft.complaints.found for draft in drafts) or len(drafts) < len(texts):
        return ()
    modules: list[Module] = []
    for draft in drafts:
        try:
            modules.append(_cut(draft, parser))
        except (*_STRANGE, ModuleRefused):
            faults.of(draft.unit.name).add(
                (0, 0), "the default can't be taken out of the text", "write it on lines of its own"
            )
    return _tried_out(tuple(modules), parser, around, faults) if len(modules) == len(drafts) else ()


def _tried_out(modules: tuple[Module, ...], parser: Parser, around: Surroundings, faults: Faults) -> tuple[Module, ...]:
    """Ask every module once, all of them loaded: whatever can't be asked is a problem, and an error with a sample a warning."""
    asked = [(one, sample(one, around.catalogue.values())) for one in modules if not one.library]
    warned: dict[str, str] = {}
    broken = False
    for failure in parser.try_out(modules, asked, FACTS):
        broken = broken or failure.fatal
        name = failure.module or modules[0].name
        if failure.fatal:
            faults.of(name).add((0, 0), failure.message[:_MAX_MESSAGE], "write it simpler, or split it by tools")
        else:
            warned[name] = f"{name}:{failure.line}: {failure.message[:_MAX_MESSAGE]}"
    if broken:
        return ()
    return tuple(
        replace(one, warnings=(*one.warnings, warned[one.name])) if one.name in warned else one for one in modules
    )


@contextmanager
def _walking(draft: Draft) -> Iterator[None]:
    """Whatever goes wrong while a tree is walked refuses its module."""
    try:
        yield
    except _STRANGE:
        draft.complaints.add((1, 1), "this has a form that can't be checked", "write it more simply")
    except TooMuchWork:
        draft.complaints.add(
            (1, 1), "the rules are too entangled to be checked", "split long bodies into rules of their own"
        )


def sent_text(source: Source, end: int, dialect: Dialect) -> str:
    """The text as the engine gets it: behind the package, which ends at `end`, a v0 module is given the imports that it lacks."""
    added = _SUPPLIED if dialect is Dialect.V0 and not _IMPORTED.search(source.bare) else ""
    return source.text[:end] + added + source.text[end:]


def _draft(data: bytes, parser: Parser, faults: Faults) -> Draft | None:
    """Read one file as far as its tree."""
    source = read_source(data, faults)
    header = read_header(source, faults) if source is not None else None
    if source is None or header is None:
        return None
    refusals: list[ModuleRefused] = []
    for dialect in (header.dialect,) if header.dialect else (Dialect.V1, Dialect.V0):
        sent = sent_text(source, header.end, dialect)
        try:
            parsed = parser.parse(source.name, sent, dialect)
        except ModuleRefused as refused:
            refusals.append(refused)
            continue
        draft = _with_tree(source, header, dialect, sent, parsed)
        if draft is None:
            faults.add((0, 0), "the module has more parts than can be checked, or of an unknown form", "split it")
        return draft
    # The dialect that got farthest is the one that was meant.
    farthest = max(refusals, key=lambda refused: (refused.line, refused.column))
    tried = (
        f"read as {header.dialect}" if header.dialect else "read as v1 and as v0; `dialect` in the metadata chooses one"
    )
    # The engine counts columns from 0 in some of its refusals.
    where = (farthest.line, max(farthest.column, min(farthest.line, 1)))
    faults.add(where, f"not Rego: {farthest.message[:_MAX_MESSAGE]}", tried)
    return None


def _with_tree(source: Source, header: Header, dialect: Dialect, sent: str, parsed: Json) -> Draft | None:
    """What the tree says before anything is followed; None where it can't be walked."""
    if not bounded(parsed):
        return None
    text, complaints = Text(sent.encode()), Complaints()
    try:
        outer: Any = parsed[0] if isinstance(parsed, list) else parsed
        tree = outer["ast"]
        rules, defaults = read_rules(tree)
        unit = Unit(
            source.name,
            tuple(header.package.split(".")),
            text,
            tuple(rules),
            {path: begins_at(body) for path, body in defaults},
            read_imports(tree, text, complaints),
        )
    except _STRANGE:
        return None
    if len(rules) > MAX_RULES:
        complaints.add(rules[MAX_RULES].place, f"a module has at most {MAX_RULES} rules", "split it by tools")
    return Draft(source, header, dialect, sent, defaults, unit, complaints)


def _check_libraries(drafts: Iterable[Draft]) -> None:
    """Two files of one library would share rules, which modules don't."""
    first: dict[tuple[str, ...], str] = {}
    for draft in drafts:
        package = draft.unit.package
        if draft.unit.library and package in first:
            where = draft.source.place(draft.source.bare.index("package"))
            draft.complaints.add(where, f"{first[package]} has this package already", "a library is one file")
        first.setdefault(package, draft.unit.name)


def _check_field(draft: Draft, reference: Reference, around: Surroundings) -> None:
    """Whether a field of the input can be there."""
    header = draft.header
    if reference.path[:1] == (COUNTERS,):
        _check_counter(draft, reference, around)
        return
    entries = [entry for entry in around.catalogue.values() if _speaks_of(header, entry)]
    field, index, hint = look_up(reference.path, entries)
    where = reference.places[index] if index < len(reference.places) else reference.place
    stated = ".".join(("input", *(step or "…" for step in reference.path)))
    match field:
        case Field.FINE:
            if reference.taken and is_read_whole(reference.path):
                draft.warn(where, f"which fields of `{stated}` are read here can't be checked; name them")
        case Field.NOWHERE:
            draft.complaints.add(where, f"there is no `{stated}`", hint)
        case Field.SECRET:
            draft.complaints.add(where, f"`{stated}` is declared secret", hint)
        case Field.NO_PARAMETER if header.tools:
            draft.complaints.add(where, f"no action type of {', '.join(header.tools)} has `{stated}`", hint)
        case Field.NO_PARAMETER:
            draft.warn(where, f"no action type has `{stated}` ({hint})")
        case _:
            assert_never(field)


def _check_counter(draft: Draft, reference: Reference, around: Surroundings) -> None:
    """Whether a counter can be there: of a limit that is judged, and one that limits have."""
    known = ("limit that is judged", around.limits), ("counter of a limit", frozenset(COUNTED))
    for index, (step, (what, names)) in enumerate(zip(reference.path[1:], known, strict=False), start=1):
        if step is not None and names is not None and step not in names:
            where = reference.places[index] if index < len(reference.places) else reference.place
            draft.complaints.add(where, f"there is no {what} `{step}`", did_you_mean(step, names))
            return


def _speaks_of(header: Header, entry: Entry) -> bool:
    return not header.tools or entry.name in header.tools or entry.tool in header.tools


def _check(draft: Draft, around: Surroundings, by_rule: Mapping[RuleName, list[Reference]], links: Links) -> None:
    """Everything about one module that isn't about a single reference."""
    unit, complaints = draft.unit, draft.complaints
    check_rules(unit, complaints, draft.warn)
    check_rates(unit, around.rate, complaints, draft.warn)
    _check_tools(draft, around)
    if around.complete:
        entries = [entry for entry in around.catalogue.values() if _speaks_of(draft.header, entry)]
        check_types(unit, entries, complaints)
        check_calls(unit, entries, complaints)
        for where, what in unknown_words(unit, entries):
            draft.warn(where, what)
    stated = [body for path, body in draft.defaults if path == (DECISION,)]
    for path, body in draft.defaults:
        _check_default(draft, path, body, around)
    for body in stated[1:]:
        complaints.add(begins_at(body), "a module has one default", f"the first is at line {begins_at(stated[0])[0]}")
    _, deciding = output_of(unit, complaints, has_default=bool(stated))
    loose = [
        rule
        for rule in deciding
        if any(verdict is not Verdict.DENY for verdict in literal_verdicts(rule, around.approvals, complaints))
    ]
    for where, claimed in claims(unit, loose, by_rule, links):
        draft.warn(where, f"an allow or a hold depends on `{claimed}`, which is only the caller's claim")


def _check_tools(draft: Draft, around: Surroundings) -> None:
    """Every tool that a module declares is one of the catalogue."""
    known = {name for entry in around.catalogue.values() for name in (entry.name, entry.tool)}
    for tool, where in zip(draft.header.tools, draft.header.places, strict=True):
        if around.complete and tool not in known:
            draft.complaints.add(where, f"there is no tool or action type `{tool}`", did_you_mean(tool, known))


def _check_default(draft: Draft, path: tuple[str, ...], body: Tree, around: Surroundings) -> None:
    """A default is constant; that of the decision is a decision, a library has none, and a set can't have one."""
    complaints, where = draft.complaints, begins_at(body)
    if path[0] == DECISIONS or (path[0] == DECISION and (draft.unit.library or len(path) > 1)):
        complaints.add(
            where, f"`{'.'.join(path)}` can't have a default", f"write `default {DECISION} := {{…}}` in a policy"
        )
        return
    try:
        value = constant(body["value"])
    except NotConstant:
        complaints.add(begins(body["value"]), "a default must be constant", "write the value itself")
        return
    if path == (DECISION,):
        faults = Faults(draft.unit.name)
        read_output(value, around.approvals, faults)
        for problem in faults.problems:
            complaints.add((problem.line, problem.column), problem.message, problem.hint)


def _cut(draft: Draft, parser: Parser) -> Module:
    """The module as published: its default taken out of the text, and the rest shown to be what it was.

    Raises:
        Unfamiliar, ModuleRefused: it isn't what it was any more.
    """
    data = bytearray(draft.unit.text.data)
    default: Json = None
    for path, body in draft.defaults:
        if path == (DECISION,):
            default = constant(body["value"]).plain()
            # The span of a text ends before its closing quote.
            quote = expression(body["value"])[0] in ("String", "RawString")
            start, end = body["span"]["start"], body["span"]["end"] + quote
            data[start:end] = bytes(byte if byte == _NEWLINE else _BLANK for byte in data[start:end])
    text = data.decode()
    if text != draft.sent:
        parsed = parser.parse(draft.source.name, text, draft.dialect)
        again = _with_tree(draft.source, draft.header, draft.dialect, text, parsed)
        if again is None or not _same_but_default(again, draft):
            raise Unfamiliar
    return Module(
        name=draft.source.name,
        dialect=draft.dialect,
        package=draft.header.package,
        text=text,
        default=default,
        tools=draft.header.tools,
        guard=draft.header.guard,
        library=draft.header.library,
        warnings=tuple(draft.warnings),
        output=output_of(draft.unit, Complaints(), has_default=default is not None)[0],
        strings=tuple(sorted({*strings(draft.unit), *strings_of(default)})),
    )


def _same_but_default(again: Draft, draft: Draft) -> bool:
    """Whether the text without the default has the same rules and other defaults in the same places."""
    kept = [(path, begins_at(body)) for path, body in draft.defaults if path != (DECISION,)]
    return [(rule.path, rule.place) for rule in again.unit.rules] == [
        (rule.path, rule.place) for rule in draft.unit.rules
    ] and [(path, begins_at(body)) for path, body in again.defaults] == kept
