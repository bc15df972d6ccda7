"""A secret that the firewall itself holds, quoted by somebody: found by value, raised as a finding, and taken out of whatever is shown or exported.

The action stays what it is: it is judged, and runs, with the bytes that were sent. A secret that the firewall doesn't hold isn't found.
"""

from collections.abc import Mapping

from aaf.domain.canonical import MAX_DEPTH, Json, canonical
from aaf.domain.effect import Effect
from aaf.domain.errors import Code
from aaf.domain.finding import Finding, Severity
from aaf.services.core import Core

DEPTH = MAX_DEPTH + 2
_NOTE = "A secret that the firewall holds is quoted here; it is shown to nobody."


def quoted(core: Core, *, params: Mapping[str, Json], context: Mapping[str, Json]) -> tuple[Finding, ...]:
    """One finding for each parameter and each field of the context that quotes a secret, in whatever usual encoding."""
    values = core.held_secrets.known()
    if values.empty:
        return ()
    return tuple(
        Finding(str(Code.SECRET_QUOTED), Severity.HIGH, f"{part}.{name}", _NOTE)
        for part, said in (("params", params), ("context", context))
        for name, value in said.items()
        if values.found(canonical({name: value}, max_depth=DEPTH))
    )


def without_secrets(core: Core, value: Json) -> Json:
    """A copy to be shown, with every secret replaced."""
    values = core.held_secrets.known()
    return value if values.empty else values.redacted(value)


def effect_without_secrets(core: Core, effect: Effect | None) -> Effect | None:
    """What a dry run found, to be shown."""
    if effect is None or core.held_secrets.known().empty:
        return effect
    return Effect.from_json(without_secrets(core, effect.to_json()))


def quotes_a_secret(core: Core, value: Json) -> bool:
    """Whether a value may not leave as it is."""
    values = core.held_secrets.known()
    return not values.empty and values.found(canonical(value, max_depth=DEPTH))
