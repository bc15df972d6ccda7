"""docs/sdk.md says what there is: its examples run, and its values are what they say."""

import ast
import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from aaf_client import Gate, errors
from tests.client.conftest import Server

PAGE = (Path(__file__).parents[2] / "docs" / "sdk.md").read_text(encoding="utf-8")
SOURCE = Path(errors.__file__).parent
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def run(text: str, names: dict[str, Any]) -> None:
    """Run an example; where a line's comment is a value, the line has it."""
    lines = text.splitlines()
    for node in ast.parse(text).body:
        source = "\n".join(lines[node.lineno - 1 : node.end_lineno])
        said = re.search(r"  # (.*)$", source)
        if isinstance(node, ast.Expr) and said and re.match(r'["\[{0-9]|ActionStatus\.', said[1]):
            value = eval(compile(ast.Expression(node.value), "docs/sdk.md", "eval"), names)  # noqa: S307 - our own page
            wanted = said[1].partition(": a person")[0]
            assert repr(value).startswith(f"<{wanted}") or value == ast.literal_eval(wanted), source
        else:
            start = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
            whole = "\n" * (start - 1) + "\n".join(lines[start - 1 : node.end_lineno])
            exec(compile(whole, "docs/sdk.md", "exec"), names)  # noqa: S102 - our own page


@pytest.mark.requirement("R17")
def test_every_example_runs(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (server.world.root / "a.txt").write_text("hello")
    monkeypatch.chdir(tmp_path)
    core = server.world.core
    for name, value in {
        "ORDER_AGENT_KEY": server.world.key("agent"),
        "FIREWALL": server.base_url,
        "PERMIT_KEY": core.permit_signer.public_key.hex(),
        "ISSUER": core.origin(server.world.org),
    }.items():
        monkeypatch.setenv(name, value)
    names: dict[str, Any] = {"firewall_time": lambda: server.world.clock.wall() / 1_000_000}
    for example in EXAMPLES:
        run(example.replace('agent_id="order-processor"', 'agent_id="agent"'), names)
    assert capsys.readouterr().out == "path_outside_root\n"
    names["client"].close()
    assert asyncio.iscoroutinefunction(names["main"])


def test_every_error_and_every_code_of_the_client_is_described() -> None:
    abstract = {"AgentFirewallError", "ActionRefused", "refusal_of"}
    table = PAGE.partition("| error | means")[2].partition("```")[0]
    assert set(re.findall(r"`([A-Z]\w+)`", table)) >= set(errors.__all__) - abstract
    text = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py") if "testing" not in path.parts)
    used = set(re.findall(r'(?:code=|default_code = )"([a-z_]+)"', text))
    theirs = {"already_consumed", "digest_mismatch", "error", "expired_permit", "wrong_audience", "wrong_effect"}
    described = set(re.findall(r"`([a-z_]+)`", PAGE.partition("| code | of")[2].partition("\n## ")[0]))
    assert used - theirs - {"rate_limited"} <= described
    assert described <= used | {"redirected"}


def test_every_method_of_a_gate_is_described() -> None:
    methods = {name for name in vars(Gate) if not name.startswith("_")}
    assert all(f"`{name}" in PAGE for name in methods)
