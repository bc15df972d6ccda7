"""`aaf policy suggest`: the narrowest rules that would have covered what an agent was allowed, as a file, with the evidence in comments."""

from typing import Annotated

import typer

from aaf.domain.canonical import Json
from aaf.entrypoints.cli.terminal.client import Client, credential
from aaf.entrypoints.cli.terminal.following import Since, Types, Until, followed
from aaf.entrypoints.cli.terminal.options import DEFAULT_URL, AsJson, Ca, Url
from aaf.entrypoints.cli.terminal.output import data, inert, note
from aaf.entrypoints.cli.terminal.reading import members, number, text


def suggest(
    agent: Annotated[str, typer.Option("--agent", metavar="NAME", help="Whose history to look at: a name or an id.")],
    url: Url = DEFAULT_URL,
    ca: Ca = None,
    since: Since = "30d",
    until: Until = None,
    actions: Types = None,
    payments: Annotated[
        bool, typer.Option("--payments", help="Also allow payments that people approved, instead of holding them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Suggest the narrowest rules that would have covered what was allowed or approved. Nothing is activated.

    No rule covers what a person rejected or a policy denied. The rules go to standard output as YAML, ready to be put under `rules` of aaf.yaml.

    \b
    Examples:
      aaf policy suggest --agent builder --since 30d
      aaf policy suggest --agent builder --action 'files.*' > suggested.yaml
    """  # noqa: D301 - \b keeps the examples as they are written
    body: dict[str, Json] = {
        "actions": [*(actions or ())],
        "agent": agent,
        "payments": payments,
        "since": since,
        "until": until,
    }
    sent = {name: value for name, value in body.items() if value is not None}
    with Client(url, credential(), ca=ca) as client:
        result = followed(client, "/v1/policies/suggest", sent, doing="looking back")
    if as_json:
        data(dict(result))
        return
    for line in text(result, "yaml").splitlines():
        print(line if line.isascii() and line.isprintable() else inert(line))
    left = sum(number(one, "count") for one in members(result, "left_out"))
    rules = len(members(result, "rules"))
    said = f"{rules} rule{'' if rules == 1 else 's'} from {number(result, 'evidence')} recorded actions"
    note(f"{said}; {left} of them left out." if left else f"{said}.")
