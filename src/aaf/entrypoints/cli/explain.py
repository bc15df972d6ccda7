"""`aaf explain`: why an action was decided as it was, rule by rule, and what would have changed it."""

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Annotated

import typer
from rich.text import Text

from aaf.domain.canonical import Json
from aaf.entrypoints.cli.terminal.client import Client, credential
from aaf.entrypoints.cli.terminal.naming import recent_action
from aaf.entrypoints.cli.terminal.options import DEFAULT_URL, AsJson, Ca, Url, single
from aaf.entrypoints.cli.terminal.output import data, fields, inert, instant, say
from aaf.entrypoints.cli.terminal.reading import member, members, number, optional_number, optional_text, text, texts

app = single()

WIDTH = 80
_LONGEST = 48
"""Characters of a value that are printed; `--json` has all of it."""
_VERDICTS = {"allow": "green", "deny": "red", "require_approval": "yellow"}
_HOLDS = {True: Text("yes", style="green"), False: Text("no ", style="dim"), None: Text("?  ", style="yellow")}
_SAW = {
    "erased": "erased since",
    "failed": "an error",
    "inapplicable": "this action has no such field",
    "missing": "not sent",
    "unfit": "the test doesn't fit this action's field",
}
_SAID = {
    "failed": Text("failed, which denies", style="bold red"),
    "not_asked": Text("not asked: a guard had denied", style="dim"),
    "silent": Text("silent", style="dim"),
    "spoke": Text("spoke", style="bold"),
    "unknown": Text("spoke, for want of a value", style="bold yellow"),
}


@app.command()
def explain(
    action: Annotated[
        str, typer.Argument(metavar="ACTION", help="The action's id, or its beginning or end as listed.")
    ],
    url: Url = DEFAULT_URL,
    ca: Ca = None,
    now: Annotated[bool, typer.Option("--now", help="Judge it under the active release instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Explain why an action was decided as it was, and the smallest change that would have changed it.

    It takes the right org:decision:explain, which an administrator and an auditor have and no agent can; each opening is recorded.

    \b
    Examples:
      aaf explain 3fa9c1
      aaf explain 3fa9c1 --now
    """  # noqa: D301 - \b keeps the examples as they are written
    with Client(url, credential(), ca=ca) as client:
        query = {"now": "true"} if now else {}
        told = client.get(f"/v1/actions/{recent_action(client, action)}/explanation", **query)
    if as_json:
        data(told)
        return
    _head(told)
    for title, lines in (
        ("Votes", _votes(told)),
        ("Faults", _faults(told)),
        (f"Rules that could match {inert(text(told, 'type'))}", _rules(told)),
        ("Policy modules", _modules(told)),
        ("Decided again later", _later(told)),
        ("What would have changed it", _changes(told)),
    ):
        listed = list(lines)
        if listed:
            say()
            say(title, "bold")
            for line in listed:
                say(line)


def _head(told: Mapping[str, Json]) -> None:
    release, recorded = member(told, "release"), member(told, "recorded")
    author, activated = optional_text(release, "author"), optional_text(release, "activated_at")
    by = f"{number(release, 'number')}{', the active one' if release.get('active') is True else ''}"
    outcome = member(told, "outcome") if told.get("outcome") is not None else recorded
    fields(
        {
            "action": f"{inert(text(told, 'action'))}, {inert(text(told, 'type'))}",
            "decided": Text.assemble(instant(text(told, "decided_at")), ": ", _verdict(text(recorded, "verdict"))),
            "judged under": f"release {by}",
            "of": f"{inert(author or 'nobody known')}, {instant(activated)}",
            "outcome": Text.assemble(_verdict(text(outcome, "verdict")), f" ({inert(text(outcome, 'code'))})"),
        }
    )
    for one in texts(told, "notes"):
        say(Text("\n".join(textwrap.wrap(f"Note: {inert(one)}", WIDTH)), style="yellow"))


def _verdict(name: str) -> Text:
    return Text(inert(name), style=_VERDICTS.get(name, ""))


def _votes(told: Mapping[str, Json]) -> Iterator[Text]:
    for vote in members(told, "votes"):
        verdict = text(vote, "verdict")
        mark = "* " if vote.get("deciding") is True else "  "
        who = f"{inert(text(vote, 'source'))} {inert(text(vote, 'name'))}"
        standing = "" if vote.get("deciding") is True else "  outvoted"
        if vote.get("counted") is not True:
            standing = "  only where nobody speaks"
        yield Text.assemble(mark, (f"{inert(verdict):<17}", _VERDICTS.get(verdict, "")), _cut(who), (standing, "dim"))
        yield from _wrapped(text(vote, "reason"), " " * 19)


def _wrapped(sentence: str, indent: str) -> Iterator[Text]:
    """A sentence in as many lines as it takes."""
    for line in textwrap.wrap(inert(sentence), WIDTH - len(indent)):
        yield Text(f"{indent}{line}", style="dim")


def _faults(told: Mapping[str, Json]) -> Iterator[Text]:
    for fault in members(told, "faults"):
        yield from (
            Text(f"  {line}")
            for line in textwrap.wrap(f"{_inside(fault, 'path')}: {_inside(fault, 'message')}", WIDTH - 2)
        )


def _inside(value: Mapping[str, Json], name: str) -> str:
    return inert(text(value, name))


def _rules(told: Mapping[str, Json]) -> Iterator[Text]:
    for rule in members(told, "rules"):
        verdict = text(rule, "decision")
        said = _SAID.get(text(rule, "said"), Text("?"))
        yield Text.assemble("  ", (_inside(rule, "name"), "bold"), ", ", _verdict(verdict), ": ", said)
        condition = member(rule, "condition")
        parts = members(condition, "all") if "all" in condition else [condition]
        for part in parts:
            yield from _condition(part, "    ")


def _condition(traced: Mapping[str, Json], indent: str) -> Iterator[Text]:
    """A test in a line, or a group with its parts beneath it."""
    holds = traced.get("holds")
    mark = _HOLDS.get(holds if isinstance(holds, bool) else None, Text("?  "))
    for key, words in (("all", "all of"), ("any", "at least one of")):
        if key in traced:
            parts = members(traced, key)
            if len(parts) == 1:
                yield from _condition(parts[0], indent)
                return
            yield Text.assemble(indent, mark, f" {words}")
            for part in parts:
                yield from _condition(part, f"{indent}  ")
            return
    asks = f" {_inside(traced, 'field')} {_asked(traced)}"
    saw = _SAW.get(text(traced, "saw")) or f"saw {_value(traced.get('value'))}"
    if len(indent) + 3 + len(asks) + 2 + len(saw) <= WIDTH:
        yield Text.assemble(indent, mark, asks, (f"  {saw}", "dim"))
    else:
        yield Text.assemble(indent, mark, asks)
        yield Text(f"{indent}      {saw}", style="dim")


def _asked(traced: Mapping[str, Json]) -> str:
    """An operator and its operand, as a rule says them."""
    op, operand = text(traced, "op"), traced.get("operand")
    negated = "not " if traced.get("negated") is True else ""
    match op, operand:
        case "in", [only]:
            return f"{'is not' if negated else 'is'} {_value(only)}"
        case "exists", bool():
            return f"exists: {str(operand is not bool(negated)).lower()}"
    return f"{negated}{inert(op)} {_value(operand)}"


def _value(value: Json) -> str:
    return _cut(inert(json.dumps(value, ensure_ascii=False)))


def _cut(told: str) -> str:
    """What fits a line; how much there is besides."""
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 12]}... ({len(told)} characters)"


def _modules(told: Mapping[str, Json]) -> Iterator[Text]:
    for module in members(told, "modules"):
        said = _SAID.get(text(module, "said"), Text("?"))
        yield Text.assemble("  ", (_inside(module, "name"), "bold"), f" ({_inside(module, 'hash')[:12]}): ", said)
        line = optional_number(module, "line")
        if module.get("code") is not None:
            yield Text(f"    {_inside(module, 'code')}{f', line {line}' if line else ''}")
        if module.get("answer") is not None:
            answer = inert(json.dumps(module["answer"], ensure_ascii=False))
            yield from (Text(f"    {each}") for each in textwrap.wrap(answer, WIDTH - 4))


def _later(told: Mapping[str, Json]) -> Iterator[Text]:
    for one in members(told, "later"):
        yield Text.assemble(
            f"  {instant(text(one, 'at'))}: ",
            _verdict(text(one, "verdict")),
            f" ({_inside(one, 'code')}), release {number(one, 'release')}",
        )


def _changes(told: Mapping[str, Json]) -> Iterator[Text]:
    counterfactual = member(told, "counterfactual")
    for change in members(counterfactual, "changes"):
        words = [f"{_inside(one, 'field')} {_cut(_inside(one, 'words'))}" for one in members(change, "fields")]
        for also in words[:-1]:
            yield Text(f"  {also}, and")
        yield Text.assemble(f"  {words[-1]}  ->  ", _verdict(text(change, "verdict")))
    why, tried = text(counterfactual, "why"), number(counterfactual, "tried")
    if why:
        yield from (Text(f"  {line}") for line in textwrap.wrap(inert(f"{why[0].upper()}{why[1:]}."), WIDTH - 2))
    if tried:
        yield Text(f"  {tried} changes were judged", style="dim")
