"""`aaf secrets`: credentials for connectors, sealed in the installation's own file. A value is typed or piped, never an argument, and never shown.

It works on the files of an installation, as the user of its server; a server that runs uses what was set at its next request.
"""

import os
import sys
from getpass import getpass
from pathlib import Path
from typing import Annotated

import typer

from aaf.bootstrap import sealed_secrets
from aaf.entrypoints.cli.terminal.options import AsJson, Data, group
from aaf.entrypoints.cli.terminal.output import data, inert, note, say
from aaf.entrypoints.cli.terminal.stopping import Status, Stopped
from aaf.ports import SecretStore
from aaf.settings import Settings

app = group("Keep credentials for connectors, sealed.")

_LONGEST = 65_536

Handle = Annotated[str, typer.Argument(metavar="HANDLE", help="As the configuration names it: lower case, digits, _.")]


@app.command("set")
def set_(handle: Handle, folder: Data = None) -> None:
    """Keep a credential, or put another in its place: typed without echo, or one line from a pipe.

    \b
    Examples:
      aaf secrets set shop_key
      cat shop.key | aaf secrets set shop_key --data /var/lib/aaf
    """  # noqa: D301 - \b keeps the examples as they are written
    replaced = _store(folder, create=True).put(handle, _value())
    note(f"{'Replaced' if replaced else 'Kept'} {inert(handle)}. A running server uses it from its next request on.")


@app.command("list")
def list_(folder: Data = None, as_json: AsJson = False) -> None:
    """List the handles that are kept; values are shown nowhere.

    \b
    Examples:
      aaf secrets list
    """  # noqa: D301 - \b keeps the examples as they are written
    handles = _store(folder).handles()
    if as_json:
        data([*handles])
        return
    for handle in handles:
        say(inert(handle))


@app.command()
def remove(handle: Handle, folder: Data = None) -> None:
    """Forget a credential at once; actions that need it fail from now on.

    \b
    Examples:
      aaf secrets remove shop_key
    """  # noqa: D301 - \b keeps the examples as they are written
    if not _store(folder).remove(handle):
        raise Stopped("not_found", f"There is no secret {inert(handle)}.", status=Status.NO)
    note(f"Removed {inert(handle)}.")


def _store(folder: Path | None, *, create: bool = False) -> SecretStore:
    return sealed_secrets(Settings.read(os.environ, data=folder), create=create)


def _value() -> str:
    """The value from a person's keyboard, twice, or from a pipe."""
    if sys.stdin.isatty():
        typed = getpass("Secret: ")
        if getpass("Again: ") != typed:
            raise Stopped("not_the_same", "The two were not the same; nothing was kept.", status=Status.NO)
        return typed
    try:
        return sys.stdin.read(_LONGEST).removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise Stopped("not_text", "The secret is no text in UTF-8.") from None
