"""Secrets in what somebody says: found, raised as a finding, and taken out of whatever is shown or exported.

Those that the firewall itself holds are found by value, in every usual encoding; others by the form that their issuers give them. The
action stays what it is: it is judged, and runs, with the bytes that were sent.
"""

from collections.abc import Iterator
from dataclasses import replace

from aaf.analysis.secrets import TOO_MANY, may_hold_one, recognised, without_recognised
from aaf.domain.canonical import MAX_DEPTH, Json, canonical
from aaf.domain.effect import Effect
from aaf.domain.errors import Code, ConnectorFailed, Unavailable
from aaf.domain.finding import Finding, Severity
from aaf.domain.redaction import MASK, Fields, Values, each_text, texts
from aaf.policy.catalogue import Entry
from aaf.services.core import Core

DEPTH = MAX_DEPTH + 2
_NOTE = "A secret that the firewall holds is quoted here; it is shown to nobody."


def quoted(core: Core, *, params: dict[str, Json], context: dict[str, Json]) -> tuple[Finding, ...]:
    """The findings of each parameter and each field of the context in which there is a secret."""
    values = _held(core)
    if values.empty and not may_hold_one("\n".join(text for said in (params, context) for text in texts(said))):
        return ()
    return tuple(
        finding
        for part, said in (("params", params), ("context", context))
        for name, value in said.items()
        for finding in _findings(values, f"{part}.{name}", {name: value})
    )


def _held(core: Core) -> Values:
    """A finder of the secrets that the firewall holds.

    Raises:
        Unavailable: they can't be read, so nobody knows what may be shown.
    """
    try:
        return core.held_secrets.known()
    except ConnectorFailed as failure:
        raise Unavailable(failure.code, failure.message, hint=failure.hint, detail=failure.detail) from None


def _findings(values: Values, field: str, value: Json) -> Iterator[Finding]:
    if not values.empty and values.found(canonical(value, max_depth=DEPTH)):
        yield Finding(str(Code.SECRET_QUOTED), Severity.HIGH, field, _NOTE)
    found = [one for text in texts(value) for one in recognised(text)]
    if found:
        kinds = " and ".join(sorted({one.kind for one in found}))
        severity = Severity.HIGH if any(one.certain for one in found) else Severity.MEDIUM
        note = f"What looks like {kinds} stands here; people are shown {MASK} in its place."
        yield Finding(str(Code.SECRET_DETECTED), severity, field, note)


def without_named(names: Fields, params: dict[str, Json], entry: Entry | None) -> dict[str, Json]:
    """The parameters without values of sensitive names, however deep; the same object where there are none.

    What the catalogue says an approver has to see stays.
    """
    return names.members(params, at="params", but=entry.always_shown if entry else ())


def without_secrets(core: Core, value: Json) -> Json:
    """A copy to be shown, with every secret replaced."""
    values = _held(core)
    known = value if values.empty else values.redacted(value)
    return each_text(known, without_recognised)


def effect_without_secrets(core: Core, effect: Effect | None) -> Effect | None:
    """What a dry run found, to be shown; without its diff, and saying so, where a secret goes over several lines of that."""
    if effect is None:
        return None
    shown = Effect.from_json(without_secrets(core, effect.to_json()))
    if shown.diff is None or (clean := _clean_lines(core, shown.diff)) is None:
        return without_diff(shown)
    return replace(shown, diff=clean)


def without_diff(effect: Effect) -> Effect:
    """An effect whose diff would show a secret, and that says that there is one."""
    if effect.diff is None:
        return effect
    return replace(
        effect, diff=None, summary=f"{effect.summary}; the difference is not shown, because it could show a secret"
    )


def too_crowded(params: Json, context: Json, effect: Effect | None = None) -> bool:
    """Whether a text has more possible credentials than are looked at: what can't be told apart from them can't be shown."""
    said = [*texts(params), *texts(context)]
    if effect is not None:
        said += texts(effect.to_json())
        said.append(_without_signs(effect.diff or ""))
    return any(one.kind == TOO_MANY for text in said for one in recognised(text))


def _without_signs(diff: str) -> str:
    return "\n".join(line[1:] for line in diff.split("\n"))


def _clean_lines(core: Core, diff: str) -> str | None:
    """A diff whose lines are clean without the sign that each begins with, too."""
    lines = diff.split("\n")
    clean = str(without_secrets(core, _without_signs(diff))).split("\n")
    if len(clean) != len(lines):
        return None
    return "\n".join(line[:1] + rest for line, rest in zip(lines, clean, strict=True))


def quotes_a_secret(core: Core, value: Json) -> bool:
    """Whether a value may not leave as it is."""
    return holds_a_secret(core, value) or any(recognised(text) for text in texts(value))


def holds_a_secret(core: Core, value: Json) -> bool:
    """Whether a secret that the firewall holds stands in a value, in whatever encoding."""
    values = _held(core)
    return not values.empty and bool(values.found(canonical(value, max_depth=DEPTH)))
