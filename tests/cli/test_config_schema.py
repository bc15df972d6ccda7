"""`aaf config schema`: the schema of each kind of file, as it is published."""

import json
from pathlib import Path

import jsonschema_rs
import pytest

from aaf.policy.document.published import files
from aaf.policy.document.published.files import Published
from tests.cli.conftest import run

FOLDER = Path(files.__file__).parent


@pytest.mark.parametrize(
    ("options", "kind"),
    [((), Published.DOCUMENT), (("--actions",), Published.ACTION), (("--part",), Published.PART)],
)
def test_each_schema_is_printed_as_it_is_published(options: tuple[str, ...], kind: Published) -> None:
    done = run("config", "schema", *options)

    assert (done.status, done.err) == (0, "")
    assert done.out == (FOLDER / f"{kind}.schema.json").read_text(encoding="utf-8")
    jsonschema_rs.meta.validate(json.loads(done.out))


def test_two_schemas_at_once_are_refused() -> None:
    done = run("config", "schema", "--actions", "--part")

    assert (done.status, done.out) == (2, "")
    assert "name one of them" in done.err
