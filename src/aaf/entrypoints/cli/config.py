"""`aaf config`: see and change the configuration that is in force. Each command is in a module of its own subject."""

from aaf.entrypoints.cli.config_status import status
from aaf.entrypoints.cli.configuration.changing import apply, edit, rollback
from aaf.entrypoints.cli.configuration.drafts import app as drafts
from aaf.entrypoints.cli.configuration.reading import diff, export, history, show
from aaf.entrypoints.cli.configuration.schema import schema
from aaf.entrypoints.cli.terminal.options import group

app = group("See and change the configuration of a server.")
for _command in (status, show, history, diff, export, apply, edit, rollback, schema):
    app.command()(_command)
app.add_typer(drafts, name="drafts")


@app.callback()
def _group() -> None:
    """See and change the configuration of a server."""
