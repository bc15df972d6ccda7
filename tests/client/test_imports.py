"""What importing the client costs, and what it must never bring along."""

import json
import subprocess
import sys

import pytest

_NAMES = "[name for name in %r if name in sys.modules]"


def loaded(program: str, names: tuple[str, ...]) -> list[str]:
    text = f"import json, sys\n{program}\nprint(json.dumps({_NAMES % (names,)}))"
    ran = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True, timeout=60)
    found: list[str] = json.loads(ran.stdout)
    return found


HEAVY = ("aaf", "anyio", "asyncio", "cryptography", "httpcore2", "httpx2", "pydantic", "ssl")


def test_importing_the_client_imports_no_server_no_loop_and_no_http() -> None:
    assert loaded("import aaf_client, aaf_client.errors, aaf_client.permits, aaf_client.seen", HEAVY) == []


@pytest.mark.requirement("R17")
def test_the_blocking_client_needs_no_event_loop() -> None:
    assert "asyncio" not in loaded("import aaf_client\naaf_client.AgentFirewallClient('key')", HEAVY)


def test_a_client_without_its_library_says_what_to_install() -> None:
    program = "import sys\nsys.modules['httpcore2'] = None\nimport aaf_client\naaf_client.AgentFirewallClient('key')"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert ran.stderr.splitlines()[-1].startswith("aaf_client.errors.Misuse: The HTTP library isn't installed.")
    assert 'pip install "agent-action-firewall[client]"' in ran.stderr.splitlines()[-1]


def test_the_scripted_firewall_needs_no_http() -> None:
    assert loaded("from aaf_client.testing import ScriptedFirewall", HEAVY) == []
