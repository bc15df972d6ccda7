"""What a hold adds to an action: the view that approvers are shown and the effect that was found, sealed, with their digests."""

from dataclasses import dataclass, replace

from aaf.domain.action_bytes import effect_digest, view_digest
from aaf.domain.canonical import Json, canonical
from aaf.domain.decision import Requirement
from aaf.domain.effect import Effect
from aaf.domain.record import DataKey
from aaf.domain.redaction import Fields
from aaf.domain.view import make_view
from aaf.ports import Write
from aaf.services.core import Core
from aaf.services.judging import Judged
from aaf.services.quoting import effect_without_secrets, without_diff, without_named, without_secrets
from aaf.services.sealing import seal


@dataclass(frozen=True, slots=True)
class Asked:
    """The action that people are asked about."""

    action: str
    requester: str
    name: str
    server: str | None
    params: dict[str, Json]
    context: dict[str, Json]
    salt: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Held:
    """The writes of a hold and what the record keeps of it."""

    writes: tuple[Write, ...]
    view_digest: str
    effect_digest: str | None
    long_values: int


def _shown(judged: Judged, *, hidden: bool) -> Effect | None:
    """The effect as people may see it: where a field is secret by its declaration or its name, a diff could show it and is left out."""
    if judged.effect is None or not (hidden or (judged.entry and judged.entry.secret)):
        return judged.effect
    return without_diff(judged.effect)


def _object(value: Json) -> dict[str, Json]:
    """An object that was one before its secrets were taken out."""
    return value if isinstance(value, dict) else {}


def hold(
    core: Core,
    key: DataKey,
    *,
    agent: str,
    names: Fields,
    what: Asked,
    judged: Judged,
    requirements: tuple[Requirement, ...],
    round_: int,
) -> Held:
    """Make the view and seal it; `agent` is the asking agent's name, `names` those of sensitive fields."""
    params = without_named(names, what.params, judged.entry)
    view = make_view(
        action=what.action,
        agent=agent,
        requester=what.requester,
        name=what.name,
        server=what.server,
        params=_object(without_secrets(core, params)),
        context=_object(without_secrets(core, names.members(what.context))),
        secret=judged.entry.secret if judged.entry else (),
        risk=str(judged.risk),
        action_class=str(judged.input.klass),
        reasons=judged.decision.votes,
        findings=[replace(one, field=str(without_secrets(core, one.field))) for one in judged.findings],
        target=None if judged.target is None else str(without_secrets(core, judged.target)),
        effect=effect_without_secrets(core, _shown(judged, hidden=params is not what.params)),
        digest=what.digest,
        requirements=requirements,
        round_=round_,
    )
    writes: list[Write] = [seal(core, key, owner=what.action, name="view", value=view.bytes)]
    effect = None
    if judged.effect is not None:
        found = canonical(judged.effect.to_json())
        effect = effect_digest(what.salt, found)
        writes.append(seal(core, key, owner=what.action, name="effect", value=found))
    return Held(tuple(writes), view_digest(what.salt, view.bytes), effect, view.long_values)
