"""An engine that is made when the first module is asked: whoever has none loads nothing for it and starts no process."""

import threading
from collections.abc import Callable

from aaf.policy.rego.answers import Answer
from aaf.policy.rego.module import Module
from aaf.ports import PolicyEngine


class WhenNeeded:
    """`aaf.ports.PolicyEngine`, made by `make` at the first question."""

    def __init__(self, make: Callable[[], PolicyEngine]) -> None:
        """Make nothing yet."""
        self._make = make
        self._made: PolicyEngine | None = None
        self._lock = threading.Lock()

    async def evaluate(
        self,
        modules: tuple[Module, ...],
        applying: tuple[Module, ...],
        document: bytes,
        facts: bytes,
        asker: str = "",
        /,
    ) -> tuple[Answer, ...]:
        """Ask the one that is there by then.

        Raises:
            PolicyFailed: there is no answer, for whatever reason.
        """
        made = self._made
        if made is None:
            with self._lock:
                made = self._made = self._made or self._make()
        return await made.evaluate(modules, applying, document, facts, asker)

    async def close(self) -> None:
        """End it, if it was made."""
        if self._made is not None:
            await self._made.close()
