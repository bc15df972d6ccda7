"""How a command ends other than well: a code, a sentence, what to do next, and the exit status.

Status 1 is an answer, and it is no; status 2 means that the question could not be asked or not be answered. An API key in any of its texts
is masked, whoever put it there, and one in the place of something else ends it. It prints nothing itself.
"""

import re
from enum import IntEnum, unique

from aaf.domain.api_key import PREFIX
from aaf.domain.errors import AafError, ConfigurationInvalid, InputRefused, Unavailable
from aaf.domain.redaction import MASK

_KEY = re.compile(re.escape(PREFIX) + r"\S+", re.IGNORECASE)


@unique
class Status(IntEnum):
    """Exit statuses of every command."""

    DONE = 0
    NO = 1
    UNUSABLE = 2
    INTERRUPTED = 130


def masked(text: str) -> str:
    """The text without API keys, also of keys that are none: a mistyped one differs little from a good one."""
    return _KEY.sub(MASK, text)


class Stopped(Exception):
    """The command ends here; `sentence` may hold text of others, so it is rendered when it is printed."""

    def __init__(self, code: str, sentence: str, *, hint: str = "", status: Status = Status.UNUSABLE) -> None:
        """Keep the parts, without keys."""
        super().__init__(masked(sentence))
        self.code = masked(code)
        self.sentence = masked(sentence)
        self.hint = masked(hint)
        self.status = status


def stopped_by(error: AafError) -> Stopped:
    """The same for an error of the product: bad input and an unusable store are 2, everything else is a no."""
    unusable = isinstance(error, ConfigurationInvalid | InputRefused | Unavailable)
    return Stopped(str(error.code), error.message, hint=error.hint, status=Status.UNUSABLE if unusable else Status.NO)


def no_key(given: str, *, wanted: str, hint: str) -> None:
    """Refuse a key where something else is wanted.

    Raises:
        Stopped: it is one.
    """
    if PREFIX in given.lower():
        raise Stopped(
            "wrong_type",
            f"That is a key, not {wanted}.",
            hint=f"{hint} What was typed stays in the shell's history: revoke the key if it is good.",
        )
