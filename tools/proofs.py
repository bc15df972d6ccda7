"""Says in docs/attacks.md where each attack is made: `python -m tools.proofs --write` writes the list anew, without it a difference is 1.

It reads the decorators of the tests and runs nothing; whether a test notices is what `make attacks` is for.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = "docs/attacks.md"
_BEGIN, _END = "<!-- where: written by python -m tools.proofs --write -->", "<!-- end of where -->"


def marked(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the id of each attack that a test's file carries, and whether that mark names a guard."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "attack":
            guard = any(keyword.arg == "guard" for keyword in node.keywords)
            yield from ((str(one.value), guard) for one in node.args if isinstance(one, ast.Constant))


def proofs(root: Path = ROOT) -> dict[str, dict[str, bool]]:
    """Return, for each attack, the files that make it; True where a guard is named, and so taken out by `make attacks`."""
    found: dict[str, dict[str, bool]] = defaultdict(dict)
    for path in sorted((root / "tests").rglob("test_*.py")):
        name = path.relative_to(root).as_posix()
        for id_, guard in marked(path.read_text(encoding="utf-8")):
            found[id_][name] = found[id_].get(name, False) or guard
    return found


def section(found: Mapping[str, Mapping[str, bool]]) -> str:
    """Return the list as it stands on the page."""
    lines = [
        f"- `{id_}`: "
        + ", ".join(f"{'**' if guard else ''}`{name}`{'**' if guard else ''}" for name, guard in files.items())
        for id_, files in sorted(found.items())
    ]
    return "\n".join([_BEGIN, *lines, _END])


def written(page: str, wanted: str) -> str:
    """Return the page with the list put in its place.

    Raises:
        ValueError: the page has no place for it.
    """
    start, end = page.index(_BEGIN), page.index(_END) + len(_END)
    return page[:start] + wanted + page[end:]


def main(arguments: list[str]) -> int:
    """Compare, or write."""
    path = ROOT / PAGE
    page = path.read_text(encoding="utf-8")
    wanted = written(page, section(proofs()))
    if arguments == ["--write"]:
        path.write_text(wanted, encoding="utf-8")
    elif wanted != page:
        print(f"{PAGE}: the list of tests is old; python -m tools.proofs --write writes it anew")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
