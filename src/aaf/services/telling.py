"""How an action is told to whoever asked, the same through every door. An agent is told codes and what to do next, never a rule's name.

Times are RFC 3339 in UTC with microseconds; digests are lowercase hex.
"""

from collections.abc import Iterable, Mapping

from aaf.domain.advice import advise
from aaf.domain.canonical import Json
from aaf.domain.errors import Code
from aaf.domain.instants import instant
from aaf.domain.principal import Permission
from aaf.domain.record import ActionRecord
from aaf.domain.states import State
from aaf.services.actions import Seen
from aaf.services.core import Caller


def tell(
    caller: Caller,
    record: ActionRecord,
    *,
    result: Json = None,
    rejection: str | None = None,
    faults: Iterable[Mapping[str, Json]] = (),
) -> dict[str, Json]:
    """The action as `caller` may see it; `reasons`, `release` and `requirements` only with the right to an explanation."""
    advice = advise(record.state, Code(record.code))
    outcome = record.outcome
    told: dict[str, Json] = {
        "id": record.id,
        "status": record.state,
        "type": record.type,
        "agent": record.agent,
        "class": record.action_class,
        "risk": record.risk,
        "digest": record.digest,
        "code": record.code,
        "message": advice.message,
        "next": advice.next,
        "effect": record.effect,
        "run": record.run,
        "created_at": instant(record.created_at),
        "updated_at": instant(record.updated_at),
        "deadline": None if record.deadline is None else instant(record.deadline),
        "faults": [{"path": str(fault["path"]), "message": str(fault["message"])} for fault in faults],
        "outcome": None if outcome is None else {"code": str(outcome["code"]), "source": str(outcome["source"])},
        "rejection": rejection,
        "result": result,
        "retry_after": retry_after(record),
    }
    if caller.principal.may(Permission.ORG_DECISION_EXPLAIN):
        told["reasons"] = list(record.reasons)
        told["release"] = record.release
        told["requirements"] = asked_of_people(record)
    return told


def retry_after(record: ActionRecord) -> int | None:
    """After how many seconds from the decision the same may be answered otherwise; None unless limits alone denied it and all know."""
    waits = [wait for one in record.reasons if isinstance(wait := one.get("retry_after"), int)]
    if record.state is not State.DENIED or not waits or len(waits) < len(record.reasons):
        return None
    return max(waits)


def tell_seen(caller: Caller, seen: Seen) -> dict[str, Json]:
    """An action that was read."""
    return tell(caller, seen.record, result=seen.result, rejection=seen.rejection, faults=seen.faults)


def asked_of_people(record: ActionRecord) -> list[Json]:
    """What a hold asks of people."""
    return [
        {
            "approvers": list(one.approvers),
            "quorum": one.quorum,
            "reason_required": one.reason_required,
            "timeout": one.timeout,
        }
        for one in record.requirements
    ]
