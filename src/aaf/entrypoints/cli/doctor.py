"""`aaf doctor`: check an installation, line by line; every line was really looked at and comes with its fix. It changes nothing."""

import os
from dataclasses import replace

import typer
from rich.text import Text

from aaf.bootstrap import inspect
from aaf.entrypoints.cli.terminal.options import AsJson, Config, Data, single
from aaf.entrypoints.cli.terminal.output import data, inert, say
from aaf.entrypoints.cli.terminal.stopping import Status, masked
from aaf.settings import Settings

app = single()

_WORDS = {True: Text("ok   ", "green"), False: Text("FAIL ", "bold red"), None: Text("note ", "yellow")}


@app.command()
def doctor(
    folder: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Check an installation, line by line, with the fix.

    It looks at files and their modes, database, ledger and configuration, and changes nothing. Exit status 1 where a line fails.

    \b
    Examples:
      aaf doctor
      aaf doctor --data /var/lib/aaf --config /etc/aaf --json
    """  # noqa: D301 - \b keeps the examples as they are written
    found = [
        replace(one, text=masked(one.text), fix=masked(one.fix))
        for one in inspect(Settings.read(os.environ, data=folder, config=config))
    ]
    if as_json:
        data([{"fix": one.fix, "name": one.name, "ok": one.ok, "text": one.text} for one in found])
    else:
        for one in found:
            first, *more = one.text.split("\n")  # a configuration has one line a problem
            say(Text.assemble(_WORDS[one.ok], (f"{one.name}: ", "bold"), inert(first)))
            for line in more:
                say(Text.assemble("     ", inert(line)))
            if one.ok is not True and one.fix:
                say(Text.assemble("     fix: ", inert(one.fix)))
    if any(one.ok is False for one in found):
        raise typer.Exit(int(Status.NO))
