"""`aaf config`: the configuration that is in force. Each command is a module of its own."""

from aaf.entrypoints.cli.config_status import status
from aaf.entrypoints.cli.terminal.options import group

app = group("See the configuration that is in force.")
app.command()(status)


@app.callback()
def _group() -> None:
    """See the configuration that is in force."""
