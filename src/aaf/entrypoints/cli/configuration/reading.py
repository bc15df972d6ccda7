"""`aaf config show`, `history`, `diff` and `export`: what is and was in force."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from aaf.domain.canonical import Json
from aaf.entrypoints.cli.configuration.printing import PATH, changes, firewall, heading, quiet
from aaf.entrypoints.cli.terminal.files import new_file
from aaf.entrypoints.cli.terminal.options import DEFAULT_URL, AsJson, Ca, Limit, Url
from aaf.entrypoints.cli.terminal.output import data, fields, instant, note, say, table
from aaf.entrypoints.cli.terminal.reading import flag, member, members, number, text, texts
from aaf.entrypoints.cli.terminal.stopping import Status, Stopped, no_key

_PART = re.compile(r"[^./\\][^/\\]*")
_MOST_PARTS = 5
_LONGEST = 255
"""Bytes of one part of a name."""
_OPENED = 0o700

OfRelease = Annotated[int | None, typer.Option("--release", metavar="N", min=1, help="Not the active one but this.")]


def show(
    file: Annotated[str | None, typer.Argument(metavar="FILE", help="Print this file of it, such as aaf.yaml.")] = None,
    release: OfRelease = None,
    url: Url = DEFAULT_URL,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Show the active release: author, time, message, files; or one file of it.

    \b
    Examples:
      aaf config show
      aaf config show aaf.yaml
      aaf config show actions/mail.send.yaml --release 7
    """  # noqa: D301 - \b keeps the examples as they are written
    no_key(file or "", wanted="a file", hint="`aaf config show` lists the files.")
    with firewall(url, ca) as client:
        found = client.get(_address(release))
    if as_json:
        data(found)
        return
    files = member(found, "files")
    if file is not None:
        if file not in files:
            raise Stopped(
                "not_found", f"The release has no file {file}.", hint="`aaf config show` lists them.", status=Status.NO
            )
        for line in text(files, file).removesuffix("\n").split("\n"):
            say(quiet(line))
        return
    fields(
        {
            "active" if release is None else "release": heading(found),
            "since": instant(text(found, "activated_at")),
            "author": quiet(text(member(found, "author"), "name")),
            "message": quiet(text(found, "message")) or "-",
            "managed by": quiet(text(found, "managed_by")),
            "etag": quiet(text(found, "etag")),
            "files": ", ".join(map(quiet, files)) or "not kept",
        }
    )
    for warning in texts(found, "warnings"):
        note(f"warning: {quiet(warning)}", "yellow")


def history(limit: Limit = 20, url: Url = DEFAULT_URL, ca: Ca = None, as_json: AsJson = False) -> None:
    """List releases, newest first.

    \b
    Examples:
      aaf config history
      aaf config history --limit 100 --json
    """  # noqa: D301 - \b keeps the examples as they are written
    found: list[Mapping[str, Json]] = []
    before: int | None = None
    with firewall(url, ca) as client:
        while len(found) < limit:
            page = client.get(f"{PATH}/releases", before=before, limit=min(50, limit - len(found)))
            found += members(page, "releases")
            following = page.get("next")
            if not isinstance(following, int) or (before is not None and following >= before):
                break
            before = following
    if as_json:
        data([dict(one) for one in found])
        return
    table(
        ("release", "since", "by", "managed by", "rules", "types", "modules", "message"),
        [
            (
                str(number(one, "release")),
                instant(text(one, "activated_at")),
                quiet(text(member(one, "author"), "name")),
                quiet(text(one, "managed_by")),
                *(str(number(member(one, "counts"), part)) for part in ("rules", "actions", "modules")),
                quiet(text(one, "message")) + ("" if flag(one, "has_files") else " (files not kept)"),
            )
            for one in found
        ],
    )


def diff(
    old: Annotated[int, typer.Argument(metavar="OLD", min=1, help="A release's number.")],
    new: Annotated[int, typer.Argument(metavar="NEW", min=1, help="A release's number.")],
    url: Url = DEFAULT_URL,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Compare two releases: rules, action types, modules and limits by name, then each file line by line.

    \b
    Examples:
      aaf config diff 7 8
    """  # noqa: D301 - \b keeps the examples as they are written
    with firewall(url, ca) as client:
        found = client.get(f"{PATH}/releases/{old}/diff/{new}")
    if as_json:
        data(found)
    elif not members(found, "files"):
        note("Nothing differs.")
    else:
        changes(found)


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder, or one with nothing in it.")],
    release: OfRelease = None,
    url: Url = DEFAULT_URL,
    ca: Ca = None,
) -> None:
    """Write the files of the active release to a folder, as they were written.

    \b
    Examples:
      aaf config export ./configuration
      aaf config export ./earlier --release 7
    """  # noqa: D301 - \b keeps the examples as they are written
    with firewall(url, ca) as client:
        found = client.get(_address(release))
    files = member(found, "files")
    if not files:
        hint = "Choose a later release."
        raise Stopped("not_found", "The files of this release were not kept.", hint=hint, status=Status.NO)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Stopped("file_unusable", f"{folder} is there already, with something in it.", hint="Name a new folder.")
    _check_names(files)
    for name in files:
        path = folder / name
        path.parent.mkdir(mode=_OPENED, parents=True, exist_ok=True)
        with new_file(path) as out:
            out.write(text(files, name).encode())
    say(f"{len(files)} files of release {number(found, 'release')} written to {quiet(str(folder))}")


def _check_names(names: Iterable[str]) -> None:
    """Refuse names that would lead out of a folder or hide in it, and those of which some disk would hold only one, before anything is written.

    Raises:
        Stopped: there are such.
    """
    seen: set[str] = set()
    for name in names:
        parts = name.split("/")
        plain = all(_PART.fullmatch(one) and one.isprintable() and len(one.encode()) <= _LONGEST for one in parts)
        if not plain or len(parts) > _MOST_PARTS:
            raise Stopped(
                "unexpected_answer", "The server names a file that no folder may hold.", hint="Tell whoever runs it."
            )
        folded = unicodedata.normalize("NFC", name).casefold()
        if folded in seen:
            hint = "`aaf config show FILE` prints each of them."
            raise Stopped(
                "file_unusable", f"Two files of the release have the name {quiet(name)} on some disks.", hint=hint
            )
        seen.add(folded)


def _address(release: int | None) -> str:
    return PATH if release is None else f"{PATH}/releases/{release}"
