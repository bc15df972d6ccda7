"""Wakes those who wait for an action when this process has changed it. It promises nothing: other processes change actions too."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field


@dataclass(slots=True)
class Wakes:
    """Who waits for which action."""

    _waiting: dict[str, set[asyncio.Event]] = field(default_factory=lambda: defaultdict(set))

    def ring(self, action: str) -> None:
        """Wake everybody who waits for `action`."""
        for event in self._waiting.get(action, ()):
            event.set()

    async def wait(self, action: str, seconds: float) -> None:
        """Return when `action` is rung, or after `seconds`."""
        event = asyncio.Event()
        self._waiting[action].add(event)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
        finally:
            waiting = self._waiting[action]
            waiting.discard(event)
            if not waiting:
                del self._waiting[action]
