"""The published schemas and the loader agree: what the loader takes fits them, and what doesn't fit is refused."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aaf
from aaf.domain.errors import ConfigurationInvalid
from aaf.policy.configuration import load
from aaf.policy.document.published.files import Published, schema_of
from aaf.policy.positioned import Faults, parse
from tests.policy import test_configuration, test_load_errors
from tests.policy.document import test_including
from tests.policy.document.folders import folder
from tests.policy.samples import with_action, with_main, with_schema
from tools.fuzz.configuration import CORPUS, unfolded
from tools.fuzz.seeds import MODULES
from tools.schemas import FOLDER, texts

SHIPPED = [
    {
        path.relative_to(main.parent).as_posix(): path.read_bytes()
        for path in (main, *main.parent.glob("actions/*.yaml"))
    }
    for main in sorted((Path(aaf.__file__).parent / "shipped").rglob("aaf.yaml"))
]
VALIDATORS = {kind: jsonschema_rs.Draft202012Validator(schema_of(kind)) for kind in Published}


def misfit(name: str, data: bytes) -> str | None:
    """Why a file doesn't fit its schema; None where it does. A file that is no tree at all doesn't."""
    kind = Published.ACTION if name.startswith("actions/") else Published.PART
    root = parse(data, Faults(name))
    if root is None:
        return "no YAML of the strict kind"
    validator = VALIDATORS[Published.DOCUMENT if name == "aaf.yaml" else kind]
    return next((f"{name}: {error.message}" for error in validator.iter_errors(root.plain())), None)


def misfits(files: dict[str, bytes]) -> list[str]:
    return [why for name, data in files.items() if name.endswith(".yaml") if (why := misfit(name, data)) is not None]


def refused(files: dict[str, bytes]) -> bool:
    try:
        load(files)
    except ConfigurationInvalid:
        return True
    return False


def test_the_published_files_are_what_the_function_returns() -> None:
    for name, text in texts().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, "run: python -m tools.schemas"
    assert {path.name for path in FOLDER.glob("*.json")} == set(texts())


@pytest.mark.parametrize("kind", Published)
def test_a_schema_is_one_and_every_key_of_it_is_described(kind: Published) -> None:
    schema = schema_of(kind)
    jsonschema_rs.meta.validate(schema)
    undescribed: list[str] = []

    def walk(node: Any, at: str) -> None:
        if isinstance(node, list):
            for child in node:
                walk(child, at)
        for key, child in node.items() if isinstance(node, dict) else ():
            if key in ("properties", "patternProperties"):
                undescribed.extend(f"{at}.{name}" for name, one in child.items() if not one.get("description"))
            for name, one in child.items() if key in ("properties", "patternProperties", "$defs") else [(key, child)]:
                walk(one, f"{at}.{name}")

    walk(schema, "")
    assert undescribed == []
    assert '"$ref": "http' not in json.dumps(schema)


@pytest.mark.parametrize("files", [*map(unfolded, (*CORPUS, MODULES)), *SHIPPED, with_main(test_configuration.FULL)])
def test_what_is_shipped_or_complete_fits(files: dict[str, bytes]) -> None:
    assert misfits(files) == []


BROKEN: list[dict[str, bytes]] = [
    *(with_main(text) for text, _ in test_load_errors.IN_THE_MAIN_FILE.values()),
    *(with_action(text) for text, _ in test_load_errors.IN_AN_ACTION.values()),
    *(with_schema(text) for text, _ in test_load_errors.IN_A_SCHEMA.values()),
    *(folder(main, **parts) for main, parts, _ in test_including.BAD.values()),
]


def test_of_the_broken_files_the_schemas_find_a_good_part() -> None:
    found = [files for files in BROKEN if misfits(files)]

    assert all(refused(files) for files in found)
    assert len(found) > len(BROKEN) // 2, f"{len(found)} of {len(BROKEN)}"


_WORDS = st.sampled_from(
    [
        "allow",
        "deny",
        "require_approval",
        "files",
        "read",
        "x",
        "",
        "15m",
        "90d",
        "60/m",
        "role:approver",
        "a.example.com",
        "org:action:read",
        "action.denied",
        "api",
        "*.yaml",
        "params.path",
        "./workspace",
        "password",
        "http",
        "1",
        "user:x",
        "caller",
        "$HOME",
        "true",
    ]
)
_SCALARS = st.one_of(_WORDS, st.integers(-2, 70_000), st.booleans(), st.none(), st.floats(0, 5))


def _keys(schema: dict[str, Any]) -> list[str]:
    """Every key that any mapping of the schema knows."""
    return sorted(set(re.findall(r'"([a-z_]+)": \{"description"', json.dumps(schema))))


_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(_keys(schema_of(Published.DOCUMENT))), inner, max_size=3),
    ),
    max_leaves=12,
)


def _valid(key: str) -> st.SearchStrategy[Any]:
    """Values of a key that are mostly right."""
    rule = st.fixed_dictionaries(
        {
            "name": st.sampled_from(["a", "b", "A"]),
            "match": st.dictionaries(
                st.sampled_from(["tool", "operation", "risk", "params.path", "not", "any"]), _TREES, max_size=2
            ),
            "decision": _WORDS,
        }
    )
    return {
        "alerts": st.lists(
            st.fixed_dictionaries({"name": st.just("a"), "event": _WORDS}, optional={"within": _WORDS, "per": _WORDS}),
            max_size=2,
        ),
        "approvals": st.fixed_dictionaries(
            {}, optional={"quorum": _SCALARS, "timeout": _WORDS, "approvers": st.lists(_WORDS, max_size=2)}
        ),
        "defaults": st.dictionaries(st.sampled_from(["read", "payment", "other", "x"]), _WORDS, max_size=3),
        "egress": st.fixed_dictionaries({}, optional={"allow": st.lists(_WORDS, max_size=2)}),
        "redact": st.lists(_WORDS, max_size=3),
        "retention": st.fixed_dictionaries({}, optional={"values": _WORDS, "records": _WORDS}),
        "roles": st.dictionaries(st.sampled_from(["buyer", "admin", "B"]), st.lists(_WORDS, max_size=2), max_size=2),
        "rules": st.lists(rule, max_size=2),
    }.get(key, _TREES)


_DOCUMENTS = st.lists(
    st.sampled_from(sorted(schema_of(Published.DOCUMENT)["properties"])), unique=True, max_size=4
).flatmap(lambda keys: st.fixed_dictionaries({key: st.one_of(_valid(key), _TREES) for key in keys if key != "version"}))


@settings(max_examples=400, deadline=None)
@given(_DOCUMENTS)
def test_what_the_loader_takes_fits(document: dict[str, Any]) -> None:
    written = {"version": 1, "connectors": {"files": {"root": "./workspace"}}, **document}
    files = with_main(json.dumps(written))

    # The contrapositive is the other half: what doesn't fit is refused.
    assert not misfits(files) or refused(files)
