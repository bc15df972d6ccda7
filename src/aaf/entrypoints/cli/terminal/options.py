"""Options that several commands take, written once."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_URL = "http://127.0.0.1:8700"
KEY_VARIABLE = "AAF_API_KEY"

Url = Annotated[str, typer.Option("--url", envvar="AAF_URL", help="Address of the server.", show_envvar=True)]
Ca = Annotated[
    Path | None, typer.Option("--ca", metavar="FILE", help="Certificates (PEM) to trust instead of the system's.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, in ASCII.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")]
Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Folder of database and keys (AAF_DATA; default ./.aaf).")
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="DIR", help="Folder of aaf.yaml and actions/ (AAF_CONFIG; default: shipped safe rules)."
    ),
]


def group(summary: str) -> typer.Typer:
    """A group of commands that shows its help when none is named."""
    return typer.Typer(help=summary, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


def single() -> typer.Typer:
    """A command of its own."""
    return typer.Typer(add_completion=False, rich_markup_mode=None)
