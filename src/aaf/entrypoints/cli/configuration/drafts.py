"""`aaf config drafts`: begin, save, compare, rebase, activate and discard drafts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from aaf.domain.canonical import Json
from aaf.domain.errors import Code
from aaf.entrypoints.cli.configuration.changing import Message, Yes, tell_activated, tell_checked, texts_in
from aaf.entrypoints.cli.configuration.printing import PATH, explained, firewall, quiet
from aaf.entrypoints.cli.terminal.client import Client, Refused
from aaf.entrypoints.cli.terminal.naming import named, short_length
from aaf.entrypoints.cli.terminal.options import DEFAULT_URL, AsJson, Ca, Url, group
from aaf.entrypoints.cli.terminal.output import data, inert, instant, say, table
from aaf.entrypoints.cli.terminal.prompts import proceed
from aaf.entrypoints.cli.terminal.reading import member, members, number, text

DRAFTS = f"{PATH}/drafts"
app = group("Work on a configuration before anybody is judged by it.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The draft's id, or its beginning or end as listed.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of aaf.yaml.")]


@app.command("list")
def list_(url: Url = DEFAULT_URL, ca: Ca = None, as_json: AsJson = False) -> None:
    """List drafts, oldest first.

    \b
    Examples:
      aaf config drafts list
    """  # noqa: D301 - \b keeps the examples as they are written
    with firewall(url, ca) as client:
        found = members(client.get(DRAFTS), "drafts")
    if as_json:
        data([dict(one) for one in found])
        return
    length = short_length(text(one, "id") for one in found)
    table(
        ("id", "version", "base", "saved", "by", "message"),
        [
            (
                inert(text(one, "id")[-length:]),
                str(number(one, "version")),
                str(number(one, "base")),
                instant(text(one, "updated_at")),
                quiet(text(member(one, "author"), "name")),
                quiet(text(one, "message")),
            )
            for one in found
        ],
    )


@app.command()
def new(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="Begin with the files of this folder.")] = None,
    message: Message = "",
    url: Url = DEFAULT_URL,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Begin a draft from the active release, with the files of a folder if one is named.

    \b
    Examples:
      aaf config drafts new ./configuration --message "Refunds need two people"
    """  # noqa: D301 - \b keeps the examples as they are written
    with firewall(url, ca) as client:
        edit: dict[str, Json] = {}
        if folder is not None:
            edit = {**dict.fromkeys(member(client.get(PATH), "files")), **texts_in(folder)}
        with explained():
            made = client.post(DRAFTS, {"files": edit, "message": message})
    _tell(made, as_json=as_json)


@app.command()
def save(id_: Id, folder: Folder, url: Url = DEFAULT_URL, ca: Ca = None, as_json: AsJson = False) -> None:
    """Save the files of a folder as the next version of a draft.

    \b
    Examples:
      aaf config drafts save 3fa9c1 ./configuration
    """  # noqa: D301 - \b keeps the examples as they are written
    with firewall(url, ca) as client:
        draft = _draft(client, id_)
        with explained():
            saved = client.change("PUT", _address(draft), {"files": texts_in(folder)}, etag=text(draft, "etag"))
    _tell(saved, as_json=as_json)


@app.command()
def diff(id_: Id, url: Url = DEFAULT_URL, ca: Ca = None, as_json: AsJson = False) -> None:
    """Compile a draft and compare it with what is active; exit status 1 where it has problems.

    \b
    Examples:
      aaf config drafts diff 3fa9c1
    """  # noqa: D301 - \b keeps the examples as they are written
    with firewall(url, ca) as client:
        checked = client.get(f"{_address(_draft(client, id_))}/diff")
    if as_json and checked.get("valid") is True:
        data(checked)
    else:
        tell_checked(checked, as_json=as_json)


@app.command()
def rebase(
    id_: Id,
    resolved: Annotated[
        Path | None, typer.Option("--resolved", metavar="DIR", help="Take files that both sides changed from here.")
    ] = None,
    url: Url = DEFAULT_URL,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Put a draft on top of what is active now. A file that both changed is a conflict; exit status 1.

    \b
    Examples:
      aaf config drafts rebase 3fa9c1
      aaf config drafts rebase 3fa9c1 --resolved ./merged
    """  # noqa: D301 - \b keeps the examples as they are written
    files = None if resolved is None else texts_in(resolved)
    with firewall(url, ca) as client:
        draft = _draft(client, id_)
        with explained():
            saved = _rebased(client, draft, files)
    _tell(saved, as_json=as_json)


@app.command()
def activate(id_: Id, yes: Yes = False, url: Url = DEFAULT_URL, ca: Ca = None, as_json: AsJson = False) -> None:
    """Make a draft the active release, after showing what would change; the draft is gone afterwards.

    \b
    Examples:
      aaf config drafts activate 3fa9c1
    """  # noqa: D301 - \b keeps the examples as they are written
    with firewall(url, ca) as client:
        draft = _draft(client, id_)
        checked = client.get(f"{_address(draft)}/diff")
        if not as_json or checked.get("valid") is not True:
            tell_checked(checked, as_json=as_json)
        if not yes:
            proceed("Activate this?")
        with explained():
            done = client.change("POST", f"{_address(draft)}/activate", {}, etag=text(draft, "etag"))
    tell_activated(done, as_json=as_json)


@app.command()
def discard(id_: Id, yes: Yes = False, url: Url = DEFAULT_URL, ca: Ca = None) -> None:
    """Forget a draft. There is no way back.

    \b
    Examples:
      aaf config drafts discard 3fa9c1
    """  # noqa: D301 - \b keeps the examples as they are written
    with firewall(url, ca) as client:
        draft = _draft(client, id_)
        if not yes:
            proceed(f"Discard the draft {inert(text(draft, 'id'))} ({quiet(text(draft, 'message')) or 'no message'})?")
        with explained():
            client.change("DELETE", _address(draft), etag=text(draft, "etag"))
    say(f"{inert(text(draft, 'id'))} is discarded")


def _draft(client: Client, part: str) -> Mapping[str, Json]:
    """The draft meant by a part of its id, as it is now."""
    listed = members(client.get(DRAFTS), "drafts")
    id_ = named(part, (text(one, "id") for one in listed), what="draft", listing="aaf config drafts list")
    return client.get(f"{DRAFTS}/{id_}")


def _rebased(client: Client, draft: Mapping[str, Json], resolved: Mapping[str, Json] | None) -> Mapping[str, Json]:
    """Rebase; files in conflict are taken from `resolved`, one that isn't there is removed."""
    path, etag = f"{_address(draft)}/rebase", text(draft, "etag")
    try:
        return client.change("POST", path, {"files": {}}, etag=etag)
    except Refused as refused:
        if resolved is None or refused.code != Code.REBASE_CONFLICT:
            raise
        names = [text(one, "name") for one in members(member(refused.problem, "changes"), "files")]
        return client.change("POST", path, {"files": {name: resolved.get(name) for name in names}}, etag=etag)


def _address(draft: Mapping[str, Json]) -> str:
    return f"{DRAFTS}/{text(draft, 'id')}"


def _tell(draft: Mapping[str, Json], *, as_json: bool) -> None:
    if as_json:
        data(dict(draft))
        return
    say(f"Draft {inert(text(draft, 'id'))}: version {number(draft, 'version')} on release {number(draft, 'base')}")
