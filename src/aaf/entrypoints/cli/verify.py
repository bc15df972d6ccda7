"""`aaf verify`: the offline verifier, in this process. It asks no server and trusts no key but the one that it is given."""

import os
from pathlib import Path
from typing import Annotated

import typer

import aaf_verify
from aaf.entrypoints.cli.terminal.options import AsJson, single
from aaf.entrypoints.cli.terminal.stopping import no_key

app = single()


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A proof pack or a ledger export.")],
    key: Annotated[Path, typer.Option("--key", metavar="KEYFILE", help="Verifier keys that you trust.")],
    org: Annotated[
        str | None, typer.Option("--org", metavar="UUID", help="Refuse what is of another organisation.")
    ] = None,
    require_end: Annotated[
        bool, typer.Option("--require-end", help="Packs: refuse an action that is still open.")
    ] = False,
    since: Annotated[
        list[Path] | None,
        typer.Option("--since", metavar="CHECKPOINT", help="Exports: a checkpoint kept from earlier; may be repeated."),
    ] = None,
    canonical: Annotated[
        bool, typer.Option("--canonical", help="Exports: also check every body and every action's story.")
    ] = False,
    allow_uncovered: Annotated[
        bool, typer.Option("--allow-uncovered", help="Exports: accept entries after the last checkpoint.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Verify a proof pack or a ledger export offline.

    Exit status 0: proven, 1: false, 2: unusable. `aaf-verify` is the same program on its own.

    \b
    Examples:
      aaf verify proof.zip --key ledger.vkey
      aaf verify ledger.aaf --key ledger.vkey --since 2026-03-01.checkpoint
    """  # noqa: D301 - \b keeps the examples as they are written
    for given in (file, key, *(since or ())):
        no_key(os.fspath(given), wanted="a file", hint="Name the file; KEYFILE holds what `aaf audit key` printed.")
    arguments = ["--key", os.fspath(key)]
    arguments += [] if org is None else ["--org", org]
    arguments += [word for one in since or () for word in ("--since", os.fspath(one))]
    chosen = {
        "--require-end": require_end,
        "--canonical": canonical,
        "--allow-uncovered": allow_uncovered,
        "--json": as_json,
    }
    arguments += [name for name, wanted in chosen.items() if wanted]
    raise typer.Exit(aaf_verify.main([*arguments, "--", os.fspath(file)]))
