"""Log entries as JSON lines, for operators: one canonical line for each decision, causes, never values.

A line holds printable ASCII only: whatever else a field holds is escaped, so a line is a line and nothing in it speaks to a terminal. Only known
fields are written, each redacted by its name and cut. A server's lines are queued and written by a thread, so that neither a full pipe nor a slow
disk keeps a decision waiting; when too much is queued, lines are lost, counted, and the count is the next line. In process the lines are the host
program's, and so is what becomes of them.
"""

import atexit
import json
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import IntEnum
from typing import TextIO

from aaf.domain.canonical import Json
from aaf.domain.errors import Code
from aaf.domain.instants import instant
from aaf.domain.redaction import Fields
from aaf.ports import ORIGIN, Origin

FIELDS = frozenset(
    {
        "about", "action", "actor", "agent", "cause", "class", "code", "connector", "credential", "door", "duration_us", "error",
        "frames", "further", "incident", "index", "key", "kind", "level", "line", "lines", "module", "names", "org", "outcome", "part",
        "place", "principal", "problems", "recovering", "release", "request", "risk", "roles", "round", "size", "source", "state",
        "store", "type", "verdict", "worker",
    }
)  # fmt: skip
"""Every field that a line may have, besides `event`, `severity` and `time`, and counts by code."""
LONGEST = 500
"""Characters of a text in a line."""
MOST = 50
"""Items of a list in a line."""
WAITING = 10_000
"""Entries that may be queued."""
_BATCH = 4_096
_GATHER = 0.02
"""Seconds in which lines gather before they are written together: waking the thread for each costs more than the line."""
_GOODBYE = 1.0
_ENCODER = json.JSONEncoder(ensure_ascii=True, check_circular=False, allow_nan=False)
_SENSITIVE = Fields()
_CODES = frozenset(map(str, Code))


class Severity(IntEnum):
    """How urgent a line is; its name in lower case stands in the line."""

    INFO = 0
    WARNING = 1
    ERROR = 2
    OFF = 3


_DEFECTS = frozenset({"internal_error", "log_line_unfit"})
_WORDS = {one: one.name.lower() for one in Severity}
_LEVELS = {Severity.INFO: logging.INFO, Severity.WARNING: logging.WARNING, Severity.ERROR: logging.ERROR}
_HOST = logging.getLogger("aaf")
_WITHIN = threading.local()

INFORMATION = frozenset(
    {
        "action_moved", "approval_value_opened", "configuration_activated", "configuration_draft_discarded",
        "configuration_draft_saved", "decision", "decision_explained", "installation_started",
        "key_created", "key_revoked", "ledger_exported", "permit_issued", "proof_exported", "review", "run_ended", "run_started", "sign_in",
        "sign_out",
    }
)  # fmt: skip
"""What is said while all is well."""


def severity(kind: str) -> Severity:
    """How urgent an entry of this kind is; one that nobody classified is a warning."""
    if kind in INFORMATION:
        return Severity.INFO
    return Severity.ERROR if kind in _DEFECTS or kind.endswith("_crashed") else Severity.WARNING


class JsonLines:
    """The port `Log` over a stream, with a thread of its own that is started by the first entry."""

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        least: Severity = Severity.INFO,
        lost: Callable[[int], None] | None = None,
        waiting: int = WAITING,
    ) -> None:
        """Write to `stream`, by default to what standard error is by then, what is at least as urgent as `least`.

        `lost` is told how many lines could not be written.
        """
        self._stream = stream
        self._least = least
        self._tell = lost
        self._waiting = waiting
        self._queue: queue.SimpleQueue[str | threading.Event] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None
        self._lost = 0

    def entry(self, kind: str, fields: Mapping[str, Json]) -> None:
        """Queue one entry; what is less urgent than asked for is dropped, and so is everything while too much waits."""
        if severity(kind) < self._least:
            return
        if self._queue.qsize() >= self._waiting:
            self._lose(1)
            return
        self._queue.put(_line(kind, fields, ORIGIN.get()))
        if self._thread is None:
            self._start()

    def flush(self, seconds: float = _GOODBYE) -> bool:
        """Wait until everything queued so far was written; False where that takes longer."""
        if self._thread is None:
            return True
        done = threading.Event()
        self._queue.put(done)
        self._hurry.set()
        try:
            return done.wait(seconds)
        finally:
            self._hurry.clear()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                atexit.register(self.flush)
                self._thread = threading.Thread(target=self._run, name="aaf-log", daemon=True)
                self._thread.start()

    def _lose(self, count: int) -> None:
        self._lost += count
        if self._tell is not None:
            self._tell(count)

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            taken = [self._queue.get()]
            self._hurry.wait(_GATHER)
            with suppress(queue.Empty):
                while len(taken) < _BATCH:
                    taken.append(self._queue.get_nowait())
            lines = [one for one in taken if isinstance(one, str)]
            if self._lost:
                count, self._lost = self._lost, 0
                lines.append(_line("log_lines_lost", {"lines": count}, None))
            self._write(lines)
            for one in taken:
                if isinstance(one, threading.Event):
                    one.set()

    def _write(self, lines: list[str]) -> None:
        """Write a batch at once; a stream that is gone is no reason to stop."""
        if not lines:
            return
        try:
            stream = self._stream or sys.stderr
            stream.write("".join(f"{line}\n" for line in lines))
            stream.flush()
        except (AttributeError, OSError, ValueError):  # there may be no standard error at all
            if self._tell is not None:
                self._tell(len(lines))


class HostLog:
    """The port `Log` over the log of the program that embeds us: the logger `aaf`, whose configuration decides what is written and where."""

    def entry(self, kind: str, fields: Mapping[str, Json]) -> None:
        """Hand on one line, with its severity as the level."""
        level = _LEVELS[severity(kind)]
        if _HOST.isEnabledFor(level) and not getattr(_WITHIN, "handing", False):
            # A handler that uses the firewall isn't handed the lines about that, and so for ever.
            _WITHIN.handing = True
            try:
                with suppress(Exception):  # a handler of the host that breaks must not break what the line is about
                    _HOST.log(level, "%s", _line(kind, fields, ORIGIN.get()))
            finally:
                _WITHIN.handing = False


def _line(kind: str, fields: Mapping[str, Json], origin: Origin | None) -> str:
    """One entry as text; one that can't be encoded is said to be so."""
    try:
        body: dict[str, Json] = {
            "time": instant(time.time_ns() // 1_000),
            "severity": _WORDS[severity(kind)],
            "event": kind,
        }
        if origin is not None:
            body["door"], body["request"] = origin.door, origin.request
        for name, value in fields.items():
            if name in FIELDS or name in _CODES:
                if type(value) is str:
                    body[name] = value if len(value) <= LONGEST else f"{value[:LONGEST]}…"
                else:
                    body[name] = _bounded(_SENSITIVE.redacted(value)) if isinstance(value, dict | list) else value
        text = _ENCODER.encode(body)
    except Exception as failure:  # noqa: BLE001 - an entry that breaks must not break what it is about
        text = _ENCODER.encode({"error": type(failure).__name__, "event": "log_line_unfit", "severity": "error"})
    return text.replace("\x7f", "\\u007f")


def _bounded(value: Json) -> Json:
    """The value, cut where it is longer than a line can bear."""
    if isinstance(value, list):
        return [_bounded(one) for one in value[:MOST]]
    if isinstance(value, dict):
        return {str(name)[:LONGEST]: _bounded(one) for name, one in list(value.items())[:MOST]}
    return f"{value[:LONGEST]}…" if isinstance(value, str) and len(value) > LONGEST else value
