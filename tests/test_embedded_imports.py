"""What embedded use doesn't load: a decision by rules in a fresh process needs no event loop, no server, no HTTP client and no YAML."""

import subprocess
import sys
from pathlib import Path

FORBIDDEN = (
    "asyncio",
    "fastapi",
    "httpcore2",
    "httpx2",
    "jinja2",
    "pydantic",
    "regorus",
    "sqlalchemy",
    "starlette",
    "yaml",
)

PROGRAM = """
import sys
from aaf import Firewall
from aaf_client.errors import ActionDenied

data, root = sys.argv[1:3]
with Firewall.open(data, agent="bot", root=root) as firewall:
    done = firewall.perform_action("files.read", {"path": "a.txt"})
    assert done.result["content"] == "hello\\n", done
    try:
        firewall.perform_action("files.read", {"path": "../a.txt"})
    except ActionDenied as no:
        assert no.code == "path_outside_root"
    else:
        raise AssertionError("it was let through")
    held = firewall.submit_action("files.write", {"path": "b.txt", "content": "x"})
    assert held.code == "rule", held

    @firewall.guard("files.delete", timeout=0)
    def unused(path: str) -> None: ...

print(sorted(set(sys.argv[3].split(",")) & set(sys.modules)))
"""


def start(folder: Path) -> str:
    done = subprocess.run(
        [
            *(sys.executable, "-W", "error", "-c", PROGRAM),
            *(str(folder / "aaf.db"), str(folder / "root"), ",".join(FORBIDDEN)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_stored_release_is_used_without_yaml_an_event_loop_or_a_server(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "a.txt").write_text("hello\n")
    assert start(tmp_path) == "['yaml']"
    assert start(tmp_path) == "[]"
