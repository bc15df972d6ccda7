"""A small copy of the project: its own tools and configuration, with lists, tests and a package as a case needs them."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

Copy = Callable[[Mapping[str, str]], Path]
Run = Callable[..., subprocess.CompletedProcess[str]]


def rows(kind: str, count: int, claims: Mapping[str, str]) -> str:
    """Write a list of `count` ids; those that `claims` doesn't name are open."""
    names = [f"{kind}{number:02}" for number in range(1, count + 1)]
    return "".join(f"| {name} | words | {claims.get(name, 'open')} |\n" for name in names)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """Return a function that lays out a copy with the given files on top of the tools."""

    def lay_out(files: Mapping[str, str]) -> Path:
        shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
        (tmp_path / "tests" / "attacks").mkdir(parents=True)
        for name in ("tests/__init__.py", "tests/conftest.py", "tests/attacks/harness.py", "tests/attacks/without.py"):
            shutil.copy(ROOT / name, tmp_path / name)
        shutil.copy(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
        defaults = {
            "docs/requirements.md": rows("R", 79, {}),
            "docs/attacks.md": rows("G", 40, {}),
            "src/aaf/__init__.py": "",
        }
        for name, text in {**defaults, **files}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return lay_out


@pytest.fixture
def run() -> Run:
    """Return a function that runs Python in a copy, with the copy's own `aaf` and not the installed one."""

    def in_copy(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{root / 'src'}:{root}", "NO_COLOR": "1"},
        )

    return in_copy
