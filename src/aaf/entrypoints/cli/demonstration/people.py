"""Those who act in the story: an agent that asks over HTTP with its own key, and a person who answers with another."""

from collections.abc import Mapping
from dataclasses import dataclass

from aaf.domain.canonical import Json, canonical
from aaf.entrypoints.cli.demonstration.transcript import Transcript, expect
from aaf.entrypoints.cli.terminal.card import card
from aaf.entrypoints.cli.terminal.client import Client, Refused
from aaf.entrypoints.cli.terminal.output import inert, say, state
from aaf.entrypoints.cli.terminal.prompts import choose, reason
from aaf.entrypoints.cli.terminal.reading import text

_LONGEST = 72
"""Characters of a value that the transcript repeats; the card shows all of it."""


def _short(value: Json) -> str:
    """A value in one line of the transcript."""
    whole = value if isinstance(value, str) else canonical(value).decode()
    shown = inert(whole)
    return shown if len(shown) <= _LONGEST else f"({len(whole)} characters)"


@dataclass(frozen=True, slots=True)
class Agent:
    """The scripted agent."""

    client: Client
    transcript: Transcript

    def asks(self, name: str, params: Mapping[str, Json], *, wanted: str, because: str = "wants to") -> dict[str, Json]:
        """Submit an action and look at the answer's state."""
        body: dict[str, Json] = {"action": name, "params": dict(params), "context": {"goal": because}}
        action = self.client.post("/v1/actions", body)
        shown = " ".join(f"{key}={_short(value)}" for key, value in params.items())
        answer = state(text(action, "status")).append(f"  {inert(text(action, 'code'))}", style="dim")
        self.transcript.line("asks", f"{name} {shown}", answer)
        expect(f"{name} {shown}", wanted, text(action, "status"))
        return action

    def runs(self, action: Mapping[str, Json]) -> dict[str, Json]:
        """Run an allowed or approved action by naming its digest."""
        return self._run(action, wanted="succeeded", code="ok")

    def fails(self, action: Mapping[str, Json], *, code: str) -> dict[str, Json]:
        """Run an allowed action whose run is stopped on the way."""
        return self._run(action, wanted="failed", code=code)

    def _run(self, action: Mapping[str, Json], *, wanted: str, code: str) -> dict[str, Json]:
        ran = self.client.post(f"/v1/actions/{text(action, 'id')}/execute", {"digest": text(action, "digest")})
        answer = state(text(ran, "status"))
        if code != "ok":
            answer = answer.append(f"  {inert(text(ran, 'code'))}", style="dim")
        self.transcript.line("runs it", f"digest {text(action, 'digest')[:12]}...", answer)
        expect("the run", (wanted, code), (text(ran, "status"), text(ran, "code")))
        return ran

    def is_refused(self, what: str, action: Mapping[str, Json], *, digest: str, wanted: str) -> None:
        """Try to run something that may not run."""
        try:
            self.client.post(f"/v1/actions/{text(action, 'id')}/execute", {"digest": digest})
        except Refused as refused:
            self.transcript.line(what, f"digest {digest[:12]}...", f"{refused.http} {inert(refused.code)}")
            self.transcript.quote(refused.sentence)
            expect(what, (409, wanted), (refused.http, refused.code))
        else:
            expect(what, wanted, "run")

    def reads(self, action: Mapping[str, Json]) -> dict[str, Json]:
        """Look at what became of an action."""
        return self.client.get(f"/v1/actions/{text(action, 'id')}", wait=5)


@dataclass(frozen=True, slots=True)
class Person:
    """The approver: scripted, or whoever sits at the terminal."""

    client: Client
    transcript: Transcript
    interactive: bool

    def answers(self, action: Mapping[str, Json], *, verdict: str, why: str = "") -> str:
        """See a held action and answer it; return the answer that was given."""
        approval = self.client.get(f"/v1/approvals/{text(action, 'id')}")
        self.transcript.line("waits", "for a person, who sees what `aaf approvals show` prints:")
        say()
        for line in card(approval, now=self.client.now):
            say(line)
        say()
        if self.interactive:
            verdict = choose(digest=text(approval, "digest"))
            why = reason() if verdict == "reject" else ""
        body: dict[str, Json] = {
            "verdict": verdict,
            "digest": text(approval, "digest"),
            "view_digest": text(approval, "view_digest"),
            "reason": why,
        }
        after = self.client.post(f"/v1/approvals/{text(action, 'id')}/reviews", body)
        who = "you" if self.interactive else "ada"
        self.transcript.line(
            who, "approve it" if verdict == "approve" else f"reject it: {inert(why)}", state(text(after, "status"))
        )
        expect("the answer", "approved" if verdict == "approve" else "rejected", text(after, "status"))
        return verdict
