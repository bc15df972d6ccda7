"""One adapter a port, by the settings and by whether there is an event loop to wait on."""

import os
from collections.abc import Mapping

from aaf.adapters.keys import KeyRing
from aaf.bootstrap.installation import sealed_file
from aaf.domain.metering import UNCOUNTED, Metric
from aaf.policy.configuration import Configuration
from aaf.ports import HeldSecrets, Loader, Log, Meter, PolicyEngine, Store
from aaf.settings import Settings


def engine_of(meter: Meter, *, asynchronous: bool) -> PolicyEngine:
    """What asks policy modules; it starts with the first question."""
    from aaf.adapters.rego.when_needed import WhenNeeded

    def make() -> PolicyEngine:
        from aaf.adapters.rego.engine import Engine

        workers = min(2, os.cpu_count() or 1)
        if asynchronous:
            from aaf.adapters.rego.waiting_asyncio import OnLoop

            return Engine(OnLoop(workers), workers=workers, meter=meter)
        from aaf.adapters.rego.waiting import Blocking as Blocked

        return Engine(Blocked(workers), workers=workers, meter=meter)

    return WhenNeeded(make)


def loader_of(*, asynchronous: bool) -> Loader:
    """What compiles configurations; on a thread where there is a loop."""
    if asynchronous:
        from aaf.adapters.loading_asyncio import OnThread

        return OnThread()
    return LoadingInPlace()


class LoadingInPlace:
    """Imports what compiles with the first configuration: a start from a stored release pays for none of it."""

    async def load(self, files: Mapping[str, bytes], /) -> Configuration:
        """Compile here and now.

        Raises:
            ConfigurationInvalid: it has problems.
        """
        from aaf.adapters.loading import InPlace

        return await InPlace().load(files)


def meter_of(settings: Settings, store: Store, *, asynchronous: bool) -> Meter:
    """A server counts; in process nobody scrapes."""
    if not asynchronous:
        return UNCOUNTED
    from aaf.adapters.meter import Counting

    meter = Counting(public=settings.metrics == "open")
    meter.gauge(Metric.STORE_QUEUE, lambda: getattr(store, "queued", 0))
    return meter


def log_of(settings: Settings, meter: Meter, *, asynchronous: bool) -> Log:
    """Lines on standard error, of a server or where a setting asks for them; in process the host program's log."""
    from aaf.adapters.log import HostLog, JsonLines, Severity

    if settings.log is None and not asynchronous:
        return HostLog()
    least = Severity[(settings.log or "info").upper()]
    return JsonLines(least=least, lost=lambda count: meter.add(Metric.LOG_LINES_LOST, by=count))


def secrets_of(settings: Settings, ring: KeyRing, *, asynchronous: bool) -> HeldSecrets:
    """Where connectors get credentials from; a server takes those of its environment out of it, for no child to inherit."""
    from aaf.adapters.secrets.environment import EnvironmentSecrets
    from aaf.adapters.secrets.in_order import InOrder

    environment = EnvironmentSecrets.taken(remove=asynchronous)
    if settings.store == "memory":
        return InOrder(environment)
    return InOrder(sealed_file(settings, ring), environment)
