"""A held action as an approver sees it in a terminal, from the segments of its view.

Each line of a value begins with a mark at the left edge, also where the terminal's width breaks it: nothing that an agent wrote
can begin a line and pass for one of ours. Escapes stand out by colour and by their backslash. Nothing is cut here; what the view
holds back says how many characters and how to see them.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from rich.cells import cell_len
from rich.text import Text

from aaf.domain.canonical import Json
from aaf.domain.rendering import Flag, Kind, checked
from aaf.entrypoints.cli.terminal.output import console, inert, instant, left, risk, state
from aaf.entrypoints.cli.terminal.reading import (
    elements,
    member,
    members,
    number,
    optional_number,
    optional_text,
    text,
    texts,
    unexpected,
)

MARK = "| "
CONTINUED = ": "
VALUE = "  "
"""Stands between the mark and a value, so that no value passes for the name of another."""
_TITLE = "bold"
_ESCAPE = "black on yellow"
_NARROWEST = 20
_DIFF = {"+": "green", "-": "red", "@": "cyan"}


def segments(value: Json, style: str = "") -> Text:
    """Segments as text, escapes marked by colour."""
    try:
        parts = [(shown, _ESCAPE if kind == Kind.ESCAPE else style) for kind, shown, _ in checked(value)]
    except ValueError:
        raise unexpected("segments") from None
    return Text.assemble(*parts)


def _broken(value: Json) -> Iterator[Json]:
    """Segments, parted after each shown line break, so that a text of many lines reads as one."""
    part: list[Json] = []
    for one in value if isinstance(value, list) else []:
        part.append(one)
        if isinstance(one, list) and one[-1] == Flag.NEWLINE:
            yield part
            part = []
    if part:
        yield part


def quoted(line: Text, indent: str = "") -> Iterator[Text]:
    """A line of somebody else's text behind a mark; folded at the width of a terminal, with a mark of its own."""
    mark, start, used = MARK + indent, 0, 0
    if not console().is_terminal:
        yield Text(mark).append_text(line)
        return
    room = max(_NARROWEST, console().width - len(mark))
    for at, character in enumerate(line.plain):
        width = cell_len(character)
        if used + width > room:
            yield Text(mark, style="dim").append_text(line[start:at])
            mark, start, used = CONTINUED + indent, at, 0
        used += width
    yield Text(mark, style="dim").append_text(line[start:])


def value_lines(row: Mapping[str, Json]) -> Iterator[Text]:
    """One value, quoted."""
    shown = row.get("segments")
    if not shown:
        yield Text(f"{MARK}{VALUE}(empty)", style="dim")
    for part in _broken(shown):
        yield from quoted(segments(part), VALUE)


def row_lines(row: Mapping[str, Json]) -> Iterator[Text]:
    """A parameter: where it stands, what it is, its value, and how much of it is not shown."""
    head = segments(row.get("path"), "bold").append(f"  {inert(text(row, 'type'))}", style="dim")
    length = number(row, "length")
    if text(row, "type") == "text" and length > len(MARK):
        head.append(f", {length} characters", style="dim")
    yield from quoted(head)  # keys come from the agent too
    yield from value_lines(row)
    hidden = optional_number(row, "hidden")
    if hidden:
        yield Text(f"{hidden} characters hidden: open value {number(row, 'index')} to approve", style="bold yellow")
    elif row.get("opened") is True:
        yield Text("a long value, opened", style="dim")


def unopened(view: Mapping[str, Json]) -> list[int]:
    """The numbers of long values that this person hasn't opened."""
    rows = [*members(view, "params"), *members(view, "claimed")]
    return [number(row, "index") for row in rows if row.get("long") is True and row.get("opened") is not True]


def card(approval: Mapping[str, Json], *, now: datetime | None) -> list[Text]:
    """All lines of an approval, as the server answered it."""
    return list(_card(approval, now))


def _card(approval: Mapping[str, Json], now: datetime | None) -> Iterator[Text]:
    view = member(approval, "view")
    yield from quoted(segments(view.get("headline"), _TITLE))
    yield Text.assemble(
        ("risk ", "dim"),
        risk(text(view, "risk")),
        ("   class ", "dim"),
        inert(text(view, "class")),
        ("   state ", "dim"),
        state(text(approval, "status")),
    )
    yield Text.assemble(
        ("answer before ", "dim"),
        instant(optional_text(approval, "deadline")),
        (
            f" ({left(optional_text(approval, 'deadline'), now)} left)"
            if optional_text(approval, "deadline") and now
            else ""
        ),
    )
    yield from _section("Why it waits", _reasons(view))
    yield from _section("What was noticed", _findings(view))
    yield from _section("Who asks, for what", _requester(view))
    yield from _section("Target", () if view.get("target") is None else quoted(segments(view.get("target"))))
    yield from _section("What it would do", _effect(view))
    yield from _section("Parameters", _rows(members(view, "params")))
    yield from _section("Claimed by the agent; nobody has checked it", _rows(members(view, "claimed")))
    yield from _section("Who is asked", _asked(approval))
    yield Text()
    yield Text.assemble(("action  ", "dim"), inert(text(approval, "id")))
    yield Text.assemble(("digest  ", "dim"), inert(text(approval, "digest")))


def _section(title: str, lines: Iterable[Text]) -> Iterator[Text]:
    """A titled part; nothing where there is nothing to say."""
    first = True
    for line in lines:
        if first:
            yield Text()
            yield Text(title, style="bold underline")
            first = False
        yield line


def _requester(view: Mapping[str, Json]) -> Iterator[Text]:
    """Anybody may have chosen the agent's name, so what the ledger calls it stands before it."""
    yield Text.assemble(("requester  ", "dim"), inert(text(view, "requester")))
    yield from quoted(Text("agent  ", style="dim").append_text(segments(view.get("agent"))))
    yield Text.assemble(("type       ", "dim"), inert(text(view, "type")))
    if view.get("server") is not None:
        yield from quoted(Text("server  ", style="dim").append_text(segments(view.get("server"))))


def _asked(approval: Mapping[str, Json]) -> Iterator[Text]:
    asked, counts = members(approval, "requirements"), elements(approval, "approved")
    if len(asked) != len(counts) or not all(type(count) is int for count in counts):
        raise unexpected("number in `approved` for each of `requirements`")
    for one, approved in zip(asked, counts, strict=True):
        also = ", with a reason" if one.get("reason_required") is True else ""
        names = ", ".join(texts(one, "approvers"))
        yield Text(inert(f"{approved} of {number(one, 'quorum')} approved{also}: {names}"))


def _reasons(view: Mapping[str, Json]) -> Iterator[Text]:
    for reason in members(view, "reasons"):
        line = segments(reason.get("reason"))
        line.append(f"  ({inert(text(reason, 'code'))}: {inert(text(reason, 'name'))})", style="dim")
        yield from quoted(line)


def _findings(view: Mapping[str, Json]) -> Iterator[Text]:
    for finding in members(view, "findings"):
        severity = inert(text(finding, "severity"))
        line = Text(f"{severity}: ", style="bold yellow").append_text(segments(finding.get("note")))
        line.append(f"  ({inert(text(finding, 'code'))} at {inert(text(finding, 'field'))})", style="dim")
        yield from quoted(line)


def _effect(view: Mapping[str, Json]) -> Iterator[Text]:
    if view.get("effect") is None:
        return
    effect = member(view, "effect")
    yield from quoted(segments(effect.get("summary")))
    if effect.get("diff") is not None:
        for line in elements(effect, "diff"):
            yield from quoted(_diff_line(line))
    yield from _rows(members(effect, "facts"))


def _diff_line(line: Json) -> Text:
    """A line of a diff in the colour of its sign."""
    plain = segments(line).plain
    heading = plain.startswith(("+++", "---"))
    return segments(line, "bold" if heading else _DIFF.get(plain[:1], ""))


def _rows(rows: Iterable[Mapping[str, Json]]) -> Iterator[Text]:
    for row in rows:
        yield from row_lines(row)
