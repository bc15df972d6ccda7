"""`aaf demo`: the whole way in one transcript, against a server of its own that it starts and ends."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from aaf.entrypoints.cli.demonstration.shop import shop
from aaf.entrypoints.cli.demonstration.stage import Stage, server
from aaf.entrypoints.cli.demonstration.story import Story
from aaf.entrypoints.cli.terminal.options import single
from aaf.entrypoints.cli.terminal.output import on_terminal, say
from aaf.entrypoints.cli.terminal.stopping import Stopped

app = single()


@app.command()
def demo(
    interactive: Annotated[
        bool, typer.Option("--interactive", help="You answer the approvals, and the server stays up until Ctrl-C.")
    ] = False,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="DIR", help="Keep database, keys, packs and log in this new folder."),
    ] = None,
) -> None:
    """Show the whole way: an agent acts, a person decides, a verifier proves it.

    It starts a server of its own on a free port with a fresh database, and ends by itself. Anything that goes otherwise than promised
    ends it with status 1.

    \b
    Examples:
      aaf demo
      aaf demo --interactive
      aaf demo --keep ./demo
    """  # noqa: D301 - \b keeps the examples as they are written
    if interactive and not on_terminal():
        raise Stopped("nobody_to_ask", "--interactive asks a person at a terminal.", hint="Leave it out.")
    with _folder(keep) as folder, shop() as opened:
        stage = Stage(folder, opened)
        stage.set_out()
        stage.keep_secret()
        with server(stage) as running:
            say("An agent acts, a person decides, a verifier proves it.", style="bold")
            say(f"A server of its own listens on {running.url}; its database is a fresh one in")
            say(f"{folder}.")
            say("`builder` is an agent, `ada` a person who may approve; each has a key of its own.")
            Story(running, interactive=interactive).play()
            say()
            say("Everything went as promised.", style="bold green")
            if interactive:
                _stay(running)
    if keep is not None:
        say(f"Kept: {keep}")


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """A temporary folder, or a new one that stays; for this user only."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="aaf-demo-") as name:
            yield Path(name)
        return
    try:
        keep.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise Stopped(
            "file_unusable", f"{keep} can't be made: {error.strerror}.", hint="Name a folder that isn't there yet."
        ) from None
    yield keep.resolve()


def _stay(stage: Stage) -> None:
    """Keep the server up until Ctrl-C, and say what can be done with it."""
    say()
    say(f"The server stays up at {stage.url}. In another terminal:")
    say(f"  export AAF_URL={stage.url} AAF_API_KEY=$(cat {stage.key('ada')})")
    say("  aaf approvals list    # what still waits for ada")
    say("  aaf audit list")
    say(f"Keys: {stage.key('admin')}, {stage.key('ada')}, {stage.key('builder')}.")
    say("They lie under your own user: fine for a demonstration, and no protection from an agent that runs as you.")
    say("Ctrl-C ends it and removes the folder, unless --keep was given.")
    with suppress(KeyboardInterrupt):
        signal.pause()
    say()
