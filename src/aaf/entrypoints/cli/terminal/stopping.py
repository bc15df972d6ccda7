"""How a command ends other than well: a code, a sentence, what to do next, and the exit status.

Status 1 is an answer, and it is no; status 2 means that the question could not be asked or not be answered. It prints nothing itself.
"""

from enum import IntEnum, unique

from aaf.domain.errors import AafError, ConfigurationInvalid, InputRefused, Unavailable


@unique
class Status(IntEnum):
    """Exit statuses of every command."""

    DONE = 0
    NO = 1
    UNUSABLE = 2
    INTERRUPTED = 130


class Stopped(Exception):
    """The command ends here; `sentence` may hold text of others, so it is rendered when it is printed."""

    def __init__(self, code: str, sentence: str, *, hint: str = "", status: Status = Status.UNUSABLE) -> None:
        """Keep the parts."""
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.hint = hint
        self.status = status


def stopped_by(error: AafError) -> Stopped:
    """The same for an error of the product: bad input and an unusable store are 2, everything else is a no."""
    unusable = isinstance(error, ConfigurationInvalid | InputRefused | Unavailable)
    return Stopped(str(error.code), error.message, hint=error.hint, status=Status.UNUSABLE if unusable else Status.NO)
