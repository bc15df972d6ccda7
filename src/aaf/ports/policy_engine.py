"""What asks policy modules. It decides nothing: an answer is a vote, and none is a deny."""

from typing import Protocol

from aaf.policy.rego.answers import Answer as Says
from aaf.policy.rego.module import Module


class PolicyEngine(Protocol):
    """Asks policy modules. It promises no answer: whatever keeps it from one is a `PolicyFailed`, and the decision is a deny."""

    async def evaluate(
        self,
        modules: tuple[Module, ...],
        applying: tuple[Module, ...],
        document: bytes,
        facts: bytes,
        asker: str = "",
        /,
    ) -> tuple[Says, ...]:
        """What `applying` say of the JSON `document`, in their order; `modules` are all of the release, libraries too.

        `facts` is a JSON object of what the modules' functions may know, by the function's kind and its argument. `asker` is whose
        action it is, so that an engine can set aside who breaks it again and again.

        Raises:
            PolicyFailed: a module failed, took too long, or none can be asked now.
        """

    async def close(self) -> None:
        """End what was started."""
