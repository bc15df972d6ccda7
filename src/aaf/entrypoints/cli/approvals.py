"""`aaf approvals`: see what waits for a person, all of it, and answer exactly what was seen.

An answer carries the digest of the action and of the view that was shown. Nothing long is opened silently, and a question takes only what
was typed after it. The rules of who may answer are the server's.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated

import typer
from rich.text import Text

from aaf.domain.advice import ADVICE
from aaf.domain.canonical import Json
from aaf.domain.errors import Code
from aaf.entrypoints.cli.terminal.card import card, row_lines, unopened
from aaf.entrypoints.cli.terminal.client import Client, credential
from aaf.entrypoints.cli.terminal.naming import named, short_length
from aaf.entrypoints.cli.terminal.options import DEFAULT_URL, AsJson, Ca, Limit, Url, group
from aaf.entrypoints.cli.terminal.output import console, data, inert, left, note, on_terminal, risk, say, state, table
from aaf.entrypoints.cli.terminal.prompts import confirm, more, reason
from aaf.entrypoints.cli.terminal.reading import member, optional_text, text
from aaf.entrypoints.cli.terminal.stopping import Status, Stopped

app = group("See and answer what waits for a person.")

_LISTED = 1000
Id = Annotated[str, typer.Argument(metavar="ID", help="The action's id, or its beginning or end as listed.")]


@app.command("list")
def list_(url: Url = DEFAULT_URL, ca: Ca = None, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List what waits for an answer, newest first.

    \b
    Examples:
      aaf approvals list
      aaf approvals list --json
    """  # noqa: D301 - \b keeps the examples as they are written
    with Client(url, credential(), ca=ca) as client:
        waiting = list(_waiting(client, limit))
        now = client.now
    if as_json:
        data([dict(one) for one in waiting])
        return
    if not waiting:
        say("Nothing waits for an answer.")
        return
    length = short_length(text(one, "id") for one in waiting)
    table(
        ("id", "risk", "time left", "type", "agent"),
        [
            (
                inert(text(one, "id")[-length:]),
                risk(text(one, "risk")),
                left(optional_text(one, "deadline"), now),
                inert(text(one, "type")),
                inert(text(member(one, "agent"), "name")),
            )
            for one in waiting
        ],
    )


@app.command()
def show(
    id_: Id,
    url: Url = DEFAULT_URL,
    ca: Ca = None,
    open_: Annotated[
        int | None, typer.Option("--open", metavar="N", min=0, help="Open long value N and print it whole.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a held action: reasons, findings, target, effect with its diff, parameters, and what the agent claims.

    \b
    Characters that could deceive are shown as escapes. A long value is a page of its own; that you opened it is recorded.

    \b
    Examples:
      aaf approvals show 3fa9c1
      aaf approvals show 3fa9c1 --open 0
    """  # noqa: D301 - \b keeps the examples as they are written
    with Client(url, credential(), ca=ca) as client:
        action = _named(client, id_)
        if open_ is not None:
            row = client.post(f"/v1/approvals/{action}/values/{open_}/open")
            if as_json:
                data(row)
                return
            for line in row_lines(row):
                say(line)
            return
        approval = client.get(f"/v1/approvals/{action}")
    if as_json:
        data(approval)
        return
    for line in card(approval, now=client.now):
        say(line)
    _say_next(approval)


@app.command()
def approve(
    id_: Id,
    url: Url = DEFAULT_URL,
    ca: Ca = None,
    why: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; some rules ask for it.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask; takes --digest.")] = False,
    digest: Annotated[
        str | None, typer.Option("--digest", metavar="HEX", help="The digest of what you approve, as shown.")
    ] = None,
) -> None:
    """Approve a held action, after showing it.

    At a terminal you are asked; from risk high on, the question takes the first characters of the digest. A script names what it
    approves: --yes --digest. Long values have to be opened first.

    \b
    Examples:
      aaf approvals approve 3fa9c1
      aaf approvals approve 3fa9c1 --yes --digest 6b1e...
    """  # noqa: D301 - \b keeps the examples as they are written
    if yes and digest is None:
        raise Stopped(
            "digest_required",
            "--yes without --digest would approve whatever is there by now.",
            hint="Take the digest from `aaf approvals show ID --json`, after looking at it.",
        )
    with Client(url, credential(), ca=ca) as client:
        approval = client.get(f"/v1/approvals/{_named(client, id_)}")
        action = text(approval, "id")
        if not yes:
            _show_whole(approval, client.now)
        _check(approval, digest)
        if not yes:
            confirm(risk=text(approval, "risk"), digest=text(approval, "digest"))
        _answer(client, approval, action, "approve", why)


@app.command()
def reject(
    id_: Id,
    url: Url = DEFAULT_URL,
    ca: Ca = None,
    why: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; the agent is told. Asked for if missing.")
    ] = "",
    digest: Annotated[
        str | None, typer.Option("--digest", metavar="HEX", help="The digest of what you reject, as shown.")
    ] = None,
) -> None:
    """Reject a held action, with a reason that the agent gets. It ends the matter.

    \b
    Examples:
      aaf approvals reject 3fa9c1 --reason "Use the staging folder."
    """  # noqa: D301 - \b keeps the examples as they are written
    with Client(url, credential(), ca=ca) as client:
        approval = client.get(f"/v1/approvals/{_named(client, id_)}")
        action = text(approval, "id")
        _check_digest(approval, digest)
        if not why:
            for line in card(approval, now=client.now):
                note(line, "")
            why = reason()
        _answer(client, approval, action, "reject", why)


def _waiting(client: Client, limit: int) -> Iterator[Mapping[str, Json]]:
    """What waits, newest first."""
    return client.pages("/v1/approvals", "approvals", cursor="before", limit=limit)


def _named(client: Client, part: str) -> str:
    """The action meant; a part of an id is looked for among what waits."""
    ids = (text(one, "id") for one in _waiting(client, _LISTED))
    return named(part, ids, what="waiting approval", listing="aaf approvals list")


def _show_whole(approval: Mapping[str, Json], now: datetime | None) -> None:
    """Print the card; on a terminal page by page, so that nothing scrolls out unseen."""
    lines = card(approval, now=now)
    room = max(console().height - 2, 5)
    for at, line in enumerate(lines, start=1):
        say(line)
        if on_terminal() and at % room == 0 and at < len(lines):
            more(at, len(lines))
    say()


def _check(approval: Mapping[str, Json], digest: str | None) -> None:
    """What stands against approving, as far as it is known here; the server checks again."""
    _check_digest(approval, digest)
    match optional_text(approval, "may_not_because"):
        case None:
            pass
        case Code.OWN_REQUEST | Code.REVIEWER_NOT_ELIGIBLE as refusal:
            advice = ADVICE[Code(refusal)]
            raise Stopped(refusal, advice.message, hint=advice.next, status=Status.NO)
        case refusal:
            hint = "Use the key of a person who may review."
            raise Stopped(refusal, "This key may not answer this request.", hint=hint, status=Status.NO)
    closed = unopened(member(approval, "view"))
    if closed:
        action = text(approval, "id")
        commands = "; ".join(f"aaf approvals show {action} --open {number}" for number in closed)
        raise Stopped(
            "unopened_values",
            "A long value of this request hasn't been opened.",
            hint=f"Open it first: {commands}.",
            status=Status.NO,
        )


def _check_digest(approval: Mapping[str, Json], digest: str | None) -> None:
    """Whether what is there is what the caller named."""
    if digest is not None and digest.lower() != text(approval, "digest"):
        raise Stopped(
            "digest_mismatch",
            "What waits under this id has another digest.",
            hint="Look at it again: `aaf approvals show ID`.",
            status=Status.NO,
        )


def _answer(client: Client, approval: Mapping[str, Json], action: str, verdict: str, why: str) -> None:
    """Send the answer, bound to what was shown, and say what came of it."""
    after = client.post(
        f"/v1/approvals/{action}/reviews",
        {
            "verdict": verdict,
            "digest": text(approval, "digest"),
            "view_digest": text(approval, "view_digest"),
            "reason": why,
        },
    )
    say(Text.assemble(inert(text(after, "id")), " is ", state(text(after, "status"))))


def _say_next(approval: Mapping[str, Json]) -> None:
    """What one may do about it."""
    if text(approval, "status") != "pending_approval":
        return
    action = inert(text(approval, "id"))
    for number in unopened(member(approval, "view")):
        note(f"open:    aaf approvals show {action} --open {number}")
    note(f"approve: aaf approvals approve {action}")
    note(f"reject:  aaf approvals reject {action} --reason TEXT")
