"""The root of the error tree and the one error that the models raise; `errors` draws the whole tree and names both.

It stands apart only because the models raise one error and the other errors hold models.
"""

from typing import Any, ClassVar


class AgentFirewallError(Exception):
    """Whatever goes wrong between an agent and its firewall.

    Attributes:
        code: stable for ever; of the firewall's own answers it is the code of docs/errors.md.
        message: one sentence without parameter values or credentials, fit for a model to read.
        hint: what may be done next.
        idempotency_key: where nobody knows if a submission arrived; send it with the same submission to continue it.
    """

    default_code: ClassVar[str] = "error"

    def __init__(self, message: str, *, code: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = hint
        self.idempotency_key = ""

    def __reduce__(self) -> tuple[Any, ...]:
        """As it is: an error that can't cross to another process leaves a pool of processes waiting for ever."""
        return _rebuilt, (type(self), self.args, dict(self.__dict__))

    def __str__(self) -> str:
        """The sentence, and what may be done next."""
        between = "\n" if "\n" in self.message else " "
        return f"{self.message}{between}{self.hint}".rstrip()


def _rebuilt(kind: type[AgentFirewallError], args: tuple[Any, ...], state: dict[str, Any]) -> AgentFirewallError:
    """The error again, without asking its constructor."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class BadAnswer(AgentFirewallError):
    """What came back is no answer of a firewall: rubbish, too much, a redirect, a state that this version doesn't know."""

    default_code = "bad_answer"
