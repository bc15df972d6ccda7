"""`aaf policy packs` and `aaf policy init`: shipped configurations to begin from."""

from pathlib import Path
from typing import Annotated

import typer

from aaf.bootstrap.packs import begin_from, listed_packs
from aaf.domain.errors import InputRefused
from aaf.entrypoints.cli.terminal.options import AsJson
from aaf.entrypoints.cli.terminal.output import data, inert, say, table
from aaf.entrypoints.cli.terminal.stopping import Status, Stopped


def packs(as_json: AsJson = False) -> None:
    """List the policy packs: complete configurations with test cases, to begin from.

    \b
    Examples:
      aaf policy packs
      aaf policy packs --json
    """  # noqa: D301 - \b keeps the examples as they are written
    found = listed_packs()
    if as_json:
        data([{"name": name, "purpose": purpose} for name, purpose in found])
        return
    table(("pack", "what it is for"), found)


def init(
    pack: Annotated[str, typer.Argument(metavar="PACK", help="Name of the pack, as `aaf policy packs` lists it.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New or empty folder to copy it into.")],
) -> None:
    """Copy a policy pack, with its test cases, into a new or empty folder. Nothing is written over.

    \b
    Examples:
      aaf policy init default ./policies
      aaf policy init coding-agent /etc/aaf
    """  # noqa: D301 - \b keeps the examples as they are written
    try:
        names = begin_from(pack, folder)
    except InputRefused as refused:
        raise Stopped("not_copied", refused.message, hint=refused.hint, status=Status.NO) from None
    say(f"{len(names)} files are in {inert(str(folder))}. Next:")
    say(f"  aaf test {inert(str(folder))}")
    say(f"  aaf serve --config {inert(str(folder))}")
