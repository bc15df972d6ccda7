"""What embedded use doesn't load: a decision by rules in a fresh process needs no event loop, no server and no YAML."""

import subprocess
import sys
from pathlib import Path

FORBIDDEN = ("asyncio", "pydantic", "fastapi", "sqlalchemy", "starlette", "yaml")

PROGRAM = """
import sys
from pathlib import Path

from aaf.adapters.log import Silent
from aaf.embedded import Embedded
from aaf.services.access import KeyWanted, authenticate, create_key
from aaf.services.forming import read_submission
from aaf.services.submit import submit
from aaf.domain.principal import Kind
from aaf.settings import Settings

folder = Path(sys.argv[1])
key = folder / "key"
settings = Settings(data=folder / "data", root=folder / "root", write_key=None if key.exists() else key)
with Embedded.open(settings, log=Silent()) as product:
    def who(secret):
        return product.run(authenticate(product.core, key=secret, agent=None, source="here"))
    admin = who(key.read_text().strip())
    bot = who(product.run(create_key(product.core, admin, KeyWanted("bot", Kind.AGENT))).secret)
    for path, state in (("a.txt", "allowed"), ("../a.txt", "denied")):
        action = read_submission({"action": "files.read", "params": {"path": path}})
        record = product.run(submit(product.core, bot, action)).record
        assert record.state == state, (record.state, record.code)
print(product.app.activated.new, sorted(set(sys.argv[2].split(",")) & set(sys.modules)))
"""


def start(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(folder), ",".join(FORBIDDEN)],
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
    first = start(tmp_path)
    assert first == "True ['yaml']"
    assert start(tmp_path) == "False []"
