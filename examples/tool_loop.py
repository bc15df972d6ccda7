"""The loop of an agent whose model calls tools: what is allowed runs, and every refusal goes back to the model as a sentence.

The model is a list here; put yours in its place. Run: python tool_loop.py
"""

import json
from collections.abc import Iterator
from pathlib import Path

from aaf import Firewall
from aaf_client import Gate
from aaf_client.errors import AgentFirewallError, ApprovalTimeout

MODEL = [
    ("files.list", {"path": "."}),
    ("files.read", {"path": "today.txt"}),
    ("files.read", {"path": "../.ssh/id_ed25519"}),
    ("files.write", {"path": "today.txt", "content": "Tuesday\n"}),
    ("shell.run", {"command": "rm -rf /"}),
]


def tool_calls() -> Iterator[tuple[str, dict[str, str]]]:
    """What a model would ask for, one after the other."""
    yield from MODEL


def answer(gate: Gate, name: str, arguments: dict[str, str]) -> str:
    """What the model is told about one tool call: the result, or why there is none and what it may do."""
    try:
        return json.dumps(gate.perform_action(name, arguments, timeout=0).result)
    except ApprovalTimeout as pending:
        return f"A person has to approve this; ask again later for action {pending.action.id}."
    except AgentFirewallError as refusal:
        return f"{refusal.code}: {refusal}"


def main() -> None:
    """Give the model a file to work on, and run its calls."""
    workspace = Path("workspace")
    workspace.mkdir(exist_ok=True)
    (workspace / "today.txt").write_text("Monday\n", encoding="utf-8")
    with Firewall.open("aaf.db", agent="assistant", root=workspace) as firewall:
        for name, arguments in tool_calls():
            print(f"{name} {arguments}\n  -> {answer(firewall, name, arguments)}")


if __name__ == "__main__":
    main()
