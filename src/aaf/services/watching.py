"""Takes what is saved in a folder into effect while the process runs: whole, by one process of all, and reported where it can't be.

Whoever holds the lease `CONFIGURATION` imports; another that watches the same folder takes over when the lease ends. What is found and not activated,
and why, lies in the store, so that every process can tell it. Nothing is imported in recovery, nor over a release that says that it is managed by
the API. Whatever goes wrong here leaves what is active active; nobody is judged here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from aaf.analysis.secrets import without_recognised
from aaf.domain.api_key import PREFIX
from aaf.domain.errors import AafError, Code, ConfigurationInvalid, ConnectorFailed, Problem, StoreFailed, Unavailable
from aaf.domain.record import ManagedBy, Release, Watch
from aaf.domain.redaction import MASK, Values
from aaf.policy.configuration import Configuration
from aaf.ports import Commit, Folder, Found, Ids, KnownSecrets, Loader, Log, PutWatch, Store
from aaf.services.releases import Activated, activate, record_refusal

CONFIGURATION = "configuration"
"""The lease whose holder imports its folder; the others follow the store."""
HOLD = 6
"""Seconds that it lasts; it is to be renewed more often."""
RETRY = 1_000_000
"""Microseconds after which what could not be activated for another reason than what is in it is tried again."""
_SECONDS = 1_000_000
_KEY = re.compile(re.escape(PREFIX) + r"\S+", re.IGNORECASE)
_HIDDEN = "the problem can't be told, because the secrets to be kept out of it can't be read"


@dataclass(frozen=True, slots=True)
class Desk:
    """What importing works with: the ports, whose configuration it is, and who does it from which folder.

    `lasting` says whether the process stays: only then it keeps what it found for the others, whom a visit tells nothing.
    """

    store: Store
    ids: Ids
    loader: Loader
    secrets: KnownSecrets
    org: str
    process: str
    pid: int
    folder: str
    lasting: bool = True


@dataclass(frozen=True, slots=True)
class Refused:
    """What was found has problems; `release` is the number that stays active, 0 where there is none."""

    invalid: ConfigurationInvalid
    release: int


@dataclass(frozen=True, slots=True)
class Unchanged:
    """What was found is what is active; `mended` where something else had been refused before."""

    release: Release
    mended: bool


@dataclass(frozen=True, slots=True)
class Delayed:
    """What was found could not be activated now, for a reason that isn't in it; it will be tried again."""

    failure: AafError


Imported: TypeAlias = Activated | Refused | Unchanged


async def import_files(desk: Desk, found: Found, *, message: str) -> Imported:
    """Activate what was found, or record why not.

    Raises:
        StoreFailed: the store is in recovery, or can't take it.
        Unavailable: others activated at the same time, three times over, or took over meanwhile.
    """

    async def check(active: Release | None, configuration: Configuration) -> None:
        await _check_turn(desk, active, configuration)

    active = await desk.store.release(desk.org)
    before = await desk.store.watch(desk.org)
    number = active.number if active else 0
    try:
        if found.problems:
            raise ConfigurationInvalid(found.problems)  # noqa: TRY301 - the same way as for what doesn't compile
        done = await activate(
            desk.store,
            desk.ids,
            desk.loader,
            org=desk.org,
            files=found.files,
            author="system",
            message=message,
            check=check,
        )
    except ConfigurationInvalid as invalid:
        if found.problems:
            await record_refusal(desk.store, desk.ids, desk.org, found.source, len(found.problems))
        told = told_problems(invalid.problems, desk.secrets)
        await _keep(desk, before, found.source, number, told)
        return Refused(ConfigurationInvalid(told), number)
    await _keep(desk, before, found.source, done.release.number, ())
    if done.new:
        return done
    return Unchanged(done.release, mended=before is not None and bool(before.problems) and before.release == number)


async def _check_turn(desk: Desk, active: Release | None, configuration: Configuration) -> None:
    """Compiling takes longer than a lease: whoever activated meanwhile is not written over with what was read before.

    The commit compares the number of `active`, so what is asked here still holds then.

    Raises:
        Unavailable: another process imports by now, or the API manages the configuration by now.
    """
    if active is None:
        return
    if active.managed_by is ManagedBy.API and configuration.managed_by is not ManagedBy.FILE:
        raise Unavailable(Code.STORE_CONFLICT, "The configuration is managed by the API by now.")
    if not await desk.store.take_lease(CONFIGURATION, desk.process, HOLD):
        raise Unavailable(Code.STORE_CONFLICT, "Another process imports the configuration by now.")


async def takes_over(desk: Desk, found: Found) -> bool:
    """Whether a folder says in so many words (`managed_by: file`) that it is what counts, also over what was changed by API."""
    try:
        configuration = await desk.loader.load(found.files)
    except ConfigurationInvalid:
        return False
    return configuration.managed_by is ManagedBy.FILE


async def _keep(desk: Desk, before: Watch | None, source: str, release: int, problems: tuple[Problem, ...]) -> None:
    """Keep what was found, where it isn't what is kept."""
    now = await desk.store.now()
    watch = Watch(desk.org, desk.process, desk.pid, desk.folder, source, release, now, problems)
    if desk.lasting and (before is None or _same(before) != _same(watch)):
        await desk.store.commit(Commit(desk.org, (PutWatch(watch),), ()))


def _same(watch: Watch) -> tuple[object, ...]:
    """Everything but the time."""
    return (watch.process, watch.pid, watch.folder, watch.source, watch.release, watch.problems)


def told_problems(problems: Iterable[Problem], secrets: KnownSecrets) -> tuple[Problem, ...]:
    """Problems as they may be kept and told: what looks like a credential, or is one that the firewall holds, is replaced."""
    try:
        values: Values | None = secrets.known()
    except ConnectorFailed:
        values = None

    def clean(text: str, hidden: str) -> str:
        if values is None:
            return hidden
        plain = text.encode("utf-8", "backslashreplace").decode()
        known = plain if values.empty else str(values.redacted(plain))
        return _KEY.sub(MASK, without_recognised(known))

    return tuple(
        Problem(clean(one.file, "?"), one.line, one.column, clean(one.message, _HIDDEN), clean(one.hint, ""))
        for one in problems
    )


class Watcher:
    """One process's part in it. `look` and `keep` are to be called again and again, `look` several times a second, `keep` every second."""

    def __init__(self, desk: Desk, folder: Folder, log: Log, *, holds: bool) -> None:
        """Begin; `holds` says whether the process has the lease."""
        self._desk = desk
        self._folder = folder
        self._log = log
        self._pending: Found | None = None
        self._last: Found | None = None
        self._epoch = -1
        self._number = 0
        self._retry_at = 0
        self._why = ""
        self._seed = ""
        self.holds = holds

    @property
    def waits(self) -> bool:
        """Whether something was found that could not be activated yet."""
        return self._pending is not None and bool(self._why)

    async def keep(self) -> None:
        """Renew the lease, or take one that has ended where its holder watched the same folder.

        Raises:
            StoreFailed: the store can't be asked; until it can, nothing is imported here.
        """
        store, process = self._desk.store, self._desk.process
        held, self.holds = self.holds, False
        if held or await self._vacant():
            self.holds = await store.take_lease(CONFIGURATION, process, HOLD)
        if self.holds and not held:
            self._pending = self._last = None
            self._folder.forget()
        if self.holds:
            await self._compare()

    async def _compare(self) -> None:
        """Whether another release became active than the one that was compared with what is in the folder."""
        epoch = await self._desk.store.epoch(self._desk.org)
        if epoch == self._epoch:
            return
        active = await self._desk.store.release(self._desk.org)
        number = active.number if active else 0
        if number != self._number and self._pending is None:
            self._pending, self._retry_at = self._last, 0
        self._epoch, self._number = epoch, number

    async def _vacant(self) -> bool:
        """Whether nobody imports, and nobody imported another folder before."""
        store = self._desk.store
        lease, watch = await store.lease(CONFIGURATION), await store.watch(self._desk.org)
        ended = lease is None or lease.ends_at <= await store.now() or lease.holder == self._desk.process
        return ended and (watch is None or watch.folder == self._desk.folder)

    async def look(self) -> Imported | Delayed | None:
        """Import what is new; None where nothing is, or where it isn't for this process to import."""
        if not self.holds:
            return None
        try:
            found = await self._folder.look()
            if found is not None:
                self._pending = self._last = found
                self._retry_at = 0
            return await self._import(self._pending) if self._pending is not None else None
        except AafError as failure:
            return self._delayed(failure)
        except Exception as failure:  # noqa: BLE001 - a watch that ended would leave the folder unread for good
            if self._is_news(type(failure).__name__):
                self._log.entry("watch_crashed", {"cause": type(failure).__name__})
            return None

    async def _import(self, found: Found) -> Imported | None:
        """Import, unless it isn't time yet, or the folder is only the seed."""
        store = self._desk.store
        now = await store.now()
        if now < self._retry_at:
            return None
        self._retry_at = now + RETRY
        active = await store.release(self._desk.org)
        if active is not None and active.managed_by is ManagedBy.API and not await self._takes_over(found):
            self._why = ""
            return None  # it stays pending: it counts as soon as a release says that files are what counts
        if await store.recovering() is not None and (active is None or active.source != found.source):
            raise _recovering()
        done = await import_files(self._desk, found, message="saved in the folder")
        self._pending, self._why = None, ""
        self._number = done.release if isinstance(done, Refused) else done.release.number
        return done

    async def _takes_over(self, found: Found) -> bool:
        """Whether the folder itself says that it is what counts; the same content is looked into once."""
        if self._seed == found.source:
            return False
        over = await takes_over(self._desk, found)
        self._seed = "" if over else found.source
        return over

    def _delayed(self, failure: AafError) -> Delayed | None:
        """That it has to wait, told once."""
        if not self._is_news(str(failure.code)):
            return None
        self._log.entry("configuration_not_activated", {"code": str(failure.code)})
        return Delayed(failure)

    def _is_news(self, why: str) -> bool:
        """Whether this isn't what was said last."""
        news, self._why = why != self._why, why
        return news


def _recovering() -> StoreFailed:
    """Why nothing is imported."""
    return StoreFailed(
        Code.RECOVERING,
        "The store is in recovery, so no configuration is activated.",
        hint="A person has to release it; see `aaf recover --help`.",
    )
