"""The parts of a record and of its events that every decision shares: reasons, deadlines, event data.

Nothing here holds a value that somebody sent; names of rules, codes and digests only.
"""

from aaf.domain.canonical import Json, canonical
from aaf.domain.decision import Requirement
from aaf.domain.fragments import items, text
from aaf.domain.record import ActionRecord
from aaf.domain.states import State
from aaf.policy.decision_input import INPUT_VERSION, Input
from aaf.services.core import Known
from aaf.services.judging import Judged

SECOND = 1_000_000


def reasons_of(judged: Judged) -> tuple[dict[str, Json], ...]:
    """Why it was decided so: code, source, name, a sentence; `retry_after` in seconds where a limit knows it, `unknown` where a rule fired for want of a value."""
    return tuple(
        {
            "code": str(vote.code),
            "name": vote.name,
            "reason": vote.reason,
            "source": str(vote.source),
            **({"retry_after": vote.retry_after} if vote.retry_after else {}),
            **({"unknown": True} if vote.unknown else {}),
        }
        for vote in judged.decision.votes
    )


def deadline_of(known: Known, state: State, requirements: tuple[Requirement, ...], now: int) -> int | None:
    """When this state ends by itself, in microseconds: the shortest timeout while pending, the time to use it after a yes."""
    if state is State.PENDING_APPROVAL:
        return now + min(requirement.timeout for requirement in requirements) * SECOND
    if state in {State.ALLOWED, State.APPROVED}:
        return now + known.configuration.use_within * SECOND
    return None


def input_bytes(asked: Input, *, params: bytes, context: bytes) -> bytes:
    """The canonical bytes of `asked.to_json()`, with the two large parts given as they were encoded before.

    Written out as a template because every decision passes here; a test holds it to `canonical`.
    """
    roles, findings = items(map(text, sorted(asked.roles))), items(map(text, sorted(asked.findings)))
    labels = items(map(text, sorted(asked.labels)))
    counters = canonical(dict(asked.counters)) if asked.counters else b"{}"
    return b'{"action":{"id":%b,"name":%b,"operation":%b,"params":%b,"server":%b,"tool":%b},' % (
        text(asked.action_id),
        text(asked.name),
        text(asked.operation),
        params,
        text(asked.server),
        text(asked.tool),
    ) + (
        b'"agent":{"id":%b,"name":%b,"roles":%b},"class":%b,"context":%b,"counters":%b,"findings":%b,"labels":%b,'
        b'"org":%b,"release":%d,"risk":%b,"time":%d,"v":%d}'
    ) % (
        text(asked.agent_id),
        text(asked.agent_name),
        roles,
        text(asked.klass),
        context,
        counters,
        findings,
        labels,
        text(asked.org),
        asked.release,
        text(asked.risk),
        asked.time,
        INPUT_VERSION,
    )


def decision_data(record: ActionRecord, judged: Judged, input_digest: str) -> dict[str, Json]:
    """What the ledger says of a decision."""
    data: dict[str, Json] = {
        "agent": record.agent,
        "class": record.action_class,
        "code": record.code,
        "digest": record.digest,
        "entry": record.entry,
        "input": input_digest,
        "reasons": [{key: value for key, value in reason.items() if key != "reason"} for reason in record.reasons],
        "release": record.release,
        "risk": record.risk,
        "type": record.type,
    }
    if judged.findings:
        data["findings"] = [*sorted({finding.code for finding in judged.findings})]
    if record.requirements and record.state is State.PENDING_APPROVAL:
        data["requirements"] = [requirement.to_json() for requirement in record.requirements]
        data["round"] = record.round
    if record.effect_digest is not None:
        data["effect"] = record.effect_digest
    if record.view_digest is not None:
        data["view"] = record.view_digest
    return data
