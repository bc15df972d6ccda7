"""`aaf actions`: what agents asked for and what became of it; cancel one's own, resolve what nobody knows the end of."""

from typing import Annotated

import typer
from rich.text import Text

from aaf.domain.canonical import Json
from aaf.domain.states import State
from aaf.entrypoints.cli.terminal.client import Client, credential
from aaf.entrypoints.cli.terminal.naming import recent_action, short_length
from aaf.entrypoints.cli.terminal.options import DEFAULT_URL, AsJson, Ca, Limit, Url, group
from aaf.entrypoints.cli.terminal.output import data, fields, inert, instant, risk, say, state, table
from aaf.entrypoints.cli.terminal.reading import optional_text, text
from aaf.entrypoints.cli.terminal.stopping import Stopped

app = group("See what agents asked for, and close what is open.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The action's id, or its beginning or end as listed.")]


@app.command("list")
def list_(
    url: Url = DEFAULT_URL,
    ca: Ca = None,
    in_state: Annotated[State | None, typer.Option("--state", help="Only those in this state.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List actions, newest first: an agent's key sees its own, a person's all.

    \b
    Examples:
      aaf actions list
      aaf actions list --state unknown
    """  # noqa: D301 - \b keeps the examples as they are written
    with Client(url, credential(), ca=ca) as client:
        wanted = None if in_state is None else str(in_state)
        found = list(client.pages("/v1/actions", "actions", cursor="before", limit=limit, state=wanted))
    if as_json:
        data([dict(one) for one in found])
        return
    if not found:
        say("There are no such actions.")
        return
    length = short_length(text(one, "id") for one in found)
    table(
        ("id", "asked at", "state", "risk", "type", "code", "agent"),
        [
            (
                inert(text(one, "id")[-length:]),
                instant(text(one, "created_at")),
                state(text(one, "status")),
                risk(text(one, "risk")),
                inert(text(one, "type")),
                inert(text(one, "code")),
                inert(text(one, "agent")),
            )
            for one in found
        ],
    )


@app.command()
def show(id_: Id, url: Url = DEFAULT_URL, ca: Ca = None, as_json: AsJson = False) -> None:
    """Show one action. Its parameters are in its approval and in its proof pack.

    \b
    Examples:
      aaf actions show 3fa9c1
    """  # noqa: D301 - \b keeps the examples as they are written
    with Client(url, credential(), ca=ca) as client:
        action = client.get(f"/v1/actions/{recent_action(client, id_)}")
    if as_json:
        data(action)
        return
    shown: dict[str, str | Text] = {
        "action": inert(text(action, "id")),
        "type": inert(text(action, "type")),
        "state": state(text(action, "status")),
        "code": inert(text(action, "code")),
        "risk": risk(text(action, "risk")),
        "agent": inert(text(action, "agent")),
        "asked at": instant(text(action, "created_at")),
        "changed at": instant(text(action, "updated_at")),
        "until": instant(optional_text(action, "deadline")),
        "digest": inert(text(action, "digest")),
    }
    for name in ("message", "next", "rejection"):
        said = optional_text(action, name)
        if said:
            shown[name] = inert(said)
    fields(shown)


@app.command()
def cancel(id_: Id, url: Url = DEFAULT_URL, ca: Ca = None) -> None:
    """Take an action back before it runs; only the agent that asked for it may.

    \b
    Examples:
      aaf actions cancel 3fa9c1
    """  # noqa: D301 - \b keeps the examples as they are written
    with Client(url, credential(), ca=ca) as client:
        _say_state(client.post(f"/v1/actions/{recent_action(client, id_)}/cancel"))


@app.command()
def resolve(
    id_: Id,
    why: Annotated[str, typer.Option("--reason", metavar="TEXT", help="How you know; it is recorded.")],
    url: Url = DEFAULT_URL,
    ca: Ca = None,
    succeeded: Annotated[bool | None, typer.Option("--succeeded/--failed", help="How the run ended.")] = None,
) -> None:
    """Say how a run ended that nobody reported: it is `unknown`, and never tried again by itself.

    \b
    Examples:
      aaf actions resolve 3fa9c1 --succeeded --reason "The file is there."
    """  # noqa: D301 - \b keeps the examples as they are written
    if succeeded is None:
        raise Stopped("missing_field", "How did it end?", hint="Give --succeeded or --failed.")
    with Client(url, credential(), ca=ca) as client:
        body: dict[str, Json] = {"succeeded": succeeded, "reason": why}
        _say_state(client.post(f"/v1/actions/{recent_action(client, id_)}/resolve", body))


def _say_state(action: dict[str, Json]) -> None:
    """What came of it."""
    say(Text.assemble(inert(text(action, "id")), " is ", state(text(action, "status"))))
