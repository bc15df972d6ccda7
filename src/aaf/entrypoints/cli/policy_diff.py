"""`aaf policy diff`: what a candidate configuration would have decided otherwise, over what is recorded. No value of an action is printed."""

from collections.abc import Iterable, Mapping
from enum import StrEnum, unique
from pathlib import Path
from typing import Annotated

import typer

from aaf.bootstrap import folder_files
from aaf.domain.canonical import Json
from aaf.entrypoints.cli.terminal.client import Client, credential
from aaf.entrypoints.cli.terminal.following import Since, Types, Until, followed
from aaf.entrypoints.cli.terminal.options import DEFAULT_URL, AsJson, Ca, Url
from aaf.entrypoints.cli.terminal.output import data, inert, note, say, table
from aaf.entrypoints.cli.terminal.reading import members, number, text, texts
from aaf.entrypoints.cli.terminal.stopping import Status, Stopped

_WORDS = {"allow": "allow", "deny": "deny", "require_approval": "hold"}
_REASONS = {
    "connector": "the connector that analyses it can't be made for a dry run",
    "engine": "the policy engine can't be asked now",
    "erased": "its values were erased",
    "limit": "a limit that it depends on wasn't counted for it",
    "other_version": "its input is of another version",
    "sealed": "it depends on values that are sealed for this key",
    "unreadable": "its values can't be read",
}


@unique
class FailOn(StrEnum):
    """What makes the answer no."""

    ANY = "any"
    NEW_ALLOW = "new-allow"
    NEW_DENY = "new-deny"
    NEW_HOLD = "new-hold"
    WEAKER_APPROVAL = "weaker-approval"


_NEW = {FailOn.NEW_ALLOW: "allow", FailOn.NEW_DENY: "deny", FailOn.NEW_HOLD: "require_approval"}
_WANT_ALL = (FailOn.ANY, FailOn.NEW_ALLOW, FailOn.WEAKER_APPROVAL)
"""Those that also fail where something couldn't be decided."""


@unique
class Against(StrEnum):
    """What to compare with."""

    ACTIVE = "active"
    RECORDED = "recorded"


def diff(
    *,
    candidate: Annotated[
        str,
        typer.Option("--candidate", metavar="DIR|release:N|draft:ID", help="A folder of aaf.yaml, a release, a draft."),
    ],
    url: Url = DEFAULT_URL,
    ca: Ca = None,
    since: Since = "7d",
    until: Until = None,
    agent: Annotated[str | None, typer.Option("--agent", metavar="NAME", help="Only actions of this agent.")] = None,
    actions: Types = None,
    against: Annotated[
        Against, typer.Option("--against", help="The active release, or what was decided then.")
    ] = Against.ACTIVE,
    fail_on: Annotated[
        list[FailOn] | None,
        typer.Option("--fail-on", help="Exit 1 where there is such a change; may be repeated."),
    ] = None,
    allow_undecidable: Annotated[
        bool,
        typer.Option("--allow-undecidable", help="What can't be decided is no reason to fail."),
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Look at no more than so many, the oldest.")
    ] = None,
    examples: Annotated[int, typer.Option("--examples", min=0, max=20, help="Ids that each group names.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Compare what is recorded with what a candidate would decide. Nothing is activated, run or written.

    What can't be decided is counted as that, never as no change; `--fail-on` of whatever loosens, and of any change, fails on it too.

    \b
    Examples:
      aaf policy diff --candidate ./next --since 7d
      aaf policy diff --candidate release:3 --against recorded --json
      aaf policy diff --candidate . --fail-on new-allow
    """  # noqa: D301 - \b keeps the examples as they are written
    body: dict[str, Json] = {
        "actions": [*(actions or ())],
        "against": against.value,
        "agent": agent,
        "candidate": _candidate(candidate),
        "examples": examples,
        "limit": limit,
        "since": since,
        "until": until,
    }
    sent = {name: value for name, value in body.items() if value is not None}
    with Client(url, credential(), ca=ca) as client:
        result = followed(client, "/v1/dry-run", sent, doing="replaying")
    if as_json:
        data(dict(result))
    else:
        _tell(result)
    failed = [one for one in dict.fromkeys(fail_on or ()) if fails(result, one, allow_undecidable=allow_undecidable)]
    if failed:
        note(f"Fails on {', '.join(failed)}.", "bold red")
        raise typer.Exit(int(Status.NO))


def _candidate(named: str) -> dict[str, Json]:
    """The candidate as the server takes it.

    Raises:
        Stopped: it is none.
    """
    kind, colon, rest = named.partition(":")
    if kind == "draft" and colon:
        return {"draft": rest}
    if kind == "release" and colon:
        if not rest.isascii() or not rest.isdigit():
            raise Stopped("wrong_type", "A release is a number.", hint="Write release:3.")
        return {"release": int(rest)}
    files: dict[str, Json] = {}
    for name, content in folder_files(Path(named)).items():
        try:
            files[name] = content.decode()
        except UnicodeDecodeError:
            raise Stopped("not_text", f"{name} is no text in UTF-8.", hint="Save it as UTF-8.") from None
    return {"files": files}


def fails(result: Mapping[str, Json], wanted: FailOn, *, allow_undecidable: bool) -> bool:
    """Whether a result has such a change, or may have one that couldn't be decided."""
    open_ = bool(members(result, "not_decidable")) or result.get("complete") is not True
    if open_ and wanted in _WANT_ALL and not allow_undecidable:
        return True
    return any(_is(flip, wanted) for flip in members(result, "flips"))


def _is(flip: Mapping[str, Json], wanted: FailOn) -> bool:
    match wanted:
        case FailOn.ANY:
            return True
        case FailOn.WEAKER_APPROVAL:
            return text(flip, "approval") in {"weaker", "other"}
        case _:
            return text(flip, "after") == _NEW[wanted] and text(flip, "before") != _NEW[wanted]


def _tell(result: Mapping[str, Json]) -> None:
    against = "what was decided then" if text(result, "against") == "recorded" else "the active release"
    undecided = members(result, "not_decidable")
    compared, same = number(result, "compared"), number(result, "same")
    say(f"Compared {compared} recorded decisions with {against} (release {number(result, 'release')}).")
    say(f"  {same} the same, {compared - same} changed, {sum(number(one, 'count') for one in undecided)} not decidable")
    if result.get("complete") is not True:
        say("  It ended at --limit; there are more.", style="yellow")
    for one in undecided:
        why = _REASONS.get(text(one, "reason"), inert(text(one, "reason")))
        say(f"  {number(one, 'count')} not decidable: {why}; {_ids(one)}")
    groups = members(result, "groups")
    if not groups:
        return
    say()
    table(("count", "action type", "change", "because of"), _lines(groups))
    if number(result, "ungrouped"):
        say(f"and {number(result, 'ungrouped')} in further groups")


def _lines(groups: Iterable[Mapping[str, Json]]) -> Iterable[tuple[str, str, str, str]]:
    for one in groups:
        change = f"{_word(text(one, 'before'))} -> {_word(text(one, 'after'))}"
        how = text(one, "approval")
        if how != "same":
            change = f"hold -> {inert(how)} hold" if how != "other" else "hold -> other hold"
        yield str(number(one, "count")), inert(text(one, "type")), change, f"was: {_voices(one, 'was')}"
        yield "", "", "", f"now: {_voices(one, 'now')}"
        if texts(one, "examples"):
            yield "", "", "", _ids(one)


def _word(verdict: str) -> str:
    return _WORDS.get(verdict, inert(verdict))


def _ids(one: Mapping[str, Json]) -> str:
    return f"such as {', '.join(map(inert, texts(one, 'examples')))}"


def _voices(one: Mapping[str, Json], name: str) -> str:
    """Who decided; the code where it says more than the name."""
    if one.get(name) is None:
        return "not known any more"
    found = []
    for voice in members(one, name):
        told = f"{inert(text(voice, 'source'))} {inert(text(voice, 'name'))}"
        code = text(voice, "code")
        plain = code in {text(voice, "source"), text(voice, "name")}
        found.append(told if plain else f"{told} ({inert(code)})")
    return ", ".join(found)
