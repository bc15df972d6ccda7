"""A firewall in the agent's own process: the `Gate` of the client, answered by the services without a server or an event loop.

It submits and runs for one agent and can't review: that takes `Firewall.reviewer` and a person's key. It decides nothing itself, and nothing
runs twice: repeating is the store's word.
"""

import os
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar, cast

from aaf.bootstrap import FIRST_ADMIN, Part
from aaf.domain.canonical import Json
from aaf.domain.errors import AafError, Code, NotAuthenticated, StateConflict, Unavailable
from aaf.domain.instants import instant
from aaf.domain.principal import Kind
from aaf.embedded.opening import Opened, existing, folder_of, holder
from aaf.embedded.reviewing import Reviewer
from aaf.embedded.submissions import read_back, submission_of
from aaf.embedded.translating import translated, translating
from aaf.ports import Log
from aaf.services import actions, permits
from aaf.services.access import first_key
from aaf.services.core import Caller, Core
from aaf.services.execute import execute
from aaf.services.local_agents import enter
from aaf.services.submit import submit
from aaf.services.telling import tell, tell_seen
from aaf.settings import Settings
from aaf_client import clock, errors
from aaf_client.awaiting import drive
from aaf_client.errors import refusal_of
from aaf_client.gate import APPROVAL_TIMEOUT, RUN_TIMEOUT, Run
from aaf_client.guarding import AwaitedGate, guard
from aaf_client.models import MOVING, Action, ActionStatus, Consumed, Permit
from aaf_client.performing import id_of, perform, unrefused, was_reported, wrong_effect

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
Work = Callable[[Core, Caller], Coroutine[Any, Any, T]]

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.02, 0.5, 1.5
"""Seconds between two looks at the store while waiting."""

_NEW_KEY = "Ask an administrator for a new key, and open with `key=`."


class Firewall:
    """One agent's firewall, in this process. Open it with `open`; close it, or use it as a context."""

    def __init__(self, opened: Opened, caller: Caller) -> None:
        """Use `open`."""
        self._opened = opened
        self._caller = caller
        self.agent_id = caller.principal.id

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str] = ".aaf",
        *,
        agent: str = "agent",
        config: str | os.PathLike[str] | None = None,
        root: str | os.PathLike[str] | None = None,
        key: str | None = None,
        log: Log | None = None,
    ) -> Self:
        """Open the installation in the folder `path` for the agent named `agent`; both are made where they are not there.

        Any number of processes may have one folder open, servers too. The first administrator's key is not made here: an agent's process
        never has it.

        Args:
            path: the folder of database and keys, as a server takes it with `--data`, or the database file in it. It is made with mode 0700.
            agent: the agent's name; name each where there are several, or they are one. One that an administrator made needs `key`.
            config: the folder of `aaf.yaml`, `actions/` and `policies/`; it is activated if it isn't active. None leaves what is
                active, or the shipped safe configuration.
            root: the folder that file actions may touch, over the configuration's.
            key: a key of this agent, where an administrator made it.
            log: where causes go; by default the logger `aaf`, each line at its severity.

        Raises:
            Misuse: no folder, a broken configuration (every problem with file, line and column), or a person's key.
            NotAuthenticated: the agent needs a key, or the key isn't good.
            Unavailable: the database or a key file can't be used, or another configuration is in force.
        """
        settings = Settings(
            data=folder_of(path),
            config=None if config is None else Path(config).expanduser().absolute(),
            root=None if root is None else Path(root).expanduser().absolute(),
        )
        opened = Opened.open(settings, part=Part.AGENT, log=log)
        try:
            with translating():
                if key is None:
                    caller = opened.run(lambda core: enter(core, org=opened.org, name=agent))
                else:
                    caller = opened.run(lambda core: holder(core, key=key, agent=agent))
        except BaseException:
            opened.close()
            raise
        if caller.principal.kind is Kind.USER:
            opened.close()
            raise errors.Misuse("This is a person's key.", hint="An agent has a key of its own, and never a person's.")
        return cls(opened, caller)

    @staticmethod
    def reviewer(path: str | os.PathLike[str], *, key: str, log: Log | None = None) -> Reviewer:
        """Open an installation for a person who reviews; `key` is theirs.

        Raises:
            Misuse: there is no installation.
            NotAuthenticated: the key isn't good.
            NotPermitted: it is no person's, or they may not see approvals.
        """
        return Reviewer.open(existing(path), key=key, log=log)

    @staticmethod
    def first_key(path: str | os.PathLike[str]) -> str:
        """Make the first administrator's key of an installation and return it, once; for a person, not for an agent's program.

        Raises:
            Misuse: there is no installation.
            Conflict: it was made before.
        """
        opened = Opened.open(Settings(data=existing(path)), part=Part.PERSON, log=None)
        try:
            with translating():
                made = opened.run(lambda core: first_key(core, org=opened.org, name=FIRST_ADMIN))
        finally:
            opened.close()
        if made is None:
            raise errors.Conflict(
                "The first key was made before.",
                hint="Ask whoever has it; an administrator makes further ones.",
                status=409,
            )
        return made.secret

    # --- one call -----------------------------------------------------------------------------------------------------

    def _ask(self, work: Work[T], *, fresh: bool = True) -> T:
        """Run one service call; `fresh` unless every answer of it is a commit, which the store compares by itself."""

        async def whole(core: Core) -> T:
            try:
                return await work(core, await self._caller.again(core, fresh=fresh))
            except NotAuthenticated as refused:
                raise NotAuthenticated(refused.code, refused.message, hint=_NEW_KEY) from None

        return self._opened.run(whole)

    # --- the gate -----------------------------------------------------------------------------------------------------

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
        with translating():
            asked = submission_of(name, params, tool=tool, operation=operation, context=context, server=server, run=run)

            async def work(core: Core, caller: Caller) -> dict[str, Json]:
                submitted = await submit(core, caller, asked, idempotency_key=idempotency_key)
                if not submitted.created:
                    return tell_seen(caller, await actions.see(core, caller, submitted.record.id))
                return tell(caller, submitted.record, result=submitted.result, faults=submitted.faults)

            return _action(self._ask(work, fresh=False))

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
        return drive(
            perform(
                AwaitedGate(self),
                name,
                payload,
                timeout=timeout,
                context=context,
                server=server,
                idempotency_key=idempotency_key,
                follow=self._follow,
            )
        )

    def get_action(self, action: Action | str) -> Action:
        """As `Gate.get_action`."""
        with translating():
            return self._read(id_of(action))

    def wait_for_approval(self, action: Action | str, *, timeout: float = APPROVAL_TIMEOUT) -> Action:
        """As `Gate.wait_for_approval`."""
        return self._settled(id_of(action), {ActionStatus.PENDING_APPROVAL}, clock.now() + timeout)

    def execute(self, action: Action, *, timeout: float | None = None) -> Action:  # noqa: ARG002 - the run is in this call
        """As `Gate.execute`; the run is in this process and ends by itself, `run_timeout` of the configuration says when."""
        if action.is_caller_run:
            raise wrong_effect(action)

        async def work(core: Core, caller: Caller) -> dict[str, Json]:
            ran = await execute(core, caller, action.id, digest=action.digest)
            return tell(caller, ran.record, result=ran.result)

        with translating():
            self._opened.check()
            try:
                ran = _action(self._ask(work))
            except StateConflict as conflict:
                raise self._why(action, conflict) from None
            except Unavailable as failure:
                now = self._look(action)
                if now is not None and now.may_run:
                    raise
                if now is None or now.status in MOVING:
                    # The connector may have run although its end could not be recorded.
                    raise errors.OutcomeUnknown(
                        "The end of the run could not be recorded.", action_id=action.id, action=now
                    ) from translated(failure)
                ran = now
        return unrefused(ran)

    def cancel_action(self, action: Action | str) -> Action:
        """As `Gate.cancel_action`; one that was taken back already is what was asked for."""
        id_ = id_of(action)

        async def work(core: Core, caller: Caller) -> dict[str, Json]:
            return tell(caller, await actions.cancel(core, caller, id_))

        with translating():
            try:
                return _action(self._ask(work))
            except StateConflict:
                now = self._read(id_)
                if now.status is ActionStatus.CANCELLED:
                    return now
                raise

    def request_permit(self, action: Action, *, audience: str) -> Permit:
        """As `Gate.request_permit`."""

        async def work(core: Core, caller: Caller) -> permits.Issued:
            return await permits.issue(core, caller, action.id, digest=action.digest, audience=audience)

        with translating():
            try:
                issued = self._ask(work)
            except StateConflict as conflict:
                raise self._why(action, conflict) from None
        told: Any = {
            "jti": issued.permit.jti,
            "token": issued.token,
            "expires_at": instant(issued.permit.expires_at),
        }
        return Permit.from_json(told, action=action.id, digest=action.digest)

    def consume_permit(self, jti: str, *, digest: str) -> Consumed:
        """As `Gate.consume_permit`."""

        async def work(core: Core, caller: Caller) -> dict[str, Json]:
            consumed = await permits.consume(core, caller, jti, digest=digest)
            return {"action": tell(caller, consumed.record), "params": consumed.params}

        with translating():
            return Consumed.from_json(cast("Any", self._ask(work)), lease=jti)

    def report_outcome(self, action: Action | str, *, lease: str, succeeded: bool, result: Any = None) -> Action:  # noqa: ANN401 - JSON of the client's
        """As `Gate.report_outcome`."""
        id_ = id_of(action)
        reported = read_back(result)

        async def work(core: Core, caller: Caller) -> dict[str, Json]:
            ran = await permits.report(core, caller, id_, lease=lease, succeeded=succeeded, result=reported)
            return tell(caller, ran.record, result=ran.result)

        with translating():
            try:
                return _action(self._ask(work))
            except StateConflict as conflict:
                now = self._read(id_)
                if conflict.code is Code.OUTCOME_CONFLICT and was_reported(now, succeeded=succeeded):
                    return now
                raise

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

    # --- what the calls share -----------------------------------------------------------------------------------------

    def _read(self, action: str) -> Action:
        """Look at an action."""

        async def work(core: Core, caller: Caller) -> dict[str, Json]:
            return tell_seen(caller, await actions.see(core, caller, action))

        return _action(self._ask(work))

    def _look(self, action: Action) -> Action | None:
        """Look after a failure; None where that fails too."""
        try:
            return self._read(action.id)
        except AafError:
            return None

    def _why(self, action: Action, conflict: StateConflict) -> errors.AgentFirewallError:
        """What to raise for a conflict: what became of the action where that says more."""
        if conflict.code in {Code.ALREADY_CONSUMED, Code.DIGEST_MISMATCH}:
            return translated(conflict)
        now = self._look(action)
        return (now and refusal_of(now)) or translated(conflict)

    def _settled(self, action: str, moving: set[ActionStatus], until: float) -> Action:
        """The action as soon as its status is not one of `moving`; each look asks anew who may see it."""
        pause = _FIRST_PAUSE
        while True:
            left = until - clock.now()
            seen = self.get_action(action)
            if seen.status not in moving:
                return seen
            if left <= 0:
                raise errors.ApprovalTimeout(seen)
            self._opened.pause(min(pause, left))
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)

    async def _follow(self, action: Action) -> Action:
        """The action once a run that another process or thread began has ended."""
        return self._settled(action.id, {ActionStatus.EXECUTING}, clock.now() + RUN_TIMEOUT)

    # --- its end ------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Sign a last checkpoint, finish what is queued, let go of the files; waiting for people ends with `Unavailable`."""
        with translating():
            self._opened.close()

    def __enter__(self) -> Self:
        """This."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def __repr__(self) -> str:
        """Never a key."""
        return f"<Firewall of agent {self.agent_id}>"


def _action(told: dict[str, Json]) -> Action:
    """Our telling as the client's model."""
    return Action.from_json(cast("Any", told))
