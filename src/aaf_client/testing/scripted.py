"""A firewall in memory that answers as it is told and remembers what it was asked: a `Gate` without a server, a policy or a clock.

What it does with an answer is what the real one does: an action runs at most once, a permit is used up once, a denied action never runs, and a
digest binds the parameters. What it doesn't do: schemas, rules, deadlines, proofs. Nothing in it waits: where nobody has answered a
held action, waiting for it ends at once with `ApprovalTimeout`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any, Literal, ParamSpec, TypeAlias, TypeVar

from aaf_client.awaiting import drive
from aaf_client.canonical import canonical
from aaf_client.codecs import Unfit
from aaf_client.errors import (
    AlreadyConsumed,
    ApprovalTimeout,
    Conflict,
    DigestMismatch,
    Misuse,
    NotFound,
    RequestRefused,
    refusal_of,
)
from aaf_client.gate import APPROVAL_TIMEOUT, Run
from aaf_client.guarding import AwaitedGate, guard
from aaf_client.models import CALLER, Action, ActionStatus, Consumed, Fault, Json, Outcome, Permit
from aaf_client.performing import id_of, named, perform, unrefused, was_reported, wrong_effect

P = ParamSpec("P")
R = TypeVar("R")
_DAY = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One answer. `then` is what people say to a hold, None that they say nothing; `result` and `fails` are of the connector's run."""

    status: Literal[ActionStatus.ALLOWED, ActionStatus.DENIED, ActionStatus.PENDING_APPROVAL]
    code: str = "rule"
    effect: str = CALLER
    then: Literal["approve", "reject"] | None = None
    reason: str = ""
    result: Json = None
    fails: bool = False
    faults: tuple[Fault, ...] = ()


def allow(*, result: Json = None, fails: bool = False, effect: str = "") -> Verdict:
    """Allow; with a `result`, or `fails`, a connector runs it, else the caller does, unless `effect` says otherwise."""
    return Verdict(ActionStatus.ALLOWED, effect=effect or _effect(result, fails=fails), result=result, fails=fails)


def deny(code: str = "rule", *, faults: Mapping[str, str] | None = None) -> Verdict:
    """Deny, with a code of docs/errors.md."""
    found = tuple(Fault(path, message) for path, message in (faults or {}).items())
    return Verdict(ActionStatus.DENIED, code=code, faults=found)


def hold(
    then: Literal["approve", "reject"] | None = None, *, reason: str = "", result: Json = None, effect: str = ""
) -> Verdict:
    """Hold; people answer `then` as soon as somebody waits, or when `approve` and `reject` are called."""
    chosen = effect or _effect(result, fails=False)
    code = "approval_required"
    return Verdict(ActionStatus.PENDING_APPROVAL, code, effect=chosen, then=then, reason=reason, result=result)


def _effect(result: Json, *, fails: bool) -> str:
    return "scripted" if fails or result is not None else CALLER


Script: TypeAlias = Verdict | Sequence[Verdict] | Callable[[str, Mapping[str, Json]], Verdict]
"""An answer for ever, answers one after the other of which the last one stays, or a function of name and parameters."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One submission as it came."""

    name: str
    params: Mapping[str, Json]
    context: Mapping[str, Json]
    server: str | None


@dataclass(slots=True)
class _Kept:
    """An action with what its answers don't show."""

    action: Action
    verdict: Verdict
    params: dict[str, Json]
    lease: str | None = None
    permit: str | None = None


@dataclass(slots=True)
class ScriptedFirewall:
    """A `Gate` that answers by `script`: action type → answer; `*` is for every other type, and without it they are denied.

    Attributes:
        asked: every submission, in order.
        ran: the name of each action that began to run, in order.
    """

    script: Mapping[str, Script] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    _kept: dict[str, _Kept] = field(default_factory=dict, repr=False)
    _keys: dict[str, tuple[bytes, str]] = field(default_factory=dict, repr=False)
    _turn: dict[str, int] = field(default_factory=dict, repr=False)
    _numbers: Any = field(default_factory=lambda: count(1), repr=False)

    # --- for the test -------------------------------------------------------------------------------------------------

    def approve(self, action: Action | str) -> Action:
        """Answer a held action as people would."""
        return self._answer(self._find(action), "approve", "")

    def reject(self, action: Action | str, reason: str = "No.") -> Action:
        """Answer a held action as people would."""
        return self._answer(self._find(action), "reject", reason)

    @property
    def actions(self) -> tuple[Action, ...]:
        """Every action as it stands."""
        return tuple(kept.action for kept in self._kept.values())

    # --- Gate ---------------------------------------------------------------------------------------------------------

    def submit_action(
        self,
        name: str | None = None,
        params: Mapping[str, Any] | None = None,
        *,
        tool: str | None = None,
        operation: str | None = None,
        context: Mapping[str, Any] | None = None,
        server: str | None = None,
        run: Run = False,
        idempotency_key: str | None = None,
    ) -> Action:
        """As `Gate.submit_action`."""
        type_ = ".".join(named(name, tool, operation).values())
        given, claims = _json(params), _json(context)
        body = canonical({"name": type_, "params": given, "context": claims, "server": server, "run": run})
        earlier = self._keys.get(idempotency_key) if idempotency_key is not None else None
        if earlier is not None:
            if earlier[0] != body:
                raise Conflict("This idempotency key stands for another body.", code="idempotency_mismatch", status=409)
            return self._kept[earlier[1]].action
        self.asked.append(Asked(type_, given, claims, server))
        kept = self._new(type_, given, server, self._verdict(type_, given))
        if idempotency_key is not None:
            self._keys[idempotency_key] = (body, kept.action.id)
        if run is True and kept.action.may_run and not kept.action.is_caller_run:
            return self._run(kept)
        return kept.action

    def perform_action(
        self,
        name: str,
        payload: Mapping[str, Any] | None = None,
        *,
        timeout: float = APPROVAL_TIMEOUT,
        context: Mapping[str, Any] | None = None,
        server: str | None = None,
        idempotency_key: str | None = None,
    ) -> Action:
        """As `Gate.perform_action`."""
        view = AwaitedGate(self)
        return drive(
            perform(
                view,
                name,
                payload,
                timeout=timeout,
                context=context,
                server=server,
                idempotency_key=idempotency_key,
                follow=view.get_action,  # a connector's run has ended when its call returns
            )
        )

    def get_action(self, action: Action | str) -> Action:
        """As `Gate.get_action`."""
        return self._find(action).action

    def wait_for_approval(self, action: Action | str, *, timeout: float = APPROVAL_TIMEOUT) -> Action:  # noqa: ARG002 - nothing here waits
        """As `Gate.wait_for_approval`; ends at once."""
        kept = self._find(action)
        if kept.action.status is ActionStatus.PENDING_APPROVAL and kept.verdict.then is not None:
            self._answer(kept, kept.verdict.then, kept.verdict.reason)
        if kept.action.status is ActionStatus.PENDING_APPROVAL:
            raise ApprovalTimeout(kept.action)
        return kept.action

    def execute(self, action: Action, *, timeout: float | None = None) -> Action:  # noqa: ARG002 - as above
        """As `Gate.execute`."""
        if action.is_caller_run:
            raise wrong_effect(action)
        return unrefused(self._run(self._usable(action)))

    def cancel_action(self, action: Action | str) -> Action:
        """As `Gate.cancel_action`."""
        kept = self._find(action)
        if kept.action.status is ActionStatus.CANCELLED:
            return kept.action
        if not kept.action.may_run and kept.action.status is not ActionStatus.PENDING_APPROVAL:
            raise Conflict("This action is closed.", code="action_closed", status=409)
        return self._move(kept, ActionStatus.CANCELLED, "cancelled_by_requester")

    def request_permit(self, action: Action, *, audience: str) -> Permit:
        """As `Gate.request_permit`."""
        kept = self._usable(action)
        if not kept.action.is_caller_run:
            raise Conflict("A connector runs this action.", code="wrong_effect", status=409)
        if not audience:
            raise RequestRefused("An audience has 1 to 256 printable characters.", code="wrong_type", status=400)
        kept.permit = self._number("permit")
        return Permit(jti=kept.permit, action=action.id, digest=action.digest, expires_at=_DAY + timedelta(minutes=1))

    def consume_permit(self, jti: str, *, digest: str) -> Consumed:
        """As `Gate.consume_permit`."""
        for kept in self._kept.values():
            if jti in {kept.permit, kept.lease}:
                break
        else:
            raise NotFound("There is no such permit.", code="unknown_permit", status=404)
        if digest != kept.action.digest:
            raise DigestMismatch("These are not the bytes of this permit.", code="digest_mismatch", status=409)
        if jti == kept.lease or not kept.action.may_run:
            raise AlreadyConsumed("This permit was used before, or is void.", code="already_consumed", status=409)
        kept.lease, kept.permit = jti, None
        self.ran.append(kept.action.type)
        self._move(kept, ActionStatus.EXECUTING, "ok")
        return Consumed(action=kept.action, lease=jti, params=json.loads(json.dumps(kept.params)))

    def report_outcome(self, action: Action | str, *, lease: str, succeeded: bool, result: Json = None) -> Action:
        """As `Gate.report_outcome`."""
        kept = self._find(action)
        if kept.lease is None or lease != kept.lease:
            raise NotFound("There is no such run.", code="not_found", status=404)
        if was_reported(kept.action, succeeded=succeeded):
            return kept.action
        if kept.action.status is not ActionStatus.EXECUTING:
            raise Conflict("The end of this run was recorded before.", code="outcome_conflict", status=409)
        return self._end(kept, result, succeeded=succeeded, source=CALLER)

    def guard(
        self,
        name: str,
        *,
        timeout: float = APPROVAL_TIMEOUT,
        context: Mapping[str, Any] | None = None,
        server: str | None = None,
        audience: str | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """As `Gate.guard`."""
        return guard(self, name, timeout=timeout, context=context, server=server, audience=audience)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _verdict(self, name: str, params: Mapping[str, Json]) -> Verdict:
        script = self.script.get(name, self.script.get("*"))
        match script:
            case None:
                return deny("unknown_action_type")
            case Verdict():
                return script
            case _ if callable(script):
                return script(name, params)
            case _:
                turn = self._turn.get(name, 0)
                self._turn[name] = turn + 1
                return script[min(turn, len(script) - 1)]

    def _new(self, name: str, params: dict[str, Json], server: str | None, verdict: Verdict) -> _Kept:
        id_ = self._number("action")
        digest = sha256(canonical({"id": id_, "name": name, "params": params, "server": server})).hexdigest()
        action = Action(
            id=id_,
            status=verdict.status,
            type=name,
            digest=digest,
            code=verdict.code,
            effect=verdict.effect,
            faults=verdict.faults,
            created_at=_DAY,
            updated_at=_DAY,
        )
        kept = self._kept[id_] = _Kept(action, verdict, params)
        return kept

    def _number(self, kind: str) -> str:
        return f"{kind}-{next(self._numbers)}"

    def _find(self, action: Action | str) -> _Kept:
        kept = self._kept.get(id_of(action))
        if kept is None:
            raise NotFound("There is no such thing, or not for this key.", code="not_found", status=404)
        return kept

    def _usable(self, action: Action) -> _Kept:
        kept = self._find(action)
        if action.digest != kept.action.digest:
            raise DigestMismatch("These are not the bytes that were decided on.", code="digest_mismatch", status=409)
        refused = refusal_of(kept.action)
        if kept.action.may_run:
            return kept
        if kept.lease is not None or refused is None:
            raise AlreadyConsumed("This was used before.", code="already_consumed", status=409)
        raise refused

    def _answer(self, kept: _Kept, verdict: Literal["approve", "reject"], reason: str) -> Action:
        if kept.action.status is not ActionStatus.PENDING_APPROVAL:
            raise Conflict("This request is decided.", code="already_decided", status=409)
        if verdict == "approve":
            return self._move(kept, ActionStatus.APPROVED, "approval_required")
        kept.action = replace(kept.action, rejection=reason)
        return self._move(kept, ActionStatus.REJECTED, "rejected_by_reviewer")

    def _run(self, kept: _Kept) -> Action:
        kept.lease = self._number("run")
        self.ran.append(kept.action.type)
        self._move(kept, ActionStatus.EXECUTING, "ok")
        return self._end(kept, kept.verdict.result, succeeded=not kept.verdict.fails, source="connector")

    def _end(self, kept: _Kept, result: Json, *, succeeded: bool, source: str) -> Action:
        code = "ok" if succeeded else "connector_failed"
        kept.action = replace(kept.action, outcome=Outcome(code, source), result=result if succeeded else None)
        return self._move(kept, ActionStatus.SUCCEEDED if succeeded else ActionStatus.FAILED, code)

    def _move(self, kept: _Kept, status: ActionStatus, code: str) -> Action:
        kept.action = replace(kept.action, status=status, code=code)
        return kept.action


class AsyncScriptedFirewall(AwaitedGate):
    """An `AsyncGate` that answers by a script; `scripted` is what it asks, and what the test looks at."""

    def __init__(self, script: Mapping[str, Script] | None = None) -> None:
        """Answer by `script`, as `ScriptedFirewall` does."""
        self.scripted = ScriptedFirewall(script or {})
        super().__init__(self.scripted)


def _json(values: Mapping[str, Any] | None) -> dict[str, Json]:
    """A copy, as JSON has it."""
    try:
        copied = json.loads(canonical(dict(values or {})))
    except Unfit:
        raise Misuse("A value is not what JSON can hold.") from None
    return dict(copied)
