"""AAF's own functions where modules run: in a worker, by the engine."""

from contextlib import suppress
from pathlib import Path

import pytest

from aaf.adapters.rego import worker
from aaf.adapters.rego.engine import Engine
from aaf.domain.canonical import Json
from aaf.domain.errors import Code
from aaf.policy.rego.answers import Value
from aaf.policy.rego.builtins import OWN
from tests.adapters.rego.material import ask, failing, module, process_of, still_works

NOON = 1_772_449_200_000_000_000
"""Monday, 2 March 2026, 12:00 in Berlin."""
ANSWERS = {
    "aaf.amount_compare": 'aaf.amount_compare("1.10", "1.1") == 0',
    "aaf.amount_greater": 'aaf.amount_greater("100.00000000000000000001", input.hundred)',
    "aaf.cidr_contains": 'aaf.cidr_contains("10.0.0.0/8", input.url)',
    "aaf.host_matches": 'aaf.host_matches("https://a.example.com/", "*.example.com")',
    "aaf.is_private_address": "aaf.is_private_address(input.url)",
    "aaf.path_beneath": 'aaf.path_beneath("/srv/a", "/srv")',
    "aaf.within_hours": 'aaf.within_hours(input.time, "Europe/Berlin", ["monday"], "12:00", "12:01")',
    "is_private_ip": "is_private_ip(input.url)",
    "is_private_network": "is_private_network(input.url)",
}
DOCUMENT: Json = {"hundred": "100", "url": "http://10.0.0.1/", "time": NOON // 10**9}


def test_every_function_has_an_example_here() -> None:
    assert ANSWERS.keys() == OWN.keys()


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("call", ANSWERS.values(), ids=ANSWERS.keys())
def test_a_module_calls_it(engine: Engine, call: str) -> None:
    call = call.replace("input.time", "input.time * 1000000000")
    assert ask(engine, module(f'decision := "deny" if {call}\n'), document=DOCUMENT) == (Value("deny"),)


def test_a_name_of_other_letters_is_read_in_a_process_that_can_open_nothing(engine: Engine) -> None:
    url: Json = {"url": "https://xn--bcher-kva.example.com/"}
    rule = 'decision := "allow" if aaf.host_matches(input.url, "*.example.com")\n'
    assert ask(engine, module(rule), document=url) == (Value("allow"),)


@pytest.mark.parametrize(
    "call",
    [
        'aaf.is_private_address("http://0x7f.1/")',
        'aaf.amount_greater(1.5, "1")',
        'aaf.within_hours(0, "Nowhere/At_All", ["monday"], "09:00", "17:00")',
        'aaf.within_hours(123456789012345678901234567890, "UTC", ["monday"], "09:00", "17:00")',
        "aaf.is_private_address(input)",
        "opa.runtime().env",
    ],
)
def test_an_argument_that_is_none_is_an_error_of_the_module(engine: Engine, call: str) -> None:
    with failing(Code.POLICY_ERROR) as caught:
        ask(engine, module(f'decision := "deny" if not {call}\n'), document=DOCUMENT)
    assert caught[0].module == "policies/a.rego"
    assert "0x7f" not in caught[0].detail.partition("error:")[0]
    assert still_works(engine)


@pytest.mark.requirement("R42")
def test_a_worker_has_no_environment_and_no_module_can_ask_for_one(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEARXNG_URL", "http://KANARI@search.example/")
    assert still_works(engine)
    with suppress(PermissionError):  # it isn't dumpable; only root may look
        assert Path(f"/proc/{process_of(engine).pid}/environ").read_bytes() == b""
    assert worker.REFUSED_FUNCTIONS["opa.runtime"] == 0
    assert ask(engine, module("decision := input\n"), document={"a": 1}) == (Value({"a": 1}),)
