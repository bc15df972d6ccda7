"""Lines of the log: one a line, known fields only, escaped, redacted, never in anybody's way."""

import ast
import io
import json
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aaf.adapters.log import FIELDS, INFORMATION, LONGEST, HostLog, JsonLines, Severity, severity
from aaf.adapters.observed import TOLD
from aaf.domain.canonical import Json
from aaf.domain.events import EventType
from aaf.domain.redaction import MASK
from aaf.domain.states import State
from aaf.ports import ORIGIN, Origin

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "aaf"
PAGE = (ROOT / "docs" / "logging.md").read_text(encoding="utf-8")


def written(kind: str, fields: dict[str, Any], **options: Any) -> tuple[str, dict[str, Any]]:
    stream = io.StringIO()
    log = JsonLines(stream, **options)
    log.entry(kind, fields)
    assert log.flush(10)
    return stream.getvalue(), json.loads(stream.getvalue() or "{}")


def test_an_entry_is_one_line_of_json_with_its_kind_severity_and_time() -> None:
    text, line = written("decision", {"action": "a", "code": "ok", "duration_us": 5, "names": ["rule:x"]})
    assert (text.count("\n"), text.endswith("}\n")) == (1, True)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("time"))
    assert line == {
        "action": "a",
        "code": "ok",
        "duration_us": 5,
        "event": "decision",
        "names": ["rule:x"],
        "severity": "info",
    }


def test_a_line_names_the_door_and_the_request_that_it_belongs_to() -> None:
    token = ORIGIN.set(Origin("api", "r-1"))
    try:
        _, line = written("decision", {})
    finally:
        ORIGIN.reset(token)
    assert (line["door"], line["request"]) == ("api", "r-1")


@pytest.mark.requirement("R53")
@pytest.mark.parametrize(
    "value",
    [
        'x"}\n{"event":"decision","verdict":"allow"}',
        "\r\nHTTP/1.1 200 OK",
        "\x1b[2J\x1b]0;owned\x07",
        "\u202egnp.exe\u2066",
        "\x7f\x80\x9b31m\u2028\u2029\ufeff\u200b",
        "\ud800",
    ],
)
def test_nothing_in_a_value_ends_a_line_or_speaks_to_a_terminal(value: str) -> None:
    text, line = written("refused", {"cause": value})
    assert re.fullmatch(r"[ -~]*\n", text)
    assert line["cause"] == value


def test_an_unknown_field_is_not_written() -> None:
    text, line = written("refused", {"params": {"to": "bob"}, "code": "x"})
    assert "bob" not in text
    assert line["code"] == "x"


def test_a_sensitive_field_within_a_known_one_is_masked() -> None:
    text, line = written("refused", {"cause": {"password": "correct horse", "at": 1}})
    assert "horse" not in text
    assert line["cause"] == {"at": 1, "password": MASK}


def test_long_texts_and_lists_are_cut() -> None:
    _, line = written("refused", {"cause": "x" * 100_000, "names": ["y"] * 1_000, "error": {"z" * 9_999: 1}})
    assert len(line["cause"]) == LONGEST + 1
    assert len(line["names"]) == 50
    assert [len(name) for name in line["error"]] == [LONGEST]


@pytest.mark.parametrize("value", [object(), float("nan"), {1: {2: object()}}, b"bytes"])
def test_what_can_not_be_encoded_is_said_and_nothing_raises(value: object) -> None:
    _, line = written("refused", {"cause": value})
    assert line["event"] == "log_line_unfit"


def test_less_urgent_lines_are_left_out_where_asked_for() -> None:
    assert written("decision", {}, least=Severity.WARNING)[0] == ""
    assert written("refused", {}, least=Severity.WARNING)[0] != ""
    assert written("refused", {}, least=Severity.ERROR)[0] == ""
    assert written("internal_error", {}, least=Severity.ERROR)[0] != ""
    assert written("internal_error", {}, least=Severity.OFF)[0] == ""


def test_a_kind_that_nobody_classified_is_a_warning() -> None:
    assert severity("something_new") is Severity.WARNING
    assert severity("analysis_crashed") is Severity.ERROR


class Stuck(io.StringIO):
    """A stream like a full pipe: writing waits until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.free = threading.Event(), threading.Event()

    def write(self, text: str) -> int:
        self.entered.set()
        assert self.free.wait(10)
        return super().write(text)


def test_a_stream_that_does_not_take_lines_keeps_nobody_waiting_and_what_is_lost_is_counted() -> None:
    lost: list[int] = []
    stream = Stuck()
    log = JsonLines(stream, lost=lost.append, waiting=10)
    log.entry("decision", {"index": 0})
    assert stream.entered.wait(10)
    for index in range(100):
        log.entry("decision", {"index": index})  # would never return if it waited
    assert not log.flush(0)
    assert sum(lost) == 90
    stream.free.set()
    assert log.flush(10)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["lines"] for line in lines if line["event"] == "log_lines_lost"] == [90]
    assert len(lines) == 12


class Gone(io.StringIO):
    """A stream whose reader has left."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_stream_that_is_gone_is_no_reason_to_stop() -> None:
    lost: list[int] = []
    log = JsonLines(Gone(), lost=lost.append)
    log.entry("decision", {})
    assert log.flush(10)
    log.entry("decision", {})
    assert log.flush(10)
    assert sum(lost) == 2
    quiet = JsonLines(Gone())
    quiet.entry("decision", {})
    assert quiet.flush(10)


def test_lines_of_many_threads_stay_whole() -> None:
    stream = io.StringIO()
    log = JsonLines(stream)

    def say() -> None:
        for _ in range(100):
            log.entry("decision", {"action": "x" * 200})

    threads = [threading.Thread(target=say) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.flush(10)
    assert len([json.loads(line) for line in stream.getvalue().splitlines()]) == 800


def test_what_was_said_last_is_written_before_the_process_ends() -> None:
    program = "from aaf.adapters.log import JsonLines; JsonLines().entry('refused', {'code': 'last'})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stderr)["code"] == "last"


def test_a_process_without_standard_error_works_all_the_same() -> None:
    program = "import sys; sys.stderr = None\nfrom aaf.adapters.log import JsonLines; JsonLines().entry('refused', {})"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


def test_a_log_that_was_never_used_has_nothing_to_wait_for() -> None:
    assert JsonLines(io.StringIO()).flush(0)


@pytest.mark.parametrize(
    ("kind", "level"),
    [("decision", "INFO"), ("refused", "WARNING"), ("unheard_of", "WARNING"), ("internal_error", "ERROR")],
)
def test_in_process_the_same_line_goes_to_the_hosts_logger_at_its_severity(
    caplog: pytest.LogCaptureFixture, kind: str, level: str
) -> None:
    fields: dict[str, Json] = {
        "params": "bob",
        "error": {"password": "correct horse"},
        "cause": "%s \u202e\n" + "x" * 9_999,
    }
    with caplog.at_level("INFO", logger="aaf"):
        HostLog().entry(kind, fields)
    (record,) = caplog.records
    said, (_, line) = json.loads(record.getMessage()), written(kind, fields)
    assert (record.name, record.levelname) == ("aaf", level)
    assert said | {"time": ""} == line | {"time": ""}
    assert re.fullmatch("[ -~]+", record.getMessage())


def test_in_process_the_host_decides_what_is_written(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("ERROR", logger="aaf"):
        HostLog().entry("refused", {})
        assert not caplog.records
        HostLog().entry("internal_error", {})
    assert len(caplog.records) == 1


class Broken(logging.Handler):
    """A handler of the host that fails."""

    def emit(self, record: logging.LogRecord) -> None:
        raise RuntimeError


def test_a_handler_of_the_host_that_fails_stops_nothing() -> None:
    logger, handler = logging.getLogger("aaf"), Broken()
    logger.addHandler(handler)
    try:
        HostLog().entry("refused", {})
    finally:
        logger.removeHandler(handler)


# --- the page -----------------------------------------------------------------------------------------------------------


def _entries() -> Iterator[tuple[str, set[str]]]:
    """Kind and fields of every `log.entry(…)` of the source that names its kind."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "entry":
                continue
            kind, fields = node.args
            if isinstance(kind, ast.Constant):
                keys = fields.keys if isinstance(fields, ast.Dict) else []
                yield str(kind.value), {str(key.value) for key in keys if isinstance(key, ast.Constant)}


KINDS = {kind for kind, _ in _entries()} | {"log_lines_lost", "log_line_unfit"}
EVENTS = {one.value.replace(".", "_") for one in EventType if not one.value.startswith("action.")}


def test_every_field_that_the_source_logs_is_a_known_one() -> None:
    for kind, fields in _entries():
        assert fields <= FIELDS, kind
    assert set(TOLD) <= FIELDS
    assert not FIELDS & set(map(str, State))


def test_the_page_describes_every_kind_of_line_and_nothing_else() -> None:
    described = re.findall(r"^\| `([a-z_]+)` \| (info|warning|error) \|", PAGE, re.MULTILINE)
    kinds = {kind for kind, _ in described}
    assert kinds == KINDS | (EVENTS - {"approval_reviewed"})
    assert dict(described) == {kind: severity(kind).name.lower() for kind, _ in described}
    assert INFORMATION - kinds <= {"sign_in", "sign_out"}


def test_the_page_describes_every_field() -> None:
    assert set(re.findall(r"^\| `([a-z_]+)` \| [^|]+ \|$", PAGE, re.MULTILINE)) == FIELDS | {
        "event",
        "severity",
        "time",
    }


def test_a_handler_that_uses_the_firewall_is_not_handed_the_lines_about_that() -> None:
    class Using(logging.Handler):
        seen = 0

        def emit(self, record: logging.LogRecord) -> None:
            self.seen += 1
            HostLog().entry("run_failed", {})
            if self.seen == 1:
                raise ValueError

    handler, logger = Using(), logging.getLogger("aaf")
    logger.addHandler(handler)
    try:
        for _ in range(2):
            HostLog().entry("run_failed", {})
    finally:
        logger.removeHandler(handler)
    assert handler.seen == 2
