"""A small configuration that the tests vary: four tools whose fields have every kind."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aaf.policy.catalogue import ActionClass, Risk
from aaf.policy.decision_input import Input

FILES_READ = b"""name: files.read
class: read
risk: low
effect: {connector: files}
targets: [params.path]
input:
  type: object
  additionalProperties: false
  required: [path]
  properties:
    path: {type: string, maxLength: 200}
    encoding: {type: string, enum: [utf-8, base64], default: utf-8}
"""

FILES_WRITE = b"""name: files.write
class: file_write
risk: high
effect: {connector: files}
targets: [params.path]
input:
  type: object
  additionalProperties: false
  required: [path]
  properties:
    path: {type: string, maxLength: 200}
    create: {type: boolean, default: true}
    mode: {type: [string, 'null']}
"""

PAY_SEND = b"""name: pay.send
class: payment
risk: high
effect: caller
targets: [params.to]
amount: {value: params.amount, currency: params.currency}
secret: [params.token]
input:
  type: object
  additionalProperties: false
  required: [to, amount, currency]
  properties:
    to: {type: string}
    cc: {type: array, items: {type: string}}
    amount: {type: string}
    currency: {type: string, pattern: "^[A-Z]{3}$"}
    count: {type: integer, minimum: 0}
    token: {type: string}
    meta:
      type: object
      additionalProperties: false
      properties:
        note: {type: string}
        urgent: {type: boolean}
"""

SOMEBODY = "01234567-89ab-cdef-0123-456789abcdef"
CONNECTORS = "connectors: {files: {root: ./workspace}}\n"
MAIN = b"version: 1\n" + CONNECTORS.encode()

ACTIONS: Mapping[str, bytes] = {
    "actions/files.read.yaml": FILES_READ,
    "actions/files.write.yaml": FILES_WRITE,
    "actions/pay.send.yaml": PAY_SEND,
}


def with_main(text: str) -> dict[str, bytes]:
    """The sample's actions with another `aaf.yaml`; the connector is configured where the text doesn't say anything of it."""
    configured = text if "connectors" in text or not text.startswith("version: 1\n") else text + CONNECTORS
    return {"aaf.yaml": configured.encode(), **ACTIONS}


def with_rules(text: str) -> dict[str, bytes]:
    """The sample with rules, given as the items of the list."""
    return with_main(MAIN.decode() + "rules:\n" + text)


def with_action(text: str) -> dict[str, bytes]:
    """The sample with one more action type."""
    return {"aaf.yaml": MAIN, **ACTIONS, "actions/x.yaml": text.encode()}


def with_schema(text: str) -> dict[str, bytes]:
    """The sample with one more action type that has this input schema; its first line is line 6."""
    indented = "".join(f"  {line}\n" for line in text.splitlines())
    return with_action(f"name: x.y\nclass: other\nrisk: low\neffect: caller\ninput:\n{indented}")


def an_input(name: str = "files.read", **changes: Any) -> Input:
    """An agent asks to read a file, unless told otherwise."""
    start = Input(
        name=name,
        params={"path": "notes.txt", "encoding": "utf-8"},
        agent_id=SOMEBODY,
        agent_name="scribe",
        org=SOMEBODY,
        klass=ActionClass.READ,
        risk=Risk.LOW,
        time=1_700_000_000_000_000,
        release=1,
        roles=frozenset({"agent"}),
    )
    return replace(start, **changes)
