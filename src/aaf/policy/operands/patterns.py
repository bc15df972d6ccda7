"""`matches`: whether a regular expression describes the whole of a text.

The engine is RE2, whose time is linear in the text whatever the expression is; it is imported where a rule has an expression only.
A dot stands for any character, a newline too. There is no partial match: an allow can't let through what stands around it.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from aaf.domain.canonical import Json
from aaf.policy.operands.answers import Misfit

MAX_PATTERN = 1_000
_MAX_MEMORY = 1 << 20


def misfit(operand: Json) -> Misfit | None:
    """What is wrong with the expression."""
    if not isinstance(operand, str) or not operand:
        return Misfit("`matches` takes a regular expression", "quote it")
    if len(operand) > MAX_PATTERN:
        return Misfit(f"the expression has more than {MAX_PATTERN} characters", "use `in` for a list of values")
    import re2  # noqa: PLC0415 - only where a rule has an expression

    try:
        _compiled(operand)
    except re2.error as error:
        said = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        hint = "the syntax is RE2's: no look-around, no references to groups"
        return Misfit(f"the expression can't be used: {said[:128]}", hint)
    return None


def asked(operand: str) -> Callable[[str], bool]:
    """Whether the whole of a text is described."""
    match = _compiled(operand).fullmatch
    return lambda text: match(text) is not None


@lru_cache(maxsize=16_384)
def _compiled(pattern: str) -> Any:  # noqa: ANN401 - RE2 has no types
    import re2  # noqa: PLC0415 - as above

    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    return re2.compile(pattern, options)
