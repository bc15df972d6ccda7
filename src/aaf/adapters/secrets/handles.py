"""What a handle and a secret's value may be, the same for every provider, and the error that says no more than the handle.

A value that is too short to be told from other text couldn't be taken out of what comes back, so it is no secret here.
"""

import re

from aaf.domain.errors import Code, ConnectorFailed, InputRefused
from aaf.domain.redaction import SHORTEST

LONGEST = 8_192
_HANDLE = re.compile(r"[a-z][a-z0-9_]{0,63}")


def check_handle(handle: str) -> None:
    """Check a handle.

    Raises:
        InputRefused: it isn't lower case letters, digits and `_`.
    """
    if not _HANDLE.fullmatch(handle):
        raise InputRefused(
            Code.WRONG_TYPE, "A handle is lower case letters, digits and _, at most 64.", hint="Such as smtp_password."
        )


def check_value(value: str) -> None:
    """Check a secret's value.

    Raises:
        InputRefused: it is too short, too long, holds a control character, or begins or ends with a blank.
    """
    if not SHORTEST <= len(value) <= LONGEST:
        raise InputRefused(
            Code.WRONG_TYPE,
            f"A secret has {SHORTEST} to {LONGEST} characters.",
            hint="A shorter one could not be told from other text, so it could not be redacted.",
        )
    if not value.isprintable():
        raise InputRefused(Code.WRONG_TYPE, "A secret holds no control characters.", hint="Put it on one line.")
    if value != value.strip():
        raise InputRefused(
            Code.WRONG_TYPE, "A secret neither begins nor ends with a blank.", hint="Look how it was copied."
        )


def unavailable(detail: str) -> ConnectorFailed:
    """The failure of an action whose secret can't be had; `detail` names the cause for the log, never a value."""
    return ConnectorFailed(
        Code.SECRET_UNAVAILABLE,
        "A credential that this action needs can't be had.",
        hint="Ask an operator; nothing was sent.",
        detail=detail,
    )
