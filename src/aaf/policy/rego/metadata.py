"""What a module says of itself before any rule: its package, and the comment block `# METADATA`.

The block is OPA's annotation syntax, YAML in comments, and its problems have the file's own lines and columns. Only what is read here may
stand in it; a key that nobody reads is a problem. The language of the rules themselves is not looked at.
"""

import re
from dataclasses import dataclass

from aaf.policy.positioned import Faults, parse
from aaf.policy.reading import Section, choose
from aaf.policy.rego.module import Dialect
from aaf.policy.rego.source import Source

POLICIES = "aaf.policies"
LIBRARIES = "aaf.lib"
MARK = re.compile(r"#[ \t]*METADATA[ \t]*")
_ALMOST = re.compile(r"#[#\s]*metadata\s*:?\s*", re.IGNORECASE)
"""What reads like the mark, and isn't it."""
_STRAY = re.compile(r"#[#\s]*(?:custom|dialect|guard|scope|tools)\s*:.*")
"""A line of metadata, where it stands outside of the block."""

_PACKAGE = re.compile(r"\s*package[ \t]+([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)(?=\s|\Z)")
_KEYWORDS = frozenset(
    ("as", "contains", "data", "default", "else", "every", "false", "if", "import", "in", "input", "not", "null")
) | {"package", "set", "some", "true", "with"}
_HINT = f"write `package {POLICIES}`, or `package {LIBRARIES}.<name>` for shared functions"


@dataclass(frozen=True, slots=True)
class Header:
    """`end` is the offset behind the package; `dialect` is None where the module doesn't declare one."""

    package: str
    end: int
    tools: tuple[str, ...] = ()
    places: tuple[tuple[int, int], ...] = ()
    guard: bool = False
    dialect: Dialect | None = None

    @property
    def library(self) -> bool:
        """Whether others may use its rules, and nobody asks it for a decision."""
        return self.package.startswith(f"{LIBRARIES}.")


def read_package(source: Source, faults: Faults, *, hint: str) -> tuple[str, int, int] | None:
    """The package, and the offsets of its name; None where a file doesn't begin with one, which `faults` then says."""
    found = _PACKAGE.match(source.bare)
    if found is None:
        start = len(source.bare) - len(source.bare.lstrip())
        faults.add(source.place(start), "a module begins with its package", hint)
        return None
    return found[1], found.start(1), found.end(1)


def read_header(source: Source, faults: Faults) -> Header | None:
    """The package and the metadata, or None where `faults` says what is wrong."""
    before = len(faults.problems)
    stated = read_package(source, faults, hint=_HINT)
    if stated is None:
        return None
    package, start, end = stated
    where = source.place(start)
    if package != POLICIES and not package.startswith((f"{POLICIES}.", f"{LIBRARIES}.")):
        faults.add(where, f"the package `{package}` is never asked", _HINT)
    reserved = [name for name in package.split(".") if name in _KEYWORDS]
    if reserved:
        faults.add(where, f"`{reserved[0]}` is a word of the language", "choose another name for the package")
    header = Header(package, end)
    block = _block(source, start, faults)
    if block is not None:
        header = _read(block, header, faults)
    return header if len(faults.problems) == before else None


def _block(source: Source, package: int, faults: Faults) -> bytes | None:
    """The YAML of the block in its own lines and columns, everything around it blank; None where there is none."""
    marks = [number for number, (_, text) in enumerate(source.comments) if MARK.fullmatch(text)]
    before = [number for number in marks if source.comments[number][0] < package]
    for offset, text in source.comments:
        if _ALMOST.fullmatch(text) and not MARK.fullmatch(text):
            faults.add(source.place(offset), f"`{text}` isn't the mark of metadata", "write `# METADATA`")
    for number in marks[1:] if before else marks:
        hint = "say it once, before the package; rules have no metadata here"
        faults.add(source.place(source.comments[number][0]), "`# METADATA` stands once, before the package", hint)
    if not before:
        _refuse_stray(source, 0, package, faults)
        return None
    lines: list[str] = []
    line, _ = source.place(source.comments[before[0]][0])
    lines += [""] * line
    for number, (offset, text) in enumerate(source.comments[before[0] + 1 :], before[0] + 1):
        at, column = source.place(offset)
        if at != len(lines) + 1 or offset > package:
            _refuse_stray(source, number, package, faults)
            break
        lines.append(" " * column + text[1:])
    return "\n".join(lines).encode()


def _refuse_stray(source: Source, first: int, package: int, faults: Faults) -> None:
    """Metadata outside of the block would be ignored without a word, and with it what it restricts."""
    for offset, text in source.comments[first:]:
        if offset < package and _STRAY.fullmatch(text):
            hint = "write `# METADATA` above it, and no empty line between"
            faults.add(source.place(offset), "this stands outside of the metadata, so nobody reads it", hint)


def _read(block: bytes, header: Header, faults: Faults) -> Header:
    node = parse(block, faults)
    if node is None:
        return header
    section = Section(node, "the metadata", faults)
    section.text("title")
    section.text("description")
    scope = section.take("scope")
    if scope is not None and scope.value != "package":
        faults.at(scope, "`scope` can only be package", "leave it out")
    custom = section.section("custom", "custom")
    section.close(explain=lambda key: "put it beneath `custom`" if key in ("tools", "guard", "dialect") else None)
    if custom is None:
        return header
    tools = custom.texts("tools")
    declared = custom.take("tools")
    if declared is not None and not tools:
        faults.at(
            declared, "`tools` names nothing", "name tools or action types, or leave it out: then it is every action"
        )
    guard = custom.flag("guard")
    stated = custom.take("dialect")
    dialect = None if stated is None else choose(stated, Dialect, Dialect.V1, "`dialect`", faults)
    custom.close()
    if header.library and (tools or guard):
        faults.at(custom.node, "a library has no tools and is no guard", "leave them out: it is there for every module")
    places = tuple((place.line, place.column) for _, place in tools)
    return Header(header.package, header.end, tuple(name for name, _ in tools), places, guard, dialect)
