"""`aaf recover`: a person at the machine lets a restored or rolled back database work again, knowing what that ends."""

import os
from typing import Annotated

import typer

from aaf.bootstrap import FIRST_ADMIN, build, drive
from aaf.entrypoints.cli.terminal.options import Config, Data, single
from aaf.entrypoints.cli.terminal.output import note, say
from aaf.entrypoints.cli.terminal.prompts import agree, reason
from aaf.entrypoints.cli.terminal.stopping import Status, Stopped
from aaf.services.access import recovery_key
from aaf.services.recovery import let_go
from aaf.settings import Settings

app = single()


@app.command()
def recover(
    folder: Data = None,
    config: Config = None,
    why: Annotated[str, typer.Option("--reason", metavar="TEXT", help="What happened; it is recorded.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask; takes --reason.")] = False,
) -> None:
    """Let a restored or rolled back database work again.

    It denies everything until then, because what it says about used permits and revoked keys may be older than what happened. Afterwards
    every key made before is revoked, and what was open is closed or unknown.

    \b
    Examples:
      aaf recover --data /var/lib/aaf --reason "Restored the backup of Sunday."
    """  # noqa: D301 - \b keeps the examples as they are written
    if yes and not why:
        raise Stopped("reason_required", "--yes takes a reason.", hint="Give it with --reason TEXT.")
    settings = Settings.read(os.environ, data=folder, config=config)
    if not settings.data.is_dir():
        raise Stopped(
            "not_found", f"There is no folder {settings.data}.", hint="Name it with --data.", status=Status.NO
        )
    installation = drive(build(settings, asynchronous=False))
    try:
        if installation.recovering is None:
            raise Stopped("not_recovering", "This installation is not in recovery.", status=Status.NO)
        note(installation.recovering, "bold red")
        note(
            "Every key made before will be revoked; what is running counts as unknown, what waits to run is closed.", ""
        )
        if not yes:
            agree("recover")
        closed = drive(let_go(installation.core, reason=why or reason()))
        say(f"Recovered; {closed} open actions were closed.")
        made = drive(recovery_key(installation.core, org=installation.org, name=FIRST_ADMIN))
        say("The administrator's key, shown this once; keep it where no agent can read it:")
        say(f"  {made.secret}")
    finally:
        drive(installation.close())
