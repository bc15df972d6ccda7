"""The page about the configuration: its examples load, and its list of keys is the schema's."""

import re
from pathlib import Path

import aaf
from aaf.domain.principal import ADMIN_ONLY
from aaf.policy.catalogue import ActionClass
from aaf.policy.configuration import Configuration, load
from aaf.policy.document.classes import HIGH_RISK
from aaf.policy.document.published.files import Published, schema_of

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
_EXAMPLE = re.compile(r"<!-- load(?:: ([^ ]+))? -->\n```yaml\n(.*?)```", re.DOTALL)
ACTIONS = {
    f"actions/{path.name}": path.read_bytes()
    for path in (Path(aaf.__file__).parent / "shipped" / "safe" / "actions").iterdir()
}


def _loaded(files: dict[str, bytes]) -> Configuration:
    return load(files)


def test_each_example_of_one_file_loads() -> None:
    short, whole = (text for name, text in _EXAMPLE.findall(PAGE) if not name)

    assert _loaded({"aaf.yaml": short.encode()}).defaults == HIGH_RISK
    found = _loaded({"aaf.yaml": whole.encode(), **ACTIONS})
    assert [warning.partition(": ")[2].partition(":")[0] for warning in found.warnings] == [
        "nothing acts on `retention` yet",
        "nothing acts on `alerts` yet",
    ]
    written = set(re.findall(r"^([a-z_]+):", whole, re.MULTILINE))
    assert written == set(schema_of(Published.DOCUMENT)["properties"]) - {"include"}


def test_the_example_of_several_files_loads() -> None:
    files = {name: text.encode() for name, text in _EXAMPLE.findall(PAGE) if name}

    found = _loaded(files)

    assert found.redact == ("iban", "customer_number")
    assert [guard.name for guard in found.guards] == ["rules/payments.yaml"]


def test_the_page_lists_every_key_and_class_and_what_no_role_grants() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE)

    assert [row for row in rows if row not in set(ActionClass)] == sorted(schema_of(Published.DOCUMENT)["properties"])
    assert all(f"`{klass}`" in PAGE for klass in ActionClass)
    assert all(f"`{permission}`" in PAGE for permission in ADMIN_ONLY)
    assert all(f"{kind}.schema.json" in PAGE for kind in Published)
