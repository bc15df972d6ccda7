"""What operators see of the console: every refusal is counted once, every answer names its request as the log does."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from aaf.adapters.log import JsonLines
from aaf.adapters.meter import Counting
from aaf.adapters.observed import Observed
from aaf.domain.api_key import make_key
from aaf.domain.errors import Code, StoreFailed
from aaf.domain.metering import Metric
from aaf.entrypoints.console.assets import address
from aaf.services.inbox import Pulses
from tests.console.pages import OURS, Desk, Page

NOBODY = make_key(bytes(32))
Visit = Callable[[Desk], Page]


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def watched(desk: Desk, stream: io.StringIO) -> Iterator[Desk]:
    """A console whose core counts and writes lines."""
    log, meter, core = JsonLines(stream), Counting(), desk.world.core
    core = replace(core, log=log, meter=meter, store=Observed(core.store, log, meter))
    made = Desk.of(replace(desk.world, core=core))
    yield made
    made.close()


def _lines(desk: Desk, stream: io.StringIO) -> list[dict[str, Any]]:
    log = desk.world.core.log
    assert isinstance(log, JsonLines)
    assert log.flush(10)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def _incident(desk: Desk) -> Page:
    async def fails(*_: object, **__: object) -> Any:
        raise ValueError

    ann = desk.browser("approver")
    object.__setattr__(desk.world.core.store, "actions", fails)
    return ann.get("/actions")


def _answered(desk: Desk, *, wait: bool, **given: str) -> Page:
    ann, held = desk.browser("approver"), desk.world.mail()
    form = ann.get(f"/approvals/{held['id']}").form("/review")
    if wait:
        desk.read()
    return ann.submit(form, **given)


REFUSED: list[tuple[str, int, Visit]] = [
    ("not_found", 404, lambda desk: desk.browser().get("/nowhere")),
    ("not_found", 404, lambda desk: desk.browser("approver").get(f"/approvals/{desk.world.org}")),
    ("method_not_allowed", 405, lambda desk: desk.browser().post("/actions", {})),
    ("bad_request", 400, lambda desk: Page(desk.browser().send("POST", "/sign-in", content=b"{}", headers=OURS))),
    ("form_refused", 403, lambda desk: desk.browser().post("/sign-in", {}, headers={})),
    ("invalid_credential", 401, lambda desk: desk.browser().sign_in(NOBODY)),
    ("missing_credential", 401, lambda desk: desk.browser().sign_in("")),
    ("permission_denied", 403, lambda desk: desk.browser().sign_in(desk.world.key("agent"))),
    ("answered_too_soon", 409, lambda desk: _answered(desk, wait=False, verdict="approve")),
    ("reason_required", 400, lambda desk: _answered(desk, wait=True, verdict="reject", reason="")),
    ("internal_error", 500, _incident),
]


@pytest.mark.parametrize(("code", "status", "visit"), REFUSED)
def test_a_refused_request_is_counted_once_with_its_code(watched: Desk, code: str, status: int, visit: Visit) -> None:
    page = visit(watched)
    assert (page.status, f"Code {code}" in page.text) == (status, True)
    assert watched.world.core.meter.read().values[Metric.REFUSALS] == {(code,): 1}


def test_an_answer_that_was_refused_and_can_not_be_shown_is_counted_once(
    watched: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, held = watched.browser("approver"), watched.world.mail()
    form = ann.get(f"/approvals/{held['id']}").form("/review")

    async def fails(*_: object) -> None:
        raise StoreFailed(Code.STORE_LOCKED, "The store is locked.")

    monkeypatch.setattr(Pulses, "newest", fails)
    assert ann.submit(form, verdict="approve").status == 503
    assert watched.world.core.meter.read().values[Metric.REFUSALS] == {("store_locked",): 1}


ANSWERED: list[tuple[int, Visit]] = [
    (200, lambda desk: desk.browser().get("/sign-in")),
    (200, lambda desk: desk.browser("approver").get("/")),
    (200, lambda desk: desk.browser().get(address("console.css"))),
    (303, lambda desk: desk.browser().get("/")),
    (401, lambda desk: desk.browser().get("/live")),
    *((status, visit) for _, status, visit in REFUSED),
]


@pytest.mark.parametrize(("status", "visit"), ANSWERED)
def test_every_answer_names_its_request(watched: Desk, status: int, visit: Visit) -> None:
    answer, other = visit(watched), watched.browser().get("/sign-in")
    (request,) = answer.response.headers.get_list("x-request-id")
    assert answer.status == status
    assert request != other.response.headers["x-request-id"]


LINES: list[tuple[str, Visit]] = [
    ("sign_in", lambda desk: desk.browser().sign_in(desk.world.key("approver"))),
    ("access_refused", lambda desk: desk.browser().sign_in(NOBODY)),
    ("internal_error", _incident),
]


@pytest.mark.parametrize(("kind", "visit"), LINES)
def test_an_answer_and_its_lines_of_the_log_name_the_same_request(
    watched: Desk, stream: io.StringIO, kind: str, visit: Visit
) -> None:
    request = visit(watched).response.headers["x-request-id"]
    (line,) = [line for line in _lines(watched, stream) if line["event"] == kind]
    assert (line["door"], line["request"]) == ("console", request)
