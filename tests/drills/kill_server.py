"""The crash drill of a whole server: kill `aaf serve` at a random moment under load, start it again, and compare with what it had said.

`make kill`, or `python tests/drills/kill_server.py [--rounds 5] [--seed N]`. Agents pay through the client library, with its repetitions, at an
upstream that notes each payment that reaches it; a policy module in Rego allows them. No payment may arrive twice or without being recorded as
started, no answer that was given may be forgotten, the ledger has to verify, and no worker of the policy engine may outlive its server.
"""

import argparse
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import httpx2

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

# The path above has to be known before these are imported.
from aaf_client import AgentFirewallClient, AgentFirewallError  # noqa: E402

AGENTS = 6
PATIENCE = 30.0
"""Seconds for anything that has to happen."""
ENDED = {"denied", "failed", "succeeded"}
"""States that nothing moves on from."""

MAIN = """
version: 1
use_within: 15m
run_timeout: 5s
connectors:
  http:
    allow:
      - {{host: 127.0.0.1, ports: [{port}], schemes: [http], methods: [POST]}}
egress:
  unsafe_allow:
    - {{host: 127.0.0.1, address: 127.0.0.1, port: {port}, scheme: http}}
"""
ACTION = """
name: bank.post
class: payment
risk: high
input:
  type: object
  additionalProperties: false
  required: [url, json]
  properties:
    url: {type: string, maxLength: 200}
    json:
      type: object
      additionalProperties: false
      required: [payment]
      properties:
        payment: {type: string, maxLength: 80}
targets: [params.url]
reversible: false
idempotent: false
effect: {connector: http}
trust: untrusted
"""
MODULE = """package aaf.policies.payments

default decision := {"action": "deny", "reason": "Only payments."}

decision := {"action": "allow", "reason": "A payment of the drill."} if {
    input.tool == "bank"
    startswith(input.params.json.payment, "payment-")
}
"""


class Bank(BaseHTTPRequestHandler):
    """Notes each payment before it answers."""

    protocol_version = "HTTP/1.1"
    arrived: ClassVar[Counter[str]] = Counter()

    def do_POST(self) -> None:
        """Take one."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Bank.arrived[body["payment"]] += 1
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of the library
        """Print nothing."""


class Teller(ThreadingHTTPServer):
    """A server whose clients are killed."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of an answer that nobody is there to take."""


@contextlib.contextmanager
def bank() -> Iterator[int]:
    """An upstream on a free port."""
    server = Teller(("127.0.0.1", 0), Bank)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Findings:
    """What the rounds have shown; every list ought to stay empty."""

    rounds: int = 0
    answered: int = 0
    unanswered: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def good(self) -> bool:
        return self.answered > 0 and not (self.lost or self.twice or self.broken)

    def summary(self) -> str:
        ends = ", ".join(f"{count} {state}" for state, count in sorted(self.ends.items()))
        return (
            f"kill server: {self.rounds} rounds, {self.answered} payments answered, {len(self.lost)} lost, "
            f"{len(self.twice)} paid twice, {self.unanswered} cut off ({ends} in the end), "
            f"{'broken' if self.broken else 'ledger ok, no worker left behind'}"
        )


@dataclass
class Server:
    """The installation in `folder`, and the process that serves it now."""

    folder: Path
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin(self) -> str:
        return (self.folder / "admin.key").read_text(encoding="ascii").strip()

    def start(self) -> None:
        """Serve, and return once it listens."""
        command = [sys.executable, "-m", "aaf", "serve", "--data", str(self.folder / "data"), "--port", str(self.port)]
        command += ["--config", str(self.folder / "config")]
        if not (self.folder / "admin.key").exists():
            command += ["--write-key", str(self.folder / "admin.key")]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment)
        for line in self.process.stdout or ():
            found = re.search(rb"listens on http://127\.0\.0\.1:(\d+)", line)
            if found:
                self.port = int(found[1])
                return
        msg = f"the server did not start: {(self.folder / 'server.log').read_text()[-2000:]}"
        raise RuntimeError(msg)

    def kill(self) -> list[int]:
        """SIGKILL; the processes that it had started."""
        if self.process is None:
            return []
        started = children(self.process.pid)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        return started

    def stop(self) -> None:
        """End it as an operator would."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)
            if self.process.stdout is not None:
                self.process.stdout.close()


def children(pid: int) -> list[int]:
    """The processes whose parent is `pid`."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            found += map(int, (task / "children").read_text().split())
    return found


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has waited for yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except OSError:
        return True


@dataclass
class Agent:
    """One agent that pays without pause; what it was told is kept."""

    client: AgentFirewallClient
    url: str
    name: str
    told: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Payment → action and the status that was last told."""
    open: set[str] = field(default_factory=set)

    def work(self, stop: threading.Event) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            payment = f"payment-{self.name}-{number}"
            self.open.add(payment)
            try:
                action = self.client.submit_action(
                    "bank.post", {"url": self.url, "json": {"payment": payment}}, idempotency_key=payment
                )
                self.told[payment] = (action.id, str(action.status))
                done = self.client.execute(action)
                self.told[payment] = (done.id, str(done.status))
            except AgentFirewallError as error:
                action_of = getattr(error, "action", None)
                if action_of is not None:
                    self.told[payment] = (action_of.id, str(action_of.status))
                continue
            self.open.discard(payment)


def one_round(server: Server, url: str, key: str, number: int, chance: random.Random, findings: Findings) -> None:
    """Load, kill, start again, compare."""
    stop = threading.Event()
    agents = [
        Agent(AgentFirewallClient(key, base_url=server.url, timeout=4.0, run_timeout=8.0), url, f"{number}-{place}")
        for place in range(AGENTS)
    ]
    threads = [threading.Thread(target=agent.work, args=(stop,)) for agent in agents]
    for thread in threads:
        thread.start()
    stop.wait(chance.uniform(0.3, 2.5))
    left = server.kill()
    server.start()  # at the same address, so that the agents' own repetitions meet it
    stop.wait(chance.uniform(0.2, 1.0))
    stop.set()
    for thread in threads:
        thread.join()
    end = time.monotonic() + PATIENCE
    while not all(map(gone, left)) and time.monotonic() < end:
        time.sleep(0.05)
    findings.broken += [f"process {pid} outlived its server" for pid in left if not gone(pid)]
    if not left:
        findings.broken.append("no worker of the policy engine was running: this drilled less than it says")
    for agent in agents:
        with agent.client:
            compare(agent, findings)
    findings.rounds += 1


def compare(agent: Agent, findings: Findings) -> None:
    """What the restarted server knows against what the agent was told and what the bank saw."""
    findings.answered += len(agent.told)
    findings.unanswered += len(agent.open)
    for payment, (action, status) in agent.told.items():
        try:
            now = str(agent.client.get_action(action).status)
        except AgentFirewallError as error:
            findings.lost.append(f"{payment} {action}: {error}")
            continue
        if payment in agent.open:
            findings.ends[now] += 1
        if status in ENDED and now != status:
            findings.lost.append(f"{payment} {action}: was told {status}, is {now}")
        if Bank.arrived[payment] and now in {"allowed", "denied"}:
            findings.broken.append(f"{payment} arrived while its action is {now}")
        if now == "succeeded" and not Bank.arrived[payment]:
            findings.broken.append(f"{payment} succeeded and never arrived")


def check_ledger(server: Server, findings: Findings) -> None:
    """Every payment that arrived was recorded as started, and the ledger verifies offline."""
    export, key = server.folder / "ledger", server.folder / "log.vkey"
    environment = {**os.environ, "AAF_URL": server.url, "AAF_API_KEY": server.admin}
    environment["PYTHONPATH"] = f"{ROOT / 'src'}:{ROOT}"
    aaf = [sys.executable, "-m", "aaf"]
    subprocess.run([*aaf, "audit", "export", "-o", str(export)], check=True, env=environment, capture_output=True)
    printed = subprocess.run([*aaf, "audit", "key"], check=True, env=environment, capture_output=True).stdout
    key.write_bytes(printed)
    verified = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "src" / "aaf_verify.py"), "--key", str(key), str(export)],
        check=False,
        capture_output=True,
    )
    if verified.returncode:
        findings.broken.append(verified.stdout.decode() + verified.stderr.decode())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = random.randrange(1 << 32) if options.seed is None else options.seed
    chance, findings = random.Random(seed), Findings()
    with tempfile.TemporaryDirectory() as name, bank() as port:
        server = Server(Path(name))
        for path, text in {
            "aaf.yaml": MAIN.format(port=port),
            "actions/bank.post.yaml": ACTION,
            "policies/payments.rego": MODULE,
        }.items():
            (server.folder / "config" / path).parent.mkdir(parents=True, exist_ok=True)
            (server.folder / "config" / path).write_text(text)
        server.start()
        try:
            headers = {"Authorization": f"Bearer {server.admin}"}
            made = httpx2.post(
                f"{server.url}/v1/api-keys", headers=headers, json={"name": "payer", "kind": "agent"}, trust_env=False
            )
            key = made.raise_for_status().json()["key"]
            for number in range(options.rounds):
                one_round(server, f"http://127.0.0.1:{port}/pay", key, number, chance, findings)
            findings.twice = [payment for payment, times in Bank.arrived.items() if times > 1]
            check_ledger(server, findings)
        finally:
            server.stop()
    for what, found in (("lost", findings.lost), ("paid twice", findings.twice), ("broken", findings.broken)):
        for one in found[:20]:
            print(f"kill server: {what}: {one}")
    print(f"{findings.summary()} (seed {seed})")
    return 0 if findings.good() else 1


if __name__ == "__main__":
    sys.exit(main())
