"""`aaf proof`: export the proof pack of one action, for anybody to verify offline."""

from pathlib import Path
from typing import Annotated

import typer

from aaf.entrypoints.cli.terminal.client import Client, credential
from aaf.entrypoints.cli.terminal.files import new_file
from aaf.entrypoints.cli.terminal.naming import recent_action
from aaf.entrypoints.cli.terminal.options import DEFAULT_URL, Ca, Url, single
from aaf.entrypoints.cli.terminal.output import note

app = single()


@app.command()
def proof(
    action: Annotated[
        str, typer.Argument(metavar="ACTION", help="The action's id, or its beginning or end as listed.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="A new file.")],
    url: Url = DEFAULT_URL,
    ca: Ca = None,
) -> None:
    """Export the proof pack of one action.

    It holds the action's events, their place in the signed ledger, and the values that this key may reveal.

    \b
    Examples:
      aaf proof 3fa9c1 -o proof.zip
      aaf verify proof.zip --key ledger.vkey
    """  # noqa: D301 - \b keeps the examples as they are written
    size = 0
    with (
        Client(url, credential(), ca=ca) as client,
        client.stream(f"/v1/proof-pack/{recent_action(client, action)}", "application/zip") as pieces,
        new_file(output) as file,
    ):
        for piece in pieces:
            size += file.write(piece)
    note(f"{size} bytes; verify: aaf verify {output} --key KEYFILE")
