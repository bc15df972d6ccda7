"""Writes the JSON Schemas of configuration files beside the module that makes them; run after a key, an operator or an enum changed."""

import sys
from pathlib import Path

from aaf.policy.document.published import files as published

FOLDER = Path(published.__file__).parent


def texts() -> dict[str, str]:
    """The text of each file by its name."""
    return {f"{kind}.schema.json": published.text_of(kind) for kind in published.Published}


def main() -> int:
    """Write them."""
    for name, text in texts().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(FOLDER / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
