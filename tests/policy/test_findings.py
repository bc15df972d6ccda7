"""The findings that rules may ask about are those that the connector for files makes, no more and no fewer."""

from collections.abc import Mapping
from pathlib import Path

from aaf.adapters.connectors.files import FilesConnector
from aaf.domain.canonical import Json
from aaf.domain.errors import Code
from aaf.policy.checking import FINDINGS
from aaf.policy.connector_settings import CONNECTORS

BAD: list[tuple[str, Mapping[str, Json]]] = [
    ("wipe", {"path": "a"}),
    ("read", {"path": "a", "mode": "x"}),
    ("read", {}),
    ("read", {"path": 5}),
    ("read", {"path": "a", "encoding": "utf-16"}),
    ("read", {"path": "../a"}),
    ("read", {"path": "a//b"}),
    ("read", {"path": ".ssh/id_rsa"}),
    ("write", {"path": "a", "content": "\ud800"}),
    ("write", {"path": "a", "content": "x" * 11}),
]


def test_a_rule_can_ask_about_every_finding_of_the_connectors_and_no_other(tmp_path: Path) -> None:
    connector = FilesConnector(tmp_path, max_bytes=10)
    try:
        made = {
            found.code
            for operation, params in BAD
            for found in connector.analyse(operation=operation, params=params).findings
        }
    finally:
        connector.close()

    assert (
        made | {Code.SECRET_DETECTED, Code.SECRET_QUOTED} == FINDINGS
    )  # those two are every action's, whatever runs it
    # What the connector for HTTP finds, it denies: no rule could add to that.
    assert CONNECTORS == ("files", "http")
