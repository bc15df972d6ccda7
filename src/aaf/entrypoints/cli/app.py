"""The command `aaf`: finds the module of a command when it is needed, so that help costs nothing, and ends every command in one way.

A refusal is printed as code, sentence and hint on standard error, never as a traceback. Exit status: 0 done, 1 the answer is no,
2 the question could not be asked or answered, 130 interrupted.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from types import TracebackType
from typing import Annotated, Any, Self

import typer
from typer import core, main

from aaf.domain.errors import AafError, ConfigurationInvalid

COMMANDS = {
    "serve": "Start the server.",
    "demo": "Show the whole way: an agent acts, a person decides, a verifier proves it.",
    "approvals": "See and answer what waits for a person.",
    "actions": "See what agents asked for, and close what is open.",
    "explain": "Explain why an action was decided as it was, and the smallest change that would have changed it.",
    "keys": "Make, list and revoke API keys.",
    "config": "See and change the configuration of a server.",
    "policy": "Check, test and compare policies.",
    "test": "Run policy test cases against a configuration.",
    "limits": "Show rate and spend limits, and what is used of them now.",
    "secrets": "Keep credentials for connectors, sealed.",
    "audit": "Read, check and export the ledger.",
    "proof": "Export the proof pack of one action.",
    "verify": "Verify a proof pack or a ledger export offline.",
    "doctor": "Check an installation, line by line, with the fix.",
    "recover": "Let a restored or rolled back database work again.",
}
"""Every command with its summary; the module of the same name holds it as `app`."""

_EPILOG = (
    "Exit status: 0 done, 1 the answer is no, 2 could not be asked or answered. Each command's --help has examples."
)


class Root(core.TyperGroup):
    """The commands, each imported when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - the signature of the library
        """Every command, in the order of a first day."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002 - the signature of the library
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        found = main.get_command(import_module(f"aaf.entrypoints.cli.{cmd_name}").app)
        found.name = cmd_name
        return found

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002 - the signature of the library
        """Write the summaries without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - the signature of the library
        """Read the options that stand before a command, which is before `invoke`."""
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            from aaf.entrypoints.cli.terminal.stopping import masked  # noqa: PLC0415 - help doesn't need it

            error.message = masked(error.message)  # the library prints it, with what was typed
            raise

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - the signature of the library
        """Run the command; whatever ends it, ends here."""
        with _Ending(traceback=bool(ctx.params.get("traceback"))):
            return super().invoke(ctx)


class _Ending:
    """Turns errors into a printed refusal and an exit status."""

    def __init__(self, *, traceback: bool) -> None:
        self._traceback = traceback

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        from aaf.entrypoints.cli.terminal.output import refusal  # noqa: PLC0415 - help doesn't need what prints refusals
        from aaf.entrypoints.cli.terminal.stopping import Status, Stopped, masked, stopped_by  # noqa: PLC0415 - as above

        match error:
            case Stopped():
                stopped = error
            case ConfigurationInvalid():
                stopped = Stopped(str(error.code), f"The configuration has problems.\n{error.message}", hint=error.hint)
            case AafError():
                stopped = stopped_by(error)
            case KeyboardInterrupt():
                stopped = Stopped("interrupted", "Interrupted.", status=Status.INTERRUPTED)
            case typer.TyperException():
                error.message = masked(error.message)  # the library prints it, with what was typed
                return
            case OSError() if not isinstance(error, BrokenPipeError) and not self._traceback:
                stopped = Stopped("system_error", f"{error.strerror or error}: {error.filename or 'the system'}.")
            case Exception() if _unforeseen(error) and not self._traceback:
                stopped = Stopped(
                    "internal_error",
                    f"The command failed in a way that nobody foresaw ({type(error).__name__}).",
                    hint="`aaf --traceback COMMAND` shows where; please report it.",
                )
            case _:
                return
        refusal(stopped)
        raise typer.Exit(int(stopped.status)) from None


def _unforeseen(error: Exception) -> bool:
    """Whether an exception is none that the library ends a command with."""
    return not isinstance(error, typer.Exit | typer.Abort | BrokenPipeError)


def _version(value: bool) -> None:
    """Print the version and end."""
    if value:
        print(f"aaf {import_module('importlib.metadata').version('agent-action-firewall')}")
        raise typer.Exit


app = typer.Typer(
    cls=Root,
    name="aaf",
    help="Agent Action Firewall: agents ask, rules and people decide, the ledger proves it.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where an unforeseen error happened.")] = False,
) -> None:
    """Agent Action Firewall: agents ask, rules and people decide, the ledger proves it."""


def start(*, asgi: Callable[..., object]) -> None:
    """Run the command line of this process; `asgi` makes the HTTP API of a core for `aaf serve`."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    app(prog_name="aaf", obj=asgi)
