"""A configuration folder with actions of every answer, and programs that run in processes of their own."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aaf import Firewall, Reviewer
from aaf.adapters.folder import read_folder, shipped
from aaf_client.models import Action

NOTE = b"""\
name: note.take
class: other
risk: low
description: Something harmless that the agent does itself.
input:
  type: object
  additionalProperties: false
  required: [text]
  properties:
    text: {type: string, maxLength: 100000}
effect: caller
"""
MAIL = b"""\
name: mail.send
class: external_api_call
risk: medium
description: Send a message with the agent's own client.
input:
  type: object
  additionalProperties: false
  required: [to]
  properties:
    to: {type: string, maxLength: 200}
    body: {type: string, maxLength: 100000}
targets: [params.to]
effect: caller
"""
RULES = b"""
  - name: mail-needs-a-person
    match: {tool: mail, operation: send}
    decision: require_approval
    reason: Mail leaves the house

  - name: notes-are-harmless
    match: {tool: note, operation: take}
    decision: allow
    reason: Nobody minds a note
"""


def write_configuration(folder: Path, *, rate: str = "100000/m, burst: 10000") -> Path:
    """The demo's, with a mail that is held and a note that isn't, and a rate that doesn't bother."""
    files = read_folder(shipped("demo"))
    files["actions/mail.send.yaml"] = MAIL
    files["actions/note.take.yaml"] = NOTE
    text = files["aaf.yaml"].replace(b"\nrules:\n", b"\nrules:" + RULES)
    files["aaf.yaml"] = text.replace(b"120/m, burst: 60", rate.encode())
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@dataclass(frozen=True)
class Place:
    """Where an installation of a test lies."""

    data: Path
    config: Path
    root: Path

    def open(self, agent: str = "bot", *, key: str | None = None) -> Firewall:
        return Firewall.open(self.data, agent=agent, config=self.config, root=self.root, key=key)

    def reviewer(self) -> Reviewer:
        """The first administrator, made now."""
        return Firewall.reviewer(self.data, key=Firewall.first_key(self.data))

    @property
    def arguments(self) -> list[str]:
        return [str(self.data), str(self.config), str(self.root)]


@contextmanager
def embedded(folder: Path) -> Iterator[tuple[Firewall, Callable[[Action, str], None]]]:
    """A firewall in process, and a person who answers."""
    place = Place(folder / "aaf.db", write_configuration(folder / "config"), folder / "workspace")
    with place.open() as firewall, place.reviewer() as person:
        (place.root / "a.txt").write_text("hello")

        def answer(action: Action, verdict: str) -> None:
            approval = person.see(action.id)
            if verdict == "approve":
                person.approve(approval)
            else:
                person.reject(approval, "Not today.")

        yield firewall, answer


PROLOGUE = """
import sys
from aaf import Firewall
from aaf_client import errors

data, config, root, *rest = sys.argv[1:]

def opened(agent="bot"):
    return Firewall.open(data, agent=agent, config=config, root=root)

def ready():
    print("ready", flush=True)
    sys.stdin.readline()
"""


def start(program: str, place: Place, *rest: str) -> "subprocess.Popen[str]":
    """Start a program in a process of its own; it says `ready` and waits for a line where it calls `ready()`."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROLOGUE + program, *place.arguments, *rest],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> str:
    """What it printed, once it has ended well."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out.strip()


def said(process: "subprocess.Popen[str]") -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line:
        out, err = process.communicate(timeout=60)
        raise AssertionError(err or out)
    return line
