"""Find what a person means by a part of an id: its beginning or its end, where only one thing has it. A key is no id, and is not printed."""

import re
from collections.abc import Iterable

from aaf.entrypoints.cli.terminal.client import Client
from aaf.entrypoints.cli.terminal.output import inert
from aaf.entrypoints.cli.terminal.reading import text
from aaf.entrypoints.cli.terminal.stopping import Status, Stopped, no_key

FULL = 36
"""Characters of a whole id."""
SHORTEST = 6
"""Characters of an id's end that a list shows, at least."""
_WHOLE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RECENT = 1000
"""Actions among which a part of an id is looked for."""


def short_length(ids: Iterable[str]) -> int:
    """How many characters of the ends tell these ids apart."""
    known = set(ids)
    length = SHORTEST
    while length < FULL and len({one[-length:] for one in known}) < len(known):
        length += 1
    return length


def named(part: str, ids: Iterable[str], *, what: str, listing: str) -> str:
    """The one of `ids` that begins or ends with `part`; a whole id is taken as it is, and `ids` are not gone through.

    Raises:
        Stopped: none or several do, or it is a key.
    """
    no_key(part, wanted="an id", hint=f"`{listing}` shows ids.")
    wanted = part.lower()
    if _WHOLE.fullmatch(wanted):
        return wanted
    found = [one for one in ids if one.startswith(wanted) or one.endswith(wanted)] if wanted else []
    if len(found) == 1:
        return found[0]
    if not found:
        raise Stopped(
            "not_found", f"No {what} has an id with {inert(part)}.", hint=f"`{listing}` shows them.", status=Status.NO
        )
    raise Stopped(
        "not_unique",
        f"{len(found)} of the listed have an id with {inert(part)}.",
        hint=f"Write more of it: {', '.join(found[:5])}.",
    )


def recent_action(client: Client, part: str) -> str:
    """The action meant; a part of its id is looked for among the newest.

    Raises:
        Stopped: as `named`.
    """
    newest = client.pages("/v1/actions", "actions", cursor="before", limit=_RECENT)
    return named(part, (text(one, "id") for one in newest), what="recent action", listing="aaf actions list")
