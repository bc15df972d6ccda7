"""The story, step by step: what the agent asks, what the firewall answers, what the person says, what the verifier proves.

Each answer is compared with what the product promises; anything else ends the demonstration with status 1.
"""

from collections.abc import Mapping
from contextlib import ExitStack

from aaf.domain.canonical import Json
from aaf.entrypoints.cli.demonstration.evidence import Evidence, tampered
from aaf.entrypoints.cli.demonstration.people import Agent, Person
from aaf.entrypoints.cli.demonstration.shopping import Shopping
from aaf.entrypoints.cli.demonstration.stage import BEFORE, INSIDE, KEPT, LINK, OUTSIDE, Stage
from aaf.entrypoints.cli.demonstration.transcript import Transcript, expect
from aaf.entrypoints.cli.terminal.client import Client
from aaf.entrypoints.cli.terminal.files import new_file
from aaf.entrypoints.cli.terminal.output import inert
from aaf.entrypoints.cli.terminal.reading import member, optional_text, text

AFTER = BEFORE + "Wednesday: call the bank\n"
CHANGED = AFTER.replace("call", "rob")
WHY = "Nobody deletes backups from here; ask the operators."


class Story:
    """Plays once against a running server."""

    def __init__(self, stage: Stage, *, interactive: bool) -> None:
        """Make the keys of the agent and of the person who approves."""
        self._stage = stage
        self._interactive = interactive
        self._transcript = Transcript()
        self._packs: dict[str, Mapping[str, Json]] = {}
        self._command_verdict = ""

    def play(self) -> None:
        """Play every step."""
        with ExitStack() as connections:
            admin = connections.enter_context(Client(self._stage.url, self._key("admin")))
            builder = connections.enter_context(Client(self._stage.url, self._new_key(admin, "builder", "agent")))
            ada = connections.enter_context(Client(self._stage.url, self._new_key(admin, "ada", "user", "approver")))
            agent = Agent(builder, self._transcript)
            person = Person(ada, self._transcript, self._interactive)
            evidence = Evidence(self._stage.folder, self._transcript)
            evidence.take_key(ada)
            self._reads(agent)
            written = self._writes(agent, person)
            self._runs_a_command(agent, person)
            self._reaches_out(agent)
            if written is not None:
                self._tries_again(agent, written)
            self._packs |= Shopping(self._stage.shop, self._transcript).play(agent, person)
            self._proves(agent.client, admin, evidence)

    def _key(self, name: str) -> str:
        return self._stage.key(name).read_text(encoding="ascii").strip()

    def _new_key(self, admin: Client, name: str, kind: str, *roles: str) -> str:
        """Make a key over HTTP and keep it in a 0600 file."""
        secret = text(admin.post("/v1/api-keys", {"name": name, "kind": kind, "roles": list(roles)}), "key")
        with new_file(self._stage.key(name)) as file:
            file.write(secret.encode() + b"\n")
        return secret

    def _reads(self, agent: Agent) -> None:
        self._transcript.step("The agent reads a file: the rules allow it")
        action = agent.asks("files.read", {"path": INSIDE}, wanted="allowed", because="plan the week")
        ran = agent.runs(action)
        content = text(member(ran, "result"), "content")
        self._transcript.quote(content)
        expect("what was read", BEFORE, content)
        self._packs["read"] = action

    def _writes(self, agent: Agent, person: Person) -> Mapping[str, Json] | None:
        self._transcript.step("The agent writes a file: held, shown with its diff, answered by another credential")
        wanted = {"path": INSIDE, "content": AFTER}
        action = agent.asks("files.write", dict(wanted), wanted="pending_approval", because="add an appointment")
        expect("the file before the answer", BEFORE, self._content())
        verdict = person.answers(action, verdict="approve")
        self._packs["write"] = action
        if verdict == "reject":
            self._told(agent, action)
            expect("the file after the rejection", BEFORE, self._content())
            return None
        expect("the file before the run", BEFORE, self._content())
        agent.runs(action)
        expect("the file on disk", AFTER, self._content())
        self._transcript.line("on disk", inert(INSIDE), "holds exactly what was approved")
        return action

    def _runs_a_command(self, agent: Agent, person: Person) -> None:
        self._transcript.step("The agent asks for a shell command: held, and rejected with a reason that it gets")
        command = {"command": "rm -rf /var/backups"}
        action = agent.asks("shell.run", dict(command), wanted="pending_approval", because="make room")
        verdict = person.answers(action, verdict="reject", why=WHY)
        self._packs["command"] = action
        self._command_verdict = verdict
        if verdict == "reject":
            self._told(agent, action)

    def _told(self, agent: Agent, action: Mapping[str, Json]) -> None:
        seen = agent.reads(action)
        expect("the state that the agent sees", "rejected", text(seen, "status"))
        self._transcript.line("is told", inert(optional_text(seen, "rejection") or "(nothing)"))
        if not self._interactive:
            expect("the reason that the agent gets", WHY, optional_text(seen, "rejection"))

    def _reaches_out(self, agent: Agent) -> None:
        self._transcript.step("The agent reaches outside its root: denied, whatever the way")
        up = agent.asks("files.read", {"path": f"../{OUTSIDE}"}, wanted="denied", because="find out more")
        expect("the code", "path_outside_root", text(up, "code"))
        link = agent.asks("files.write", {"path": LINK, "content": "?"}, wanted="denied", because="follow a link out")
        expect("the code", "path_not_plain", text(link, "code"))
        expect("the file outside", KEPT, (self._stage.folder / OUTSIDE).read_text(encoding="utf-8"))
        self._transcript.quote(f"{text(up, 'message')} {text(up, 'next')}")
        self._transcript.quote(
            f"{LINK} is a link to ../../{OUTSIDE}: what the path leads to is looked at, not only its text."
        )
        self._packs["up"], self._packs["link"] = up, link

    def _tries_again(self, agent: Agent, written: Mapping[str, Json]) -> None:
        self._transcript.step("The agent tries the approved write again, and a changed one")
        digest = text(written, "digest")
        other = digest[:-1] + ("0" if digest[-1] != "0" else "1")
        agent.is_refused("runs again", written, digest=digest, wanted="already_consumed")
        agent.is_refused("one byte off", written, digest=other, wanted="digest_mismatch")
        changed = {"path": INSIDE, "content": CHANGED}
        again = agent.asks("files.write", dict(changed), wanted="pending_approval", because="add an appointment")
        expect("a changed write is a new action", True, text(again, "id") != text(written, "id"))
        expect("the file on disk", AFTER, self._content())
        self._transcript.quote("A changed action is a new one: it waits, and nothing was written.")
        self._packs["changed"] = again

    def _proves(self, agent: Client, admin: Client, evidence: Evidence) -> None:
        self._transcript.step("Anybody verifies it, offline, with a program that shares no code with the server")
        packs = {
            name: evidence.export(agent, f"/v1/proof-pack/{text(action, 'id')}", f"{name}.zip")
            for name, action in self._packs.items()
        }
        for name, pack in packs.items():
            evidence.verify(pack, wanted=0, whole=name == "write")
        self._transcript.step("Somebody rewrites what a person answered to the command, in a copy")
        verdicts = [b'"verdict":"approve"', b'"verdict":"reject"']
        old, new = verdicts if self._command_verdict == "approve" else reversed(verdicts)
        self._transcript.quote(f"The copy says {new.decode()} where the signed event says {old.decode()}.")
        evidence.verify(tampered(packs["command"], old=old, new=new, manifest=False), wanted=1)
        self._transcript.quote("The next copy's list of hashes is made to match, too.")
        evidence.verify(tampered(packs["command"], old=old, new=new, manifest=True), wanted=1)
        self._transcript.step("The whole ledger, exported and verified")
        evidence.verify(evidence.export(admin, "/v1/audit/export", "ledger.aaf"), wanted=0)

    def _content(self) -> str:
        return (self._stage.workspace / INSIDE).read_text(encoding="utf-8")
