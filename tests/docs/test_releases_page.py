"""docs/releases.md names codes, sizes and commands as the source has them."""

import json
import re
from pathlib import Path
from typing import Any

from typer import main

from aaf.domain.errors import Code
from aaf.entrypoints.api.app import ROUTES
from aaf.entrypoints.api.releasing import MAX_BODY, EditBody
from aaf.entrypoints.cli.app import app
from aaf.policy.comparing import MAX_DIFF
from aaf.services.compiling import MAX_FILES
from aaf.services.drafts import MAX_DRAFTS
from aaf.services.enacting import MAX_MESSAGE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "releases.md").read_text(encoding="utf-8")


def test_every_code_stands_with_a_status_that_the_page_of_errors_gives_it() -> None:
    errors = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    found = re.findall(r"\b(4\d\d) `([a-z_]+)`", PAGE)
    assert len(found) >= 6
    for status, code in found:
        assert code in {one.value for one in Code}
        row = re.search(rf"^\| `{code}` \| .+? \| ([0-9, ]+) \|", errors, re.MULTILINE)
        assert row is not None
        assert status in row[1]


def test_sizes_are_those_of_the_source() -> None:
    assert f"{MAX_BODY >> 20} MiB, for keys that may write" in PAGE
    assert f"| files | {MAX_FILES};" in PAGE
    assert f"{MAX_MESSAGE:,} characters" in PAGE
    assert f"{MAX_DIFF >> 10} Ki characters" in PAGE
    assert f"at most {MAX_DRAFTS} drafts" in PAGE


def test_the_patch_of_the_page_is_one() -> None:
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert EditBody.model_validate(json.loads(text)).files == {"actions/mail.send.yaml": None}


def test_every_command_and_address_is_there() -> None:
    root: Any = main.get_command(app)
    group = root.get_command(None, "config")
    drafts = group.get_command(None, "drafts")
    named = re.findall(r"`aaf config ((?:drafts )?[a-z]+)", PAGE)
    assert len(named) >= 8
    for name in named:
        *outer, last = name.split()
        assert last in (drafts if outer else group).list_commands(None)
    paths = {getattr(route, "path", "") for route in ROUTES}
    for path in re.findall(r"`(?:GET|PUT|PATCH|POST|DELETE) (/v1/[^`]*)`", PAGE):
        assert path in paths
