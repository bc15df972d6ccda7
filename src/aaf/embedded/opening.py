"""Where an embedded installation lies and how it is opened: the same folder that a server takes with `--data`, so both may use it at once.

A call is refused once it was closed, and in a process that was forked after opening. Nothing here is about agents or people.
"""

import os
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from aaf.bootstrap import CONFIGURATION, DATABASE, Part
from aaf.domain.errors import AafError, Code, NotAuthenticated, StoreFailed, Unavailable
from aaf.embedded.product import Embedded
from aaf.embedded.translating import translating
from aaf.ports import Log
from aaf.services.access import authenticate
from aaf.services.core import Caller, Core
from aaf.services.ledger import last_checkpoint
from aaf.settings import Settings
from aaf_client.errors import Misuse

T = TypeVar("T")
SOURCE = "embedded"
"""Where a key came from, in the ledger's counts of refused ones."""
_OTHER_KEY = (
    "It may be the key of another installation: look at the folder that was opened. "
    "An administrator makes a new one with `Reviewer.create_key` or `aaf keys create`; the first is `Firewall.first_key`."
)
_ATTEMPTS, _BETWEEN = 20, 0.1
"""How often, and after how many seconds, an opening is tried whose configuration another process keeps from being activated."""


def folder_of(path: str | os.PathLike[str]) -> Path:
    """The folder of database and keys that `path` names: itself, or the one that holds the database file `path`.

    Raises:
        Misuse: it is a file of something else, or no path of this machine.
    """
    text = os.fspath(path)
    if not text or text.startswith(":") or "\0" in text:
        raise _no_folder(path)
    try:
        folder = Path(text).expanduser().absolute()
        is_file = folder.is_file()
    except (OSError, RuntimeError) as error:  # no such user, too long a name, a folder above that may not be searched
        raise _no_folder(path) from error
    if is_file:
        if folder.name != DATABASE:
            raise Misuse(
                f"{folder} is a file.", hint=f"Name a folder: the database is {DATABASE} in it, beside its keys."
            )
        return folder.parent
    return folder


def _no_folder(path: object) -> Misuse:
    return Misuse(f"{path!s} names no folder that can be used.", hint="Name a folder for the database and its keys.")


def existing(path: str | os.PathLike[str]) -> Path:
    """As `folder_of`, where an installation is there.

    Raises:
        Misuse: there is none.
    """
    folder = folder_of(path)
    if not (folder / DATABASE).is_file():
        raise Misuse(
            f"There is no installation at {folder}.", hint="Open the agent's firewall there first, or start a server."
        )
    return folder


class Opened:
    """An embedded product with an end, for one process and any number of threads."""

    def __init__(self, product: Embedded) -> None:
        """Take over `product`; `close` closes it."""
        self._product = product
        self._pid = os.getpid()
        self._closing = threading.Event()
        self._ending = threading.Lock()

    @classmethod
    def open(cls, settings: Settings, *, part: Part, log: Log | None) -> "Opened":
        """Open an installation.

        Raises:
            Misuse: the configuration is broken, or another one is in force and held by another process.
            Unavailable: the database or a key file can't be used.
        """
        with translating():
            product = _opened(settings, part, log)
        opened = cls(product)
        try:
            opened.settle(settings)
        except BaseException:
            product.close()
            raise
        return opened

    def settle(self, settings: Settings) -> None:
        """Whoever embeds us means the configuration that it names, so another one in its place is an error here."""
        app = self._product.app
        with translating():
            if app.refused is not None:
                raise app.refused
            if settings.config is not None and app.ignored:
                raise Unavailable(
                    Code.CONFIGURATION_INVALID,
                    "Another configuration is in force, and this one was not activated.",
                    hint="A server holds the configuration of this folder, or it is in recovery: leave `config` out, or stop the server.",
                )
            if app.holds:
                # We read the folder once and don't watch it: whoever comes next may.
                self._product.run(app.core.store.take_lease(CONFIGURATION, app.core.process, 0))

    @property
    def core(self) -> Core:
        """The ports."""
        return self._product.core

    @property
    def org(self) -> str:
        """The one organisation."""
        return self._product.app.org

    def run(self, work: Callable[[Core], Coroutine[Any, Any, T]]) -> T:
        """Drive one service call to its end.

        Raises:
            AafError: as the service, or closed, or forked.
        """
        self.check()
        return self._product.run(work(self.core))

    def check(self) -> None:
        """Refuse a closed one, and a process that inherited this one.

        Raises:
            StoreFailed: either.
        """
        if os.getpid() != self._pid:
            raise StoreFailed(
                Code.STORE_FORKED, "The firewall was opened before the fork.", hint="Open it in each process by itself."
            )
        if self._closing.is_set():
            raise StoreFailed(Code.STORE_UNAVAILABLE, "The firewall was closed.", hint="Open it again.")

    def pause(self, seconds: float) -> None:
        """Wait; closing ends it."""
        self._closing.wait(seconds)

    def close(self) -> None:
        """Sign what was written, finish what is queued, let go of the files; a second time does nothing, nor does it in a forked child."""
        if os.getpid() != self._pid:
            return
        with self._ending:
            if self._closing.is_set():
                return
            self._closing.set()
            unsigned: AafError | None = None
            try:
                self._product.run(last_checkpoint(self.core))
            except AafError as failure:
                unsigned = failure
            self._product.close()
        if unsigned is not None:  # told without the lock: the host's handler may close us, too
            self.core.log.entry("checkpoint_not_signed", {"code": str(unsigned.code)})


async def holder(core: Core, *, key: str, agent: str | None) -> Caller:
    """Who holds `key`; the advice of a refusal is for a program that has the files before it, and not for a client.

    Raises:
        NotAuthenticated: as `authenticate`.
    """
    try:
        return await authenticate(core, key=key, agent=agent, source=SOURCE)
    except NotAuthenticated as refused:
        raise NotAuthenticated(refused.code, refused.message, hint=_OTHER_KEY) from None


def _opened(settings: Settings, part: Part, log: Log | None) -> Embedded:
    """Open; another process that is just reading a configuration of its own is waited for, a server that keeps its own is not for long."""
    for attempt in range(_ATTEMPTS):
        product = Embedded.open(settings, log=log, part=part)
        app = product.app
        if settings.config is None or not app.ignored or app.recovering is not None or attempt == _ATTEMPTS - 1:
            break
        product.close()
        threading.Event().wait(_BETWEEN)
    return product
