"""`aaf serve`: start the server. Beyond this machine it takes TLS, or an option whose name says what is given up."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, cast

import typer

from aaf.entrypoints.cli.serving import Listening, Web, run
from aaf.entrypoints.cli.terminal.options import Config, Data, single
from aaf.services.core import Core
from aaf.settings import Settings

app = single()


@app.command()
def serve(
    ctx: typer.Context,
    *,
    data: Data = None,
    config: Config = None,
    root: Annotated[
        Path | None,
        typer.Option("--root", metavar="DIR", help="Root of the files connector, over the configuration's."),
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on (AAF_HOST; default 127.0.0.1).")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one (AAF_PORT; default 8700).")
    ] = None,
    write_key: Annotated[
        Path | None,
        typer.Option(
            "--write-key", metavar="FILE", help="Write the first key to this new 0600 file instead of printing it."
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option("--tls-cert", metavar="FILE", help="Certificate chain (PEM): serve https.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", metavar="FILE", help="Its private key (PEM).")] = None,
    insecure_no_tls: Annotated[
        bool,
        typer.Option("--insecure-no-tls", help="Listen beyond this machine without TLS: keys travel in the clear."),
    ] = False,
) -> None:
    """Start the server.

    The folder of --config is watched: what is saved there counts everywhere within two seconds, and what has problems is refused with
    its places while the release before it stays active. At the first start, the administrator's key is printed once. SIGTERM and SIGINT let running requests end, sign a last checkpoint and
    close the store.

    \b
    Examples:
      aaf serve
      aaf serve --data /var/lib/aaf --config /etc/aaf --write-key admin.key
      aaf serve --host 0.0.0.0 --tls-cert server.pem --tls-key server.key
    """  # noqa: D301 - \b keeps the examples as they are written
    settings = Settings.read(
        os.environ,
        data=data,
        config=config,
        root=root,
        host=host,
        port=port,
        write_key=write_key,
    )
    listening = Listening(tls_cert, tls_key, insecure=insecure_no_tls)
    run(settings, listening, cast("Callable[[Core], Web]", ctx.obj))
