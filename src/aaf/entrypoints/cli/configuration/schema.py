"""`aaf config schema`: the JSON Schemas of the files of a configuration, for an editor."""

import sys
from typing import Annotated

import typer

from aaf.policy.document.published.files import Published, text_of


def schema(
    actions: Annotated[bool, typer.Option("--actions", help="Of a file of actions/, not of aaf.yaml.")] = False,
    part: Annotated[bool, typer.Option("--part", help="Of a file that include names, not of aaf.yaml.")] = False,
) -> None:
    """Print the JSON Schema of aaf.yaml, with which an editor completes and checks while typing. No server is asked.

    \b
    Examples:
      aaf config schema > .document.schema.json
      aaf config schema --actions > actions/.action.schema.json
      aaf config schema --part > rules/.part.schema.json
    """  # noqa: D301 - \b keeps the examples as they are written
    if actions and part:
        raise typer.BadParameter("--actions and --part are two schemas: name one of them.")
    sys.stdout.write(text_of(Published.ACTION if actions else Published.PART if part else Published.DOCUMENT))
