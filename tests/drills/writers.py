"""The drill of two writers: they begin from the same release and write at the same moment, each to a server of its own on one database.

`make writers`, or `python tests/drills/writers.py [--rounds 200]`. Of each round exactly one writer has to be answered 200 and the other 409 with
what the first changed; every text that was answered 200 has to stand in the history, in the order of its number and with its own message; agents
that read meanwhile have to be answered all the time; and at the end the ledger verifies, with one event for each release and each refusal.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
PATH = "/v1/configuration"


@dataclass
class Findings:
    """What the rounds have shown; every list ought to stay empty."""

    rounds: int = 0
    began: int = 0
    """The number of the release before the first round."""
    reads: int = 0
    kept: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Release → the text and the message that were acknowledged."""
    refused: int = 0
    broken: list[str] = field(default_factory=list)

    def good(self) -> bool:
        return self.rounds > 0 and self.reads > 0 and not self.broken

    def summary(self) -> str:
        return (
            f"{self.rounds} rounds of two writers: {len(self.kept)} answered 200 and all of them in the history, {self.refused} answered 409 "
            f"with the difference; {self.reads} requests of an agent meanwhile, none failed"
        )


@dataclass
class Server:
    """One server process on the database in `folder`."""

    folder: Path
    name: str
    url: str = ""
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> "Server":
        """Serve, without a folder of configuration: the API manages it."""
        command = [sys.executable, "-m", "aaf", "serve", "--data", str(self.folder / "data"), "--port", "0"]
        command += ["--root", str(self.folder / "workspace")]
        key = self.folder / "admin.key"
        if not key.exists():
            command += ["--write-key", str(key)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AAF_")}
        environment["PYTHONPATH"] = f"{ROOT / 'src'}:{ROOT}"
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment)
        for line in self.process.stdout or ():
            found = re.search(rb"listens on (http://127\.0\.0\.1:\d+)", line)
            if found:
                self.url = found[1].decode()
                return self
        msg = f"the server did not start: {(self.folder / f'{self.name}.log').read_text()[-2000:]}"
        raise RuntimeError(msg)

    def stop(self) -> None:
        """End it as an operator would."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)
            if self.process.stdout is not None:
                self.process.stdout.close()


def connection(server: Server, key: str) -> httpx2.Client:
    return httpx2.Client(
        base_url=server.url, headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE, trust_env=False
    )


def one_round(writers: list[httpx2.Client], number: int, files: dict[str, str], findings: Findings) -> None:
    """Both read, both write what they made of it, and the answers are compared."""
    tags = {writer.get(PATH).headers["etag"] for writer in writers}
    if len(tags) != 1:
        findings.broken.append(f"round {number}: the servers told different releases: {tags}")
        return
    (tag,) = tags
    marks = [f"round {number} writer {place}" for place in range(len(writers))]
    texts = [files["aaf.yaml"] + f"\n# {mark}\n" for mark in marks]
    together = threading.Barrier(len(writers))

    def write(place: int) -> httpx2.Response:
        body = {"files": {**files, "aaf.yaml": texts[place]}, "message": marks[place]}
        together.wait(PATIENCE)
        return writers[place].put(PATH, json=body, headers={"If-Match": tag})

    with ThreadPoolExecutor(len(writers)) as pool:
        answers = list(pool.map(write, range(len(writers))))
    findings.rounds += 1
    statuses = Counter(answer.status_code for answer in answers)
    if statuses != {200: 1, 409: len(writers) - 1}:
        findings.broken.append(f"round {number}: answered {dict(statuses)}: {[one.text[:300] for one in answers]}")
        return
    won = next(place for place, answer in enumerate(answers) if answer.status_code == 200)
    findings.kept[answers[won].json()["release"]] = (texts[won], marks[won])
    for answer in answers[:won] + answers[won + 1 :]:
        findings.refused += 1
        check_conflict(answer.json(), answers[won].json()["etag"], marks[won], number, findings)


def check_conflict(problem: dict[str, Any], etag: str, mark: str, number: int, findings: Findings) -> None:
    """The refusal has to carry what the winner changed, and the tag to go on from."""
    diff = "".join(file["diff"] for file in problem.get("changes", {}).get("files", ()))
    if problem.get("code") != "configuration_conflict" or problem.get("etag") != etag or f"+# {mark}\n" not in diff:
        findings.broken.append(
            f"round {number}: the refusal doesn't tell what was changed: {json.dumps(problem)[:500]}"
        )


def reading(client: httpx2.Client, stop: threading.Event, findings: Findings) -> None:
    """An agent that goes on asking."""
    while not stop.is_set():
        answer = client.post("/v1/actions", json={"action": "files.list", "params": {"path": "."}})
        findings.reads += 1
        if answer.status_code != 201 or answer.json()["status"] != "allowed":
            findings.broken.append(f"an agent was answered {answer.status_code}: {answer.text[:300]}")


def compare(client: httpx2.Client, findings: Findings) -> None:
    """Every acknowledged text against the history, and the ledger against both."""
    for number, (text, message) in findings.kept.items():
        release = client.get(f"{PATH}/releases/{number}").json()
        if (release.get("files", {}).get("aaf.yaml"), release.get("message")) != (text, message):
            findings.broken.append(f"release {number} isn't what was acknowledged: {message}")
    newest = client.get(PATH).json()["release"]
    if sorted(findings.kept) != list(range(findings.began + 1, newest + 1)):
        findings.broken.append(f"{len(findings.kept)} acknowledged, {newest - findings.began} in the history")
    for kind, wanted in (("configuration.activated", newest), ("configuration.refused", findings.refused)):
        found = 0
        after: int | None = 0
        while after is not None:
            page = client.get("/v1/audit/events", params={"type": kind, "after": after, "limit": 1000}).json()
            found, after = found + len(page["events"]), page["next"]
        if found != wanted:
            findings.broken.append(f"{found} events {kind}, wanted {wanted}")
    verified = client.get("/v1/audit/verify").json()
    if not verified["ok"]:
        findings.broken.append(f"the ledger is broken at {verified['bad']}: {verified['why']}")


def drill(folder: Path, rounds: int) -> Findings:
    """All rounds on two servers that share the database in `folder`."""
    findings, stop = Findings(), threading.Event()
    (folder / "workspace").mkdir()
    servers = [Server(folder, "one").start(), Server(folder, "two")]
    try:
        servers[1].start()
        key = (folder / "admin.key").read_text(encoding="ascii").strip()
        with connection(servers[0], key) as one, connection(servers[1], key) as two:
            made = one.post("/v1/api-keys", json={"name": "bot", "kind": "agent"}).json()
            files = one.get(PATH).json()["files"]
            files["aaf.yaml"] = files["aaf.yaml"].replace("rate: 120/m, burst: 60", "rate: 100000/m, burst: 100000")
            tag = one.get(PATH).headers["etag"]
            findings.began = one.put(PATH, json={"files": files}, headers={"If-Match": tag}).json()["release"]
            with connection(servers[1], made["key"]) as bot:
                agent = threading.Thread(target=reading, args=(bot, stop, findings))
                agent.start()
                try:
                    for number in range(rounds):
                        one_round([one, two], number, files, findings)
                finally:
                    stop.set()
                    agent.join()
            compare(two, findings)
    finally:
        for server in servers:
            server.stop()
    return findings


def main() -> int:
    """Return 0 where every round went as it has to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        findings = drill(Path(name), options.rounds)
    for line in findings.broken[:20]:
        print(f"writers: {line}")
    print(f"writers: {findings.summary()}" if findings.good() else f"writers: {len(findings.broken)} faults")
    return 0 if findings.good() else 1


if __name__ == "__main__":
    sys.exit(main())
