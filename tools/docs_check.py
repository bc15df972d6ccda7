"""Holds the documents to the tree: links lead somewhere, the README's commands are what CI runs, each error code is described.

Also refuses what ties the tree to one machine: a path of the checkout or of the interpreter, the address of a package index.
It reads; it changes nothing.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from aaf.domain.errors import Code

ROOT = Path(__file__).resolve().parent.parent

_LEFT_OUT = frozenset({".git", ".venv", "build", "dist", "__pycache__", ".hypothesis"})
_INDEX = re.compile(r"pypi\.org|pythonhosted\.org|npmjs\.(org|com)|--(extra-)?index-url[ =]+\S|--find-links[ =]+\S")
_HOME = re.compile(r"/(?:home|Users)/(?!(?:user|agent|alice|bob|me|you)\b)[a-z]\w*/")
# Folders that documents may well name: a checkout beneath one of them says nothing.
_USUAL = frozenset({"", "app", "builds", "data", "etc", "home", "mnt", "opt", "root", "srv", "tmp", "usr", "var"})

_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CI_BLOCK = re.compile(r"<!-- ci -->\s*```(?:sh|bash)?\n(.*?)```", re.DOTALL)
_NOT_SLUG = re.compile(r"[^\w\- ]")


def texts(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield each text file of the tree with its content; what is built or installed is left out."""
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if not path.is_file() or any(part in _LEFT_OUT or part.endswith(("_cache", ".egg-info")) for part in parts):
            continue
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def _machine_paths(root: Path) -> list[str]:
    named = [f"{root}/"]
    if root.parent.name not in _USUAL:
        named.append(f"{root.parent}/")
    if Path(sys.base_prefix).parts[1:2] != ("usr",):
        named.append(f"{sys.base_prefix}/")
    return named


def ties(root: Path) -> list[str]:
    """Find what ties the tree to a machine or an index."""
    problems: list[str] = []
    machine = _machine_paths(root)
    for path, text in texts(root):
        if path == Path(__file__).resolve():
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            found = next((each for each in machine if each in line), None)
            match = _HOME.search(line) or _INDEX.search(line)
            if found or match:
                what = found or (match[0] if match else "")
                problems.append(
                    f"{path.relative_to(root)}:{number}: names {what!r}, which belongs to one machine or index"
                )
    return problems


def _slugs(text: str) -> set[str]:
    headings = re.findall(r"^#{1,6}\s+(.*?)\s*$", _FENCE.sub("", text), re.MULTILINE)
    return {_NOT_SLUG.sub("", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(root: Path) -> list[str]:
    """Find relative links of Markdown files that lead nowhere, to a file or to a heading."""
    problems: list[str] = []
    for path, text in texts(root):
        if path.suffix != ".md":
            continue
        for target in _LINK.findall(_FENCE.sub("", text)):
            if re.match(r"^[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            aim = (path.parent / name).resolve() if name else path
            if not aim.exists():
                problems.append(f"{path.relative_to(root)}: the link {target} leads to no file")
            elif anchor and aim.suffix == ".md" and anchor not in _slugs(aim.read_text(encoding="utf-8")):
                problems.append(f"{path.relative_to(root)}: the link {target} leads to no heading")
    return problems


def commands(text: str) -> list[str]:
    """Return the commands of a script or a code block: neither comments nor shell options nor output."""
    lines = (line.strip() for line in text.splitlines())
    return [line.partition(" #")[0].strip() for line in lines if line and not line.startswith(("#", "set ", "cd "))]


def ci_differences(root: Path) -> list[str]:
    """Compare the README's block of commands with .ci/run."""
    block = _CI_BLOCK.search((root / "README.md").read_text(encoding="utf-8"))
    if block is None:
        return ["README.md: no code block after <!-- ci -->"]
    said, run = commands(block[1]), commands((root / ".ci" / "run").read_text(encoding="utf-8"))
    return [] if said == run else [f"README.md says {said}, .ci/run runs {run}"]


def undescribed_codes(root: Path) -> list[str]:
    """Find error codes that docs/errors.md does not describe, and codes that it describes and nothing has."""
    page = root / "docs" / "errors.md"
    if not page.exists():
        print("docs: docs/errors.md is not written yet; the codes were not compared")
        return []
    described = set(re.findall(r"^\|\s*`([a-z_]+)`", page.read_text(encoding="utf-8"), re.MULTILINE))
    codes = {code.value for code in Code}
    return [f"docs/errors.md: {code} is not described" for code in sorted(codes - described)] + [
        f"docs/errors.md: {code} is no code" for code in sorted(described - codes)
    ]


def main() -> int:
    """Return 0 where documents and tree agree."""
    problems = [*ties(ROOT), *broken_links(ROOT), *ci_differences(ROOT), *undescribed_codes(ROOT)]
    for problem in problems:
        print(f"docs: {problem}")
    print(f"docs: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
