"""`aaf keys`: API keys of agents, people and services. A secret is printed once, when it is made, and is kept nowhere."""

import re
from collections.abc import Iterator
from typing import Annotated

import typer

from aaf.domain.canonical import Json
from aaf.domain.principal import Kind
from aaf.entrypoints.cli.terminal.client import Client, credential
from aaf.entrypoints.cli.terminal.naming import named, short_length
from aaf.entrypoints.cli.terminal.options import DEFAULT_URL, AsJson, Ca, Url, group
from aaf.entrypoints.cli.terminal.output import data, inert, instant, note, say, table
from aaf.entrypoints.cli.terminal.reading import member, members, optional_text, text, texts
from aaf.entrypoints.cli.terminal.stopping import Stopped, no_key

app = group("Make, list and revoke API keys.")

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LIFETIME = re.compile(r"([1-9][0-9]{0,8})([smhdw])")


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who holds it; a known name gets one more key.")],
    kind: Annotated[Kind, typer.Option("--kind", help="What they are; only people approve.")],
    url: Url = DEFAULT_URL,
    ca: Ca = None,
    role: Annotated[
        list[str] | None,
        typer.Option(
            "--role", help="admin, approver, auditor, viewer, agent, or one of the configuration; may be repeated."
        ),
    ] = None,
    action: Annotated[
        list[str] | None,
        typer.Option("--action", metavar="PATTERN", help="Submit only these types, `files.*`; may be repeated."),
    ] = None,
    expires: Annotated[str | None, typer.Option("--expires", metavar="SPAN", help="Lifetime: 12h, 90d.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it once. With a pipe, standard output is the key and nothing else.

    \b
    Examples:
      aaf keys create builder --kind agent --action 'files.*' --expires 90d
      aaf keys create ada --kind user --role approver
    """  # noqa: D301 - \b keeps the examples as they are written
    no_key(name, wanted="a name", hint="Name who holds it; the key is made and printed.")
    body: dict[str, Json] = {
        "name": name,
        "kind": str(kind),
        "roles": list(role or ()),
        "action_types": list(action or ()),
        "lifetime": None if expires is None else _seconds(expires),
    }
    with Client(url, credential(), ca=ca) as client:
        made = client.post("/v1/api-keys", body)
    if as_json:
        data(made)
        return
    note(f"Key {inert(text(made, 'id'))} of {kind} {inert(name)}, shown this once:")
    say(inert(text(made, "key")))


@app.command("list")
def list_(url: Url = DEFAULT_URL, ca: Ca = None, as_json: AsJson = False) -> None:
    """List keys, oldest first; secrets are not known any more.

    \b
    Examples:
      aaf keys list
    """  # noqa: D301 - \b keeps the examples as they are written
    with Client(url, credential(), ca=ca) as client:
        found = members(client.get("/v1/api-keys"), "keys")
    if as_json:
        data([dict(one) for one in found])
        return
    length = short_length(text(one, "id") for one in found)
    table(
        ("id", "begins with", "kind", "roles", "expires", "revoked", "may submit", "name"),
        [
            (
                inert(text(one, "id")[-length:]),
                inert(text(one, "hint")),
                inert(text(member(one, "principal"), "kind")),
                inert(",".join(texts(member(one, "principal"), "roles"))),
                instant(optional_text(one, "expires_at")),
                instant(optional_text(one, "revoked_at")),
                inert(",".join(texts(one, "action_types")) or "everything"),
                inert(text(member(one, "principal"), "name")),
            )
            for one in found
        ],
    )


@app.command()
def revoke(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The key's id, or its beginning or end as listed.")],
    url: Url = DEFAULT_URL,
    ca: Ca = None,
) -> None:
    """End a key at once, in every process. There is no way back.

    \b
    Examples:
      aaf keys revoke 3fa9c1
    """  # noqa: D301 - \b keeps the examples as they are written
    with Client(url, credential(), ca=ca) as client:
        key = named(id_, _ids(client), what="key", listing="aaf keys list")
        client.post(f"/v1/api-keys/{key}/revoke")
    say(f"{inert(key)} is revoked")


def _ids(client: Client) -> Iterator[str]:
    """The ids of all keys; nothing is asked before the first is wanted."""
    for one in members(client.get("/v1/api-keys"), "keys"):
        yield text(one, "id")


def _seconds(span: str) -> int:
    """A lifetime such as `90d` in seconds."""
    match = _LIFETIME.fullmatch(span)
    if match is None:
        raise Stopped("wrong_type", "A lifetime is a number with s, m, h, d or w.", hint="Write it like --expires 90d.")
    return int(match[1]) * _SECONDS[match[2]]
