"""`aaf config status`: what is said of each way in which a configuration can stand."""

import pytest

from aaf.domain.canonical import Json
from aaf.entrypoints.cli.config_status import _say
from tests.cli.conftest import KEY, Scene

ACTIVE: dict[str, Json] = {
    "number": 3,
    "activated_at": "2026-01-05T09:30:00.000000Z",
    "message": "by hand \x1b[2J",
    "author": "user:x",
    "source": "ab" * 32,
    "managed_by": "api",
}
WATCH: dict[str, Json] = {"process": "p", "pid": 4711, "folder": f"/etc/{KEY}", "source": "cd" * 32, "holds": False}


@pytest.mark.parametrize(
    ("standing", "said", "noted"),
    [
        ({"watch": None, "refused": None}, "no folder was ever read", ""),
        ({"watch": WATCH, "refused": None}, "by nobody now", "The folder isn't what is active"),
        (
            {
                "watch": {**WATCH, "holds": True},
                "refused": {
                    "at": "2026-01-05T09:31:00.000000Z",
                    "problems": [
                        {"file": "aaf.yaml", "line": 2, "column": 1, "message": f"no {KEY}", "hint": "yes"},
                        {"file": ".", "line": 0, "column": 0, "message": "gone\x1b[0m", "hint": ""},
                    ],
                },
            },
            "aaf.yaml:2:1: no [redacted]",
            "",
        ),
    ],
    ids=["never", "stale", "refused"],
)
def test_what_is_said(standing: dict[str, Json], said: str, noted: str, capsys: pytest.CaptureFixture[str]) -> None:
    _say({"release": ACTIVE, **standing}, stale=bool(noted) or standing["refused"] is not None)
    printed = capsys.readouterr()
    assert "release 3, since 2026-01-05 09:30:00" in printed.out
    assert said in printed.out
    assert printed.err.startswith(noted)
    assert KEY not in printed.out
    assert "\x1b" not in printed.out


def test_who_may_not_is_refused(scene: Scene) -> None:
    ended = scene.aaf("config", "status", who="eve")
    assert ended.status == 1
    assert ended.err.startswith("permission_denied: ")
    assert "org:configuration:read" in ended.err


def test_an_approver_sees_it(scene: Scene) -> None:
    ended = scene.aaf("config", "status")
    assert (ended.status, "managed by  file" in ended.out) == (0, True), ended
