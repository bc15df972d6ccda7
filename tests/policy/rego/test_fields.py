"""Fields of the input, where schemas are of every kind."""

import pytest

from aaf.domain.canonical import Json
from aaf.domain.errors import ConfigurationInvalid
from aaf.policy.catalogue import ActionClass, Entry, Risk
from aaf.policy.configuration import load
from aaf.policy.rego.fields import Field, look_up
from aaf.policy.schemas import Schema
from tests.policy.rego.engine import InProcess
from tests.policy.samples import with_main

TEXT: dict[str, Json] = {"type": "string"}
ENTRY = Entry(
    "x.y",
    ActionClass.OTHER,
    Risk.LOW,
    Schema(
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "who": {"$ref": "#/$defs/person"},
                "open": {"type": "object", "open": True, "properties": {"a": TEXT}},
                "either": {"anyOf": [{"type": "string"}, {"type": "object", "open": True}]},
                "list": {"type": ["array", "null"], "items": TEXT},
                "text": TEXT,
            },
            "$defs": {"person": {"type": "object", "additionalProperties": False, "properties": {"name": TEXT}}},
        }
    ),
)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("params", Field.FINE),
        ("params.who.name", Field.FINE),
        ("params.who.nmae", Field.NO_PARAMETER),
        ("params.open.anything", Field.FINE),
        ("params.open.a.deeper", Field.NO_PARAMETER),
        ("params.either.x", Field.FINE),
        ("params.list.x", Field.FINE),
        ("params.text.x", Field.NO_PARAMETER),
        ("params.nothing", Field.NO_PARAMETER),
        ("context.anything.at.all", Field.FINE),
        ("context.approved_by", Field.NOWHERE),
        ("context.pre_approved", Field.FINE),
        ("agent.roles.0", Field.NOWHERE),
    ],
)
def test_a_field_is_looked_for_as_deep_as_its_schema_goes(path: str, found: Field) -> None:
    assert look_up(path.split("."), [ENTRY])[0] is found


def test_without_action_types_there_are_no_parameters() -> None:
    assert look_up(("params",), [])[0] is Field.FINE
    assert look_up(("params", "x"), [])[0] is Field.NO_PARAMETER


def test_fields_are_not_judged_against_half_a_catalogue() -> None:
    module = (
        b'# METADATA\n# custom: {tools: [gone]}\npackage aaf.policies\ndecision := "deny" if input.params.nothing\n'
    )
    files = {**with_main("version: 1\n"), "actions/broken.yaml": b"name: gone.do\n", "policies/m.rego": module}
    with pytest.raises(ConfigurationInvalid) as caught:
        load(files, parser=InProcess())
    assert {problem.file for problem in caught.value.problems} == {"actions/broken.yaml"}
