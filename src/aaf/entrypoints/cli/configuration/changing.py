"""`aaf config apply`, `edit` and `rollback`: what would change is shown and asked about, and nobody's change is written over unseen."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from aaf.bootstrap import folder_files
from aaf.domain.canonical import Json
from aaf.entrypoints.cli.configuration.printing import (
    PATH,
    changes,
    explained,
    firewall,
    heading,
    problems,
    quiet,
)
from aaf.entrypoints.cli.terminal.client import Client
from aaf.entrypoints.cli.terminal.options import DEFAULT_URL, AsJson, Ca, Url
from aaf.entrypoints.cli.terminal.output import data, note, on_terminal, say
from aaf.entrypoints.cli.terminal.prompts import agreed, proceed
from aaf.entrypoints.cli.terminal.reading import flag, member, members, number, text, texts
from aaf.entrypoints.cli.terminal.stopping import Status, Stopped, no_key

Message = Annotated[str, typer.Option("--message", metavar="TEXT", help="Why; it stands in the history.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]
Base = Annotated[
    int | None,
    typer.Option("--base", metavar="N", min=1, help="Only while this release is active; else it is a conflict."),
]


def apply(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of aaf.yaml.")],
    message: Message = "",
    base: Base = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Validate and compare; change nothing.")] = False,
    yes: Yes = False,
    url: Url = DEFAULT_URL,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Make the files of a folder the active release: validate, show what would change, ask, activate.

    Exit status 1 where they have problems, or where somebody else changed the configuration meanwhile.

    \b
    Examples:
      aaf config apply ./configuration --dry-run
      aaf config apply ./configuration --message "Refunds need two people"
      aaf config apply ./configuration --base 7 --yes
    """  # noqa: D301 - \b keeps the examples as they are written
    files = texts_in(folder)
    with firewall(url, ca) as client:
        began = client.get(PATH if base is None else f"{PATH}/releases/{base}")
        checked = client.post(f"{PATH}/validate", {"files": files})
        if not as_json or not flag(checked, "valid"):
            tell_checked(checked, as_json=as_json)
        if dry_run:
            if as_json:
                data(checked)
            return
        if not members(member(checked, "changes"), "files") and base is None:
            if as_json:
                data({**without_files(began), "new": False})
            return
        if not yes:
            proceed("Activate this?")
        with explained():
            done = client.change("PUT", PATH, {"files": files, "message": message}, etag=text(began, "etag"))
    tell_activated(done, as_json=as_json)


def rollback(
    release: Annotated[int, typer.Argument(metavar="N", min=1, help="The release whose files shall be active again.")],
    message: Message = "",
    yes: Yes = False,
    url: Url = DEFAULT_URL,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Go back to the files of an earlier release; that is a new release.

    \b
    Examples:
      aaf config rollback 7
      aaf config rollback 7 --message "The new rule blocks refunds" --yes
    """  # noqa: D301 - \b keeps the examples as they are written
    with firewall(url, ca) as client:
        now = client.get(PATH)
        if not as_json and flag(now, "has_files"):
            changes(client.get(f"{PATH}/releases/{number(now, 'release')}/diff/{release}"))
        if not yes:
            proceed(f"Go back to release {release}?")
        with explained():
            body: dict[str, Json] = {"release": release, "message": message}
            done = client.change("POST", f"{PATH}/rollback", body, etag=text(now, "etag"))
    tell_activated(done, as_json=as_json)


def edit(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file of the configuration.")] = "aaf.yaml",
    message: Message = "",
    yes: Yes = False,
    url: Url = DEFAULT_URL,
    ca: Ca = None,
) -> None:
    """Edit one file of the active release in $VISUAL or $EDITOR: validate it, show what would change, ask, activate.

    What was typed is never lost: where it isn't activated, it stays in a file that is named.

    \b
    Examples:
      aaf config edit
      EDITOR=nano aaf config edit policies/refunds.rego
    """  # noqa: D301 - \b keeps the examples as they are written
    no_key(file, wanted="a file", hint="`aaf config show` lists the files.")
    if not on_terminal():
        hint = "In a script, use `aaf config export` and `aaf config apply`."
        raise Stopped("nobody_to_ask", "This asks a person at a terminal.", hint=hint)
    if file.rpartition("/")[2] in {"", ".", ".."}:
        raise Stopped("not_found", "This is no name of a file.", hint="`aaf config show` lists the files.")
    editor = _editor()
    with firewall(url, ca) as client:
        now = client.get(PATH)
        files = member(now, "files")
        before = text(files, file) if file in files else ""
        place = Path(tempfile.mkdtemp(prefix="aaf-")) / file.rpartition("/")[2]
        # As bytes, because what ends a line would be made another here.
        place.write_bytes(before.encode())
        done = None
        try:
            after = _edited(client, editor, place, file, files)
            if after != before:
                if not yes:
                    proceed("Activate this?")
                with explained():
                    body: dict[str, Json] = {"files": {file: after}, "message": message}
                    done = client.change("PATCH", PATH, body, etag=text(now, "etag"))
        except BaseException:
            note(f"What you wrote is in {quiet(str(place))}.", "bold")
            raise
    place.unlink()
    place.parent.rmdir()
    if done is None:
        note("Nothing differs.")
    else:
        tell_activated(done, as_json=False)


def _editor() -> list[str]:
    """The words of the command that the person named.

    Raises:
        Stopped: they make none.
    """
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        words = shlex.split(named)
    except ValueError:
        words = []
    if not words or shutil.which(words[0]) is None:
        hint = "Set EDITOR to a program that is installed, such as EDITOR=nano."
        raise Stopped("no_editor", "The editor that $VISUAL or $EDITOR names can't be started.", hint=hint)
    return words


def _editing(command: list[str]) -> int:
    """Wait for the editor that the person chose."""
    return subprocess.run(command, check=False).returncode  # noqa: S603 - that one, without a shell


def _edited(client: Client, editor: list[str], place: Path, file: str, files: Mapping[str, Json]) -> str:
    """The text as a person left it, once it has no problems."""
    while True:
        if _editing([*editor, str(place)]) != 0:
            raise Stopped("stopped", "The editor ended with an error; nothing was changed.", status=Status.NO)
        try:
            after = place.read_bytes().decode()
        except FileNotFoundError:
            raise Stopped("stopped", "The editor left no file; nothing was changed.", status=Status.NO) from None
        except UnicodeDecodeError:
            raise Stopped("not_text", "What the editor saved is no text in UTF-8.") from None
        if files.get(file) == after:
            return after
        checked = client.post(f"{PATH}/validate", {"files": {**files, file: after}})
        if flag(checked, "valid"):
            tell_checked(checked, as_json=False)
            return after
        problems(members(checked, "problems"), error=True)
        if not agreed("Edit again?"):
            raise Stopped("stopped", "It has problems; nothing was changed.", status=Status.NO)


# --- what the commands share ------------------------------------------------------------------------------------------


def texts_in(folder: Path) -> dict[str, Json]:
    """The files of a folder as they are sent.

    Raises:
        ConfigurationInvalid: it can't be read.
        Stopped: a file is no text.
    """
    try:
        return {name: content.decode("utf-8") for name, content in folder_files(folder).items()}
    except UnicodeDecodeError:
        raise Stopped(
            "not_text", f"A file in {folder} is no text in UTF-8.", hint="`aaf policy check` says which."
        ) from None


def tell_checked(checked: Mapping[str, Json], *, as_json: bool) -> None:
    """Print what came of validating: what would change, or the problems.

    Raises:
        Stopped: there are problems.
    """
    if flag(checked, "valid"):
        for warning in texts(checked, "warnings"):
            note(f"warning: {quiet(warning)}", "yellow")
        if members(member(checked, "changes"), "files"):
            changes(member(checked, "changes"))
        else:
            note("Nothing differs.")
        return
    found = members(checked, "problems")
    if as_json:
        data(dict(checked))
    else:
        problems(found)
    counted = "1 problem" if len(found) == 1 else f"{len(found)} problems"
    raise Stopped(
        "configuration_invalid",
        f"The configuration has {counted}; what is active stays.",
        hint="Correct it and try again.",
        status=Status.NO,
    )


def tell_activated(done: Mapping[str, Json], *, as_json: bool) -> None:
    """Print what is active now."""
    if as_json:
        data(dict(done))
    elif flag(done, "new"):
        for warning in texts(done, "warnings"):
            note(f"warning: {quiet(warning)}", "yellow")
        say(f"Active: {heading(done)}")
    else:
        say(f"Nothing differs; {heading(done)} stays active")


def without_files(release: Mapping[str, Json]) -> dict[str, Json]:
    """A release as a change would answer it."""
    return {name: value for name, value in release.items() if name != "files"}
