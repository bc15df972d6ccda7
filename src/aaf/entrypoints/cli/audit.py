"""`aaf audit`: read the ledger, have the server check it, export it for the offline verifier, print the key to verify with."""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn
from rich.text import Text

from aaf.domain.canonical import Json, parse
from aaf.entrypoints.cli.terminal.client import Client, credential
from aaf.entrypoints.cli.terminal.files import new_file
from aaf.entrypoints.cli.terminal.naming import recent_action
from aaf.entrypoints.cli.terminal.options import DEFAULT_URL, AsJson, Ca, Url, group
from aaf.entrypoints.cli.terminal.output import console, data, inert, microseconds, note, say, state, table
from aaf.entrypoints.cli.terminal.reading import member, number, optional_number, optional_text, text
from aaf.entrypoints.cli.terminal.stopping import Status, Stopped

app = group("Read, check and export the ledger.")

_TYPE = re.compile(r"[a-z_]{1,32}\.[a-z_]{0,31}")


@app.command("list")
def list_(
    url: Url = DEFAULT_URL,
    ca: Ca = None,
    action: Annotated[
        str | None,
        typer.Option("--action", metavar="ID", help="Only of or about this action: its id, or its beginning or end."),
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Only this type, or a family such as `key.`.")
    ] = None,
    after: Annotated[int, typer.Option("--after", metavar="SEQ", min=0, help="Only after this entry.")] = 0,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List events in order. They hold codes, digests and opaque ids, never a parameter's value.

    \b
    Examples:
      aaf audit list --type key.
      aaf audit list --action 3fa9c1
    """  # noqa: D301 - \b keeps the examples as they are written
    if kind is not None and not _TYPE.fullmatch(kind):
        raise Stopped(
            "wrong_type", "--type takes a type or a family.", hint="Write key.created, or key. for its family."
        )
    with Client(url, credential(), ca=ca) as client:
        about = None if action is None else recent_action(client, action)
        query: dict[str, str | int | None] = {"action": about, "type": kind, "after": after}
        events = list(client.pages("/v1/audit/events", "events", cursor="after", limit=limit, **query))
    if as_json:
        data([dict(one) for one in events])
        return
    table(("seq", "time", "type", "actor", "about"), (_line(event) for event in events))


def _line(event: Mapping[str, Json]) -> tuple[str | Text, ...]:
    body = member(event, "body")
    about = optional_text(body, "action") or optional_text(body, "about") or "-"
    kind = text(body, "type")
    after = optional_text(body, "state")
    return (
        str(number(event, "seq")),
        microseconds(number(body, "ts")),
        inert(kind) if after is None else Text("action.").append_text(state(after)),
        inert(text(body, "actor")),
        inert(about),
    )


@app.command()
def verify(url: Url = DEFAULT_URL, ca: Ca = None, as_json: AsJson = False) -> None:
    """Have the server recompute its whole ledger. Proof for others is an export and `aaf verify`, with a key they hold.

    \b
    Examples:
      aaf audit verify
    """  # noqa: D301 - \b keeps the examples as they are written
    with Client(url, credential(), ca=ca) as client:
        report = client.get("/v1/audit/verify")
    if as_json:
        data(report)
    bad = optional_number(report, "bad")
    if bad is not None:
        stopped = Stopped(
            "ledger_broken",
            f"Entry {bad} doesn't fit: {text(report, 'why')}.",
            hint="Keep the database and its backups as they are; compare with an export made before.",
            status=Status.NO,
        )
        if as_json:
            raise typer.Exit(int(stopped.status))
        raise stopped
    if not as_json:
        say(f"{number(report, 'size')} entries fit; the last checkpoint covers {number(report, 'checkpoint')}.")


@app.command()
def export(
    url: Url = DEFAULT_URL,
    ca: Ca = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="A new file.")] = None,
) -> None:
    """Export the ledger, to a new file or to standard output, for `aaf verify`.

    \b
    Examples:
      aaf audit export -o ledger.aaf
      aaf audit export | gzip > ledger.aaf.gz
    """  # noqa: D301 - \b keeps the examples as they are written
    if output is None and sys.stdout.isatty():
        raise Stopped(
            "file_wanted", "A ledger is not for the eye.", hint="Name a file with -o, or use `aaf audit list`."
        )
    with Client(url, credential(), ca=ca) as client, client.stream("/v1/audit/export", "text/plain") as pieces:
        if output is None:
            entries = _copied(pieces, sys.stdout.buffer)
        else:
            with new_file(output) as file:
                entries = _copied(pieces, file)
    note(f"{entries} entries exported; verify: aaf verify {output or 'FILE'} --key KEYFILE")


def _copied(pieces: Iterator[bytes], file: BinaryIO) -> int:
    """Copy, with progress on a terminal; return how many entries there are.

    Raises:
        Stopped: it broke off before its end.
    """
    columns = (TextColumn("exporting"), BarColumn(), TaskProgressColumn(), DownloadColumn())
    lines, wanted, header = 0, None, b""
    with Progress(
        *columns, console=console(error=True), transient=True, disable=not console(error=True).is_terminal
    ) as bar:
        task = bar.add_task("", total=None)
        for piece in pieces:
            file.write(piece)
            lines += piece.count(b"\n")
            if wanted is None:
                header += piece
                wanted = _size(header)
            bar.update(task, total=wanted, completed=max(lines - 1, 0))
    if wanted is None or lines != wanted + 1:
        raise Stopped("incomplete", "The export broke off before its end.", hint="Export it again.")
    return wanted


def _size(header: bytes) -> int | None:
    """How many entries the first line announces; None while it isn't whole."""
    line, end, _ = header.partition(b"\n")
    if not end:
        return None
    value = parse(line)
    return number(value, "size") if isinstance(value, dict) else None


@app.command()
def key(url: Url = DEFAULT_URL, ca: Ca = None) -> None:
    """Print the key to verify this ledger with, as a line of a key file. Take it once, over a way you trust, and keep it.

    \b
    Examples:
      aaf audit key > ledger.vkey
    """  # noqa: D301 - \b keeps the examples as they are written
    with Client(url, credential(), ca=ca) as client:
        say(inert(text(client.get("/v1/checkpoints/latest"), "vkey")))


@app.command()
def checkpoint(url: Url = DEFAULT_URL, ca: Ca = None) -> None:
    """Print a signed checkpoint of now. Kept elsewhere, it is what a rewritten ledger fails against (aaf verify --since).

    \b
    Examples:
      aaf audit checkpoint > /media/usb/2026-03-01.checkpoint
    """  # noqa: D301 - \b keeps the examples as they are written
    with Client(url, credential(), ca=ca) as client:
        for line in text(client.get("/v1/checkpoints/latest"), "note").split("\n")[:-1]:
            print(line if line.isprintable() else inert(line))
