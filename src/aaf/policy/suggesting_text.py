"""Suggested rules as YAML: every value in quotes and ASCII, so that what an agent wrote is text and nothing else in a file or on a terminal."""

from collections.abc import Iterable, Mapping

from aaf.domain.canonical import Json
from aaf.domain.decision import Requirement

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz_.")
_BMP = 0xFFFF


def rule_text(name: str, match: Mapping[str, Json], ask: Requirement | None, reason: str) -> str:
    """One item of `rules`; `ask` is what a hold asks for, None writes an allow."""
    lines = [f"- name: {name}", "  match:"]
    lines += [f"    {_key(key)}: {flow(value)}" for key, value in match.items()]
    lines.append(f"  decision: {'allow' if ask is None else 'require_approval'}")
    lines.append(f"  reason: {quoted(reason)}")
    if ask is not None:
        told: dict[str, Json] = {
            "approvers": [*ask.approvers],
            "quorum": ask.quorum,
            "reason_required": ask.reason_required,
        }
        inner = ", ".join(f"{key}: {flow(value)}" for key, value in told.items())
        lines.append(f"  approval: {{{inner}, timeout: {ask.timeout}s}}")
    return "\n".join(lines) + "\n"


def document(rules: Iterable[tuple[Iterable[str], str]], heading: Iterable[str]) -> str:
    """A file with `rules`, each with the comments above it; comments are lines of ours."""
    lines = [*(f"# {line}" for line in heading), "rules:"]
    found = False
    for comments, text in rules:
        found = True
        lines += [f"  # {line}" for line in comments]
        lines += [f"  {line}" for line in text.splitlines()]
    if not found:
        lines[-1] = "rules: []"
    return "\n".join(lines) + "\n"


def flow(value: Json) -> str:
    """A value in one line."""
    match value:
        case dict():
            return "{" + ", ".join(f"{_key(key)}: {flow(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(flow, value)) + "]"
        case str():
            return quoted(value)
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case _:
            return repr(value)


def quoted(text: str) -> str:
    """In double quotes; whatever isn't plain ASCII is an escape of YAML."""
    return '"' + "".join(map(_letter, text)) + '"'


def _letter(letter: str) -> str:
    if letter in '"\\':
        return "\\" + letter
    if " " <= letter <= "~":
        return letter
    return f"\\u{ord(letter):04x}" if ord(letter) <= _BMP else f"\\U{ord(letter):08x}"


def _key(name: str) -> str:
    return name if _PLAIN.issuperset(name) else quoted(name)
