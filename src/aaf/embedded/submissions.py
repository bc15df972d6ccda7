"""A program's values as a submission: what JSON holds exactly, so that nothing exists behind this door that HTTP would not let in.

Values are written and read back, so what the program changes afterwards changes nothing here.
"""

from collections.abc import Mapping
from typing import Any, cast

from aaf.domain.canonical import Json, canonical, parse
from aaf.domain.errors import InputRefused
from aaf.services.forming import Submission, read_submission
from aaf_client.errors import Misuse
from aaf_client.gate import Run
from aaf_client.performing import named

MAX_BODY = 1_048_576
"""Bytes, as for a request."""


def submission_of(
    name: str | None,
    params: Mapping[str, Any] | None,
    *,
    tool: str | None,
    operation: str | None,
    context: Mapping[str, Any] | None,
    server: str | None,
    run: Run,
) -> Submission:
    """Read the arguments of `submit_action`.

    Raises:
        Misuse: the names don't fit together, or a value isn't JSON's.
        InputRefused: as from a request's body.
    """
    body: dict[str, Any] = {
        **named(name, tool, operation),
        "params": dict(params or {}),
        "context": dict(context or {}),
        "server": server,
        "run": run,
    }
    return read_submission(read_back(body))


def read_back(value: object) -> Json:
    """The value as its canonical bytes say it again.

    Raises:
        Misuse: JSON can't hold it exactly, or it is too large; `code` and the sentence say which value.
    """
    try:
        data = canonical(cast("Json", value))
    except InputRefused as refused:
        raise Misuse(
            f"The values can't be sent. {refused.message}", code=str(refused.code), hint=refused.hint
        ) from None
    if len(data) > MAX_BODY:
        raise Misuse("This is larger than any firewall takes.", hint="Send a reference to the data.")
    return parse(data)
