"""`aaf limits`: the limits of the active configuration, and who uses how much of them now."""

from collections.abc import Iterator, Mapping

from rich.text import Text

from aaf.domain.canonical import Json
from aaf.entrypoints.cli.terminal.client import Client, credential
from aaf.entrypoints.cli.terminal.options import DEFAULT_URL, AsJson, Ca, Url, single
from aaf.entrypoints.cli.terminal.output import data, inert, instant, say, table
from aaf.entrypoints.cli.terminal.reading import member, members, number, optional_text, text, texts

app = single()

_TITLES = ("limit", "at most", "per", "over it", "used", "reserved", "left", "frees up", "who")
_UNITS = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))


@app.command()
def limits(url: Url = DEFAULT_URL, ca: Ca = None, as_json: AsJson = False) -> None:
    """Show rate and spend limits, and what is used of them now.

    One line for each agent, user or action type that a limit counts and that uses it; those with the least left come first.

    \b
    Examples:
      aaf limits
      aaf limits --json
    """  # noqa: D301 - \b keeps the examples as they are written
    with Client(url, credential(), ca=ca) as client:
        found = members(client.get("/v1/limits"), "limits")
    if as_json:
        data([dict(one) for one in found])
    elif found:
        table(_TITLES, [line for one in found for line in _lines(one)])
    else:
        say("The active configuration has no limits.")


def _lines(limit: Mapping[str, Json]) -> Iterator[list[str | Text]]:
    """A line for each use, or one that says that there is none."""
    name, per = inert(text(limit, "name")), inert(",".join(texts(limit, "per")))
    over = inert(optional_text(limit, "over") or "refuse")
    if text(limit, "kind") == "rate":
        burst = number(limit, "burst")
        most = inert(f"{text(limit, 'rate')}, {burst} at once")
        for use in members(limit, "uses"):
            left = number(use, "remaining")
            yield [name, most, per, over, str(burst - left), "-", _left(str(left)), *_rest(use)]
    else:
        most = inert(_ceilings(limit))
        for use in members(limit, "uses"):
            currency = inert(text(use, "currency"))
            used, reserved, rest = (inert(text(use, key)) for key in ("committed", "reserved", "remaining"))
            yield [name, most, per, over, f"{used} {currency}", reserved, _left(rest), *_rest(use)]
    if not members(limit, "uses"):
        yield [name, most, per, over, "-", "-", "all", "-", "nobody"]


def _ceilings(limit: Mapping[str, Json]) -> str:
    """`500.00 EUR in 1d`."""
    window = number(limit, "window")
    size, unit = next((size, unit) for size, unit in _UNITS if window % size == 0)
    ceilings = member(limit, "ceilings")
    return ", ".join(f"{text(ceilings, one)} {one}" for one in ceilings) + f" in {window // size}{unit}"


def _left(amount: str) -> Text:
    """What is left, in red where that is nothing."""
    return Text(amount, style="bold red" if not amount.strip("0.") else "")


def _rest(use: Mapping[str, Json]) -> tuple[str, str]:
    """When something frees up, and whose use it is."""
    who = ", ".join(f"{text(part, 'per')} {text(part, 'name')}" for part in members(use, "subject"))
    return instant(optional_text(use, "frees_at")), inert(who)
