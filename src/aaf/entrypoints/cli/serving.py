"""Run the server in this process: bind, say where, serve, and on a signal drain, sign a last checkpoint and close the store.

The socket is bound here, so the port is known before anything is printed. Nothing listens beyond this machine without TLS unless asked to
in so many words. The access log is off: the ledger says who did what, and a second record could hold what the first seals.
"""

import asyncio
import gc
import logging
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from rich.text import Text

from aaf.bootstrap import App, build, placed_warnings
from aaf.domain.errors import AafError
from aaf.entrypoints.cli.saying import Saying, say_imported, say_problems
from aaf.entrypoints.cli.terminal.address import is_loopback
from aaf.entrypoints.cli.terminal.output import inert, note, refusal, say
from aaf.entrypoints.cli.terminal.stopping import Stopped, masked, stopped_by
from aaf.ports import Log
from aaf.services.core import Core
from aaf.services.ledger import last_checkpoint
from aaf.settings import Settings

DRAIN = 20
"""Seconds that running requests have to end after a signal; a long poll is cut."""
KEEP = 1.0
"""Seconds after which the lease of the configuration is renewed or asked for, a sixth of what it lasts."""
LOOK = 0.1
"""Seconds between two looks at the folder."""
_BACKLOG = 2048
_HANDSHAKE, _GOODBYE = 10.0, 5.0
"""Seconds that TLS has to begin and to end."""


@dataclass(frozen=True, slots=True)
class Web:
    """What is served: the ASGI application, and what makes the protocol of one connection."""

    app: Callable[..., Any]
    protocol: Callable[..., asyncio.Protocol]


class Said(logging.Handler):
    """Libraries speak in prose, and prose may hold a value: the log gets where they spoke and of which error, each place once."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log
        self._known: set[tuple[str, str]] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Log where and what kind; never the text."""
        kind = record.exc_info[0] if record.exc_info else None
        place, error = f"{record.name}:{record.module}:{record.lineno}", kind.__name__ if kind else ""
        if (place, error) not in self._known:
            self._known.add((place, error))
            self._log.entry("library", {"error": error, "level": record.levelname, "place": place})

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear everything that would go to standard error; the server's own chatter not at all."""
        root = logging.getLogger()
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # the rest is chatter that a client can cause
        root.addHandler(self)
        try:
            yield
        finally:
            root.removeHandler(self)


@dataclass(frozen=True, slots=True)
class Listening:
    """Certificate and key for https, or `insecure` for plain http beyond this machine."""

    certificate: Path | None
    key: Path | None
    insecure: bool

    def context(self) -> ssl.SSLContext | None:
        """The TLS context, 1.2 or newer; None for plain http.

        Raises:
            Stopped: half of the two files is missing, or they don't fit.
        """
        if self.certificate is None and self.key is None:
            return None
        if self.certificate is None or self.key is None:
            raise Stopped(
                "tls_incomplete", "TLS takes a certificate and its key.", hint="Give --tls-cert and --tls-key."
            )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            why = error.strerror or type(error).__name__
            raise Stopped("tls_unusable", f"Certificate and key can't be used: {why}.", hint="Both are PEM.") from None
        return context


class _Server(uvicorn.Server):
    """A server that says when it listens, and leaves the process alive after a signal so that the store is closed."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so; here and not in uvicorn, because a TLS handshake has to have an end."""
        await super().startup([])
        loop, tls = asyncio.get_running_loop(), self.config.ssl is not None
        for bound in sockets or []:
            server = await loop.create_server(
                self._connection,
                sock=bound,
                ssl=self.config.ssl,
                backlog=_BACKLOG,
                ssl_handshake_timeout=_HANDSHAKE if tls else None,
                ssl_shutdown_timeout=_GOODBYE if tls else None,
            )
            self.servers.append(server)
        gc.collect()
        gc.freeze()  # what lives as long as the process is not looked through again: 40 ms of a full collection, measured
        self._announce()

    def _connection(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End the loop on a signal; the second one doesn't wait for running requests."""
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM)
        for number in numbers:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)


def run(settings: Settings, listening: Listening, web: Callable[[Core], Web]) -> None:
    """Serve until a signal.

    Raises:
        Stopped: the address can't be used, or may not be without TLS.
        AafError: the installation can't be opened, or its configuration is broken and there is none before it.
    """
    context = listening.context()
    if context is None and not listening.insecure and not is_loopback(settings.host):
        raise Stopped(
            "tls_required",
            f"{settings.host} is beyond this machine, and keys would travel in the clear.",
            hint="Give --tls-cert and --tls-key; --insecure-no-tls does without, behind a proxy that has TLS.",
        )
    with _bound(settings.host, settings.port) as bound, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, bound, context, web))


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    """A socket bound to the first address of `host`."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = socket.create_server(
            address[:2], family=family, backlog=_BACKLOG, dualstack_ipv6=False, reuse_port=False
        )
    except (OSError, UnicodeError) as error:  # a name with an empty or a long label is no OSError
        why = error.strerror if isinstance(error, OSError) else "it is no name of a host"
        raise Stopped(
            "address_unusable",
            f"{host}:{port} can't be listened on: {why}.",
            hint="Name another --port, where 0 takes a free one, or another --host.",
        ) from None
    with bound:
        bound.setblocking(False)
        yield bound


async def _serve(
    settings: Settings, bound: socket.socket, context: ssl.SSLContext | None, web: Callable[[Core], Web]
) -> None:
    """Open the installation, serve, and close it whatever happens."""
    app = await build(settings, asynchronous=True)
    try:
        scheme = "http" if context is None else "https"
        host, port = bound.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        served = web(app.core)
        config = uvicorn.Config(
            served.app,
            loop="uvloop",
            http=served.protocol,  # type: ignore[arg-type] # it is only called
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=DRAIN,
        )
        config.load()
        config.ssl = context
        server = _Server(config, lambda: _announce(app, settings, f"{scheme}://{shown}:{port}"))
        watching = [asyncio.create_task(each(app)) for each in (_keep, _look)]
        try:
            with Said(app.core.log).listening():
                await server.serve([bound])
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)  # before the store is closed beneath them
        await _sign(app.core)
    finally:
        await app.close()


async def _keep(app: App) -> None:
    """Keep or take the configuration's lease while the server lives; a store that can't answer is asked again."""
    while app.watcher is not None:
        await asyncio.sleep(KEEP)
        with suppress(AafError):
            await app.watcher.keep()


async def _look(app: App) -> None:
    """Import what is saved in the folder, and say so."""
    saying = Saying()
    while app.watcher is not None:
        await asyncio.sleep(LOOK)
        done = await app.watcher.look()
        if done is not None:
            saying.say(partial(say_imported, done, app.folder))


async def _sign(core: Core) -> None:
    """Sign what has been written since the last checkpoint; a store that can't take it is said, and closed all the same."""
    try:
        await last_checkpoint(core)
    except AafError as error:
        refusal(stopped_by(error))


def _announce(app: App, settings: Settings, url: str) -> None:
    """Say what a person has to know, the ready line last."""
    if app.recovering is not None:
        note(
            Text.assemble(
                ("Recovery: ", "bold red"), app.recovering, " Everything is denied; see `aaf recover --help`."
            ),
            "",
        )
    if app.refused is not None:
        say_problems(app.refused, app.began_with)
    if app.seed:
        note(
            "The configuration is managed by API, and the folder was only its beginning; "
            "`managed_by: file` in its aaf.yaml hands it back to the folder.",
            "yellow",
        )
    if app.ignored and app.recovering is None:
        note(
            "The configuration folder is not what is active: another process imports its own; see `aaf config status`.",
            "yellow",
        )
    for warning in placed_warnings(app.activated.warnings, settings.config) if app.activated else ():
        note(f"warning: {inert(masked(warning))}", "yellow")
    if app.first_key is not None:
        if settings.write_key is not None:
            say(f"The administrator's key is in {settings.write_key}, which only this user can read.")
        else:
            say("The administrator's key, shown this once; keep it where no agent can read it:")
            say(f"  {app.first_key.secret}")
    say(f"AAF listens on {url}")
    sys.stdout.flush()
