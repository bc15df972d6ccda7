"""Find what a person means by a part of an id: its beginning or its end, where only one thing has it."""

from collections.abc import Iterable, Sequence

from aaf.entrypoints.cli.terminal.output import inert
from aaf.entrypoints.cli.terminal.stopping import Status, Stopped

FULL = 36
"""Characters of a whole id."""
SHORTEST = 6
"""Characters of an id's end that a list shows, at least."""


def short_length(ids: Iterable[str]) -> int:
    """How many characters of the ends tell these ids apart."""
    known = set(ids)
    length = SHORTEST
    while length < FULL and len({one[-length:] for one in known}) < len(known):
        length += 1
    return length


def named(part: str, ids: Sequence[str], *, what: str, listing: str) -> str:
    """The one id that begins or ends with `part`; a whole id is taken as it is.

    Raises:
        Stopped: none or several do.
    """
    wanted = part.lower()
    if len(wanted) == FULL:
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
