"""The drill of a configuration that is saved under load: three `aaf serve` on one data folder, and files that change beneath them.

`make reload`, or `python tests/drills/reload.py [--rounds 1] [--modules 0] [--pause 0.005]`. In each round a rule that blocks a tool is saved, taken back, broken, and saved again
after the watching server was killed. No request may fail; within two seconds of each save every server answers by it, and none by the
one before afterwards; a broken folder changes no answer and every server says what is wrong; another server takes the watch over.
"""

import argparse
import http.client
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROMISE = 2.0
"""Seconds within which a saved file counts everywhere."""
PATIENCE = 60.0
"""Seconds for anything that only has to happen."""
CONNECTIONS = 4
PAUSE = 0.005
"""Seconds between two requests of one connection, unless told otherwise: a load, and not a flood of a shared machine."""

MAIN = """version: 1
rules:
  - name: notes-are-harmless
    match: {tool: note, operation: take}
    decision: allow
    reason: Nobody minds a note
"""
BLOCKED = f"""{MAIN}
  - name: no-more-notes
    match: {{tool: note, operation: take}}
    decision: deny
    reason: Notes are over
"""
BROKEN = f"{MAIN}    unles: {{agent: bot}}\n"
ACTION = """name: note.take
class: other
risk: low
input:
  type: object
  additionalProperties: false
  required: [text]
  properties:
    text: {type: string, maxLength: 100}
effect: caller
"""


@dataclass(frozen=True)
class Answer:
    """One answer: when it was asked for and when it was there, by one clock, and what it said."""

    sent: float
    done: float
    said: str


@dataclass
class Server:
    """One process of the installation in `folder`."""

    folder: Path
    name: str
    watches: bool
    process: "subprocess.Popen[bytes]"
    port: int = 0
    key: str = ""
    pause: float = PAUSE
    answers: list[Answer] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def ask(self, method: str, path: str, key: str, body: object = None) -> tuple[int, Any]:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            return exchange(connection, method, path, key, body)
        finally:
            connection.close()

    def load(self) -> None:
        """Submit on every connection until told to stop."""
        self.threads = [threading.Thread(target=self._work) for _ in range(CONNECTIONS)]
        for thread in self.threads:
            thread.start()

    def rest(self) -> None:
        """Let the connections end their last request."""
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def _work(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        while not self.stop.wait(self.pause):
            sent = time.monotonic()
            try:
                status, body = exchange(
                    connection, "POST", "/v1/actions", self.key, {"action": "note.take", "params": {"text": "x"}}
                )
                said = told(body) if status == 201 else f"{status} {body}"
            except (OSError, http.client.HTTPException, ValueError) as error:
                connection.close()
                said = f"failed: {error!r}"
            self.answers.append(Answer(sent, time.monotonic(), said))
        connection.close()


def told(action: Any) -> str:
    """What an answer says; a denial that no rule gave is none that this drill asked for."""
    status, code = str(action["status"]), str(action["code"])
    return status if status == "allowed" or code == "rule" else f"{status} {code}"


def exchange(
    connection: http.client.HTTPConnection, method: str, path: str, key: str, body: object = None
) -> tuple[int, Any]:
    """Send one request and read its answer."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


@contextmanager
def serving(folder: Path, name: str, *, watches: bool) -> Iterator[Server]:
    """A server that listens; killed at the end, if it still lives."""
    command = [sys.executable, "-m", "aaf", "serve", "--data", str(folder / "data"), "--port", "0"]
    command += ["--config", str(folder / "config")] if watches else []
    command += [] if (folder / "admin.key").exists() else ["--write-key", str(folder / "admin.key")]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AAF_")}
    environment["PYTHONPATH"] = f"{ROOT / 'src'}:{ROOT}"
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, cwd=folder, env=environment)
    server = Server(folder, name, watches, process)
    try:
        for line in process.stdout or ():
            found = re.search(rb"listens on http://127\.0\.0\.1:(\d+)", line)
            if found:
                server.port = int(found[1])
                break
        else:
            raise RuntimeError(f"{name} did not start: {(folder / f'{name}.log').read_text()[-2000:]}")
        yield server
    finally:
        server.stop.set()
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def save(folder: Path, text: str, *, how: str) -> float:
    """Save the main file as an editor does, or over what is there; when that was done."""
    path = folder / "config" / "aaf.yaml"
    if how == "renamed over":
        swap = path.with_name(".aaf.yaml.swp")
        swap.write_text(text)
        swap.replace(path)
    else:
        path.write_text(text)
    return time.monotonic()


def until(so: Callable[[], bool], what: str) -> float:
    """Wait until it is so; when it was."""
    end = time.monotonic() + PATIENCE
    while not so():
        if time.monotonic() > end:
            raise RuntimeError(f"it never came to be: {what}")
        time.sleep(0.02)
    return time.monotonic()


@dataclass
class Drill:
    """Three servers, what was measured, and what went wrong."""

    folder: Path
    servers: list[Server]
    admin: str
    misses: list[str] = field(default_factory=list)
    times: dict[str, list[float]] = field(default_factory=dict)

    @property
    def living(self) -> list[Server]:
        return [one for one in self.servers if one.process.poll() is None]

    def status(self, server: Server) -> dict[str, Any]:
        code, body = server.ask("GET", "/v1/configuration/status", self.admin)
        if code != 200:
            raise RuntimeError(f"{server.name}: status {code} {body}")
        return dict(body)

    def switch(self, text: str, *, before: str, after: str, how: str) -> None:
        """Save, and hold every answer from then on to it."""
        starts = [len(one.answers) for one in self.living]
        saved = save(self.folder, text, how=how)
        for server, start in zip(self.living, starts, strict=True):
            until(lambda s=server, n=start: any(a.said == after for a in s.answers[n:]), f"{server.name} says {after}")  # type: ignore[misc]
        marks = [len(one.answers) for one in self.living]
        for server, mark in zip(self.living, marks, strict=True):
            until(lambda s=server, n=mark: len(s.answers) > n + 3 * CONNECTIONS, f"{server.name} answers on")  # type: ignore[misc]
        first = min(a.done for s, n in zip(self.living, starts, strict=True) for a in s.answers[n:] if a.said == after)
        for server, start in zip(self.living, starts, strict=True):
            old = [answer for answer in server.answers[start:] if answer.said == before]
            last = max((answer.done for answer in old), default=saved) - saved
            self.times.setdefault(f"save to last {before} ({server.name})", []).append(max(0.0, last))
            if last > PROMISE:
                self.misses.append(f"{server.name}: {before} {last:.2f} s after the file was {how}")
            late = [answer for answer in old if answer.sent > first]
            if late:
                self.misses.append(f"{server.name}: {len(late)} {before} asked for after somebody had been {after}")

    def broken(self) -> None:
        """Save what doesn't load: the answers stay, every server says what is wrong, and where."""
        starts = [len(one.answers) for one in self.living]
        number = self.status(self.servers[0])["release"]["number"]
        saved = save(self.folder, BROKEN, how="written over")
        for server in self.living:
            told = until(lambda s=server: self.status(s)["refused"] is not None, f"{server.name} tells it")  # type: ignore[misc]
            self.times.setdefault("save to told by status", []).append(told - saved)
            if told - saved > PROMISE:
                self.misses.append(f"{server.name}: told {told - saved:.2f} s after the save")
            self.check_refusal(server, number)
        for server, start in zip(self.living, starts, strict=True):
            until(lambda s=server, n=start: len(s.answers) > n + 20, f"{server.name} answers on")  # type: ignore[misc]
            other = {answer.said for answer in server.answers[start:]} - {"allowed"}
            if other:
                self.misses.append(f"{server.name}: {other} while the folder is broken")

    def check_refusal(self, server: Server, number: int) -> None:
        """The release stays, and the problem has its place."""
        told = self.status(server)
        (problem,) = told["refused"]["problems"]
        place = (problem["file"], problem["line"])
        if told["release"]["number"] != number or place != ("aaf.yaml", 7) or not told["stale"]:
            self.misses.append(
                f"{server.name}: release {told['release']['number']}, problem at {place}, {told['stale']}"
            )

    def kill_the_watcher(self) -> None:
        """SIGKILL; another one takes over and says the same."""
        holder = self.status(self.servers[0])["watch"]["pid"]
        (watcher,) = [one for one in self.living if one.process.pid == holder]
        watcher.rest()
        watcher.process.send_signal(signal.SIGKILL)
        watcher.process.wait()
        killed = time.monotonic()

        def taken() -> bool:
            watch = self.status(self.living[0])["watch"]
            return bool(watch["holds"]) and watch["pid"] != holder

        self.times.setdefault("kill to taken over", []).append(until(taken, "another one watches") - killed)
        for server in self.living:
            if self.status(server)["refused"] is None:
                self.misses.append(f"{server.name}: forgot what was refused when the watch was taken over")

    def check_failures(self) -> None:
        """Every answer was an answer."""
        for server in self.servers:
            failed = [answer.said for answer in server.answers if answer.said not in {"allowed", "denied"}]
            if failed:
                self.misses.append(f"{server.name}: {len(failed)} requests failed, such as {failed[0]}")


def modules(count: int) -> dict[str, str]:
    """So many policy modules, all of which are asked about each note."""
    rule = (
        'decision := {{"action": "deny", "reason": "Too bad"}} if startswith(input.params.text, "bad-{number}-{place}")'
    )
    return {
        f"policies/m{number}.rego": f"package aaf.policies.m{number}\n\n"
        + "\n\n".join(rule.format(number=number, place=place) for place in range(4))
        for number in range(count)
    }


def one_round(folder: Path, times: dict[str, list[float]], *, count: int, pause: float) -> tuple[int, list[str]]:
    """A new installation, everything once; how many answers, and what was missed."""
    for name, text in {"aaf.yaml": MAIN, "actions/note.take.yaml": ACTION, **modules(count)}.items():
        (folder / "config" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "config" / name).write_text(text)
    with ExitStack() as stack:
        servers = [
            stack.enter_context(serving(folder, name, watches=name != "third")) for name in ("first", "second", "third")
        ]
        admin = (folder / "admin.key").read_text().strip()
        for server in servers:
            code, made = server.ask("POST", "/v1/api-keys", admin, {"name": server.name, "kind": "agent"})
            if code != 201:
                raise RuntimeError(f"no key: {made}")
            server.key, server.pause = made["key"], pause
        drill = Drill(folder, servers, admin, times=times)
        for server in servers:
            server.load()
        try:
            for server in servers:
                until(lambda s=server: len(s.answers) > 20, "the load runs")  # type: ignore[misc]
            drill.switch(BLOCKED, before="allowed", after="denied", how="renamed over")
            drill.switch(MAIN, before="denied", after="allowed", how="written over")
            drill.broken()
            drill.kill_the_watcher()
            drill.switch(BLOCKED, before="allowed", after="denied", how="written over")
            drill.switch(MAIN, before="denied", after="allowed", how="renamed over")
        finally:
            for server in servers:
                server.rest()
        drill.check_failures()
        for server in servers:
            waits = sorted(answer.done - answer.sent for answer in server.answers)
            times.setdefault("middle of a round's requests", []).append(statistics.median(waits))
            times.setdefault("slowest request of a round", []).append(waits[-1])
        return sum(len(server.answers) for server in servers), drill.misses


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--modules", type=int, default=0, help="policy modules in Rego beside the rules")
    parser.add_argument("--pause", type=float, default=PAUSE, help="seconds between two requests of one connection")
    options = parser.parse_args()
    times: dict[str, list[float]] = {}
    answers, misses = 0, []
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as name:
            count, missed = one_round(Path(name), times, count=options.modules, pause=options.pause)
        answers += count
        misses += [f"round {number + 1}: {one}" for one in missed]
    for what, measured in sorted(times.items()):
        middle = statistics.median(measured)
        print(
            f"reload: {what}: {min(measured):.3f} / {middle:.3f} / {max(measured):.3f} s (least, median, most of {len(measured)})"
        )
    for one in misses:
        print(f"reload: MISSED {one}")
    print(f"reload: {options.rounds} rounds, {answers} answers, {len(misses)} misses")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
