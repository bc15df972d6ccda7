"""JSON Schemas (2020-12) of the files that people write, for editors that complete and check while typing.

They say what has which shape, and take everything that the loader takes. What needs the other files, such as whether a parameter
exists, only the loader knows: a file that fits its schema may still be refused. Names of permissions, events, classes and operators come
from the same enums as the loader's.
"""

import json
from enum import StrEnum, unique

from aaf.domain.decision import Verdict
from aaf.domain.events import EventType
from aaf.domain.principal import ADMIN_ONLY, Permission
from aaf.domain.record import ManagedBy
from aaf.policy.catalogue import ActionClass
from aaf.policy.document.alerts import MAX_COUNT, Per, Severity
from aaf.policy.document.published.actions import PARAMETERS, action
from aaf.policy.document.published.conditions import matching
from aaf.policy.document.published.connectors import connectors, egress
from aaf.policy.document.published.limits import limits
from aaf.policy.document.published.shapes import (
    Schema,
    approval,
    choice,
    closed,
    days,
    duration,
    flag,
    requirement,
    said,
    text,
    texts,
    whole,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@unique
class Published(StrEnum):
    """The files that have a schema; each value names the file `<value>.schema.json` beside this module."""

    ACTION = "action"
    """A file of `actions/`."""
    DOCUMENT = "document"
    """`aaf.yaml`."""
    PART = "part"
    """A file that `include` names."""


def schema_of(kind: Published) -> Schema:
    """The JSON Schema of one kind of file."""
    match kind:
        case Published.ACTION:
            return _top(kind, "An action type of the Agent Action Firewall", action(), {"schema": PARAMETERS})
        case Published.DOCUMENT:
            fields = {"version": said("The version of this format.", const=1), **_document(), **_main_only()}
            return _top(
                kind,
                "The configuration of the Agent Action Firewall",
                closed("", fields, "version"),
                {**matching(), "approval": requirement()},
            )
    fields = {
        "guard": flag("Whether the defaults of this file are votes of their own wherever none of its rules speaks."),
        **_document(),
    }
    return _top(
        kind,
        "A part of the configuration of the Agent Action Firewall",
        closed("", fields),
        {**matching(), "approval": requirement()},
    )


def text_of(kind: Published) -> str:
    """The text of the published file, the same bytes wherever it is made."""
    return json.dumps(schema_of(kind), indent=1) + "\n"


def _top(kind: Published, title: str, schema: Schema, definitions: Schema) -> Schema:
    head = {"$schema": DIALECT, "$id": f"urn:aaf:schema:{kind}:1", "title": title}
    return {**head, **{key: value for key, value in schema.items() if key != "description"}, "$defs": definitions}


def _main_only() -> Schema:
    return {
        "managed_by": choice(
            "Who may change the configuration. api: people do, over the API, and a folder is only where it began. "
            "file: the folder does, also over what was changed by the API. Without it, whoever made the release goes on.",
            ManagedBy,
        )
    }


def _document() -> Schema:
    return {
        "alerts": said(
            "When somebody shall be told. This version reads and stores it; nothing acts on it yet.",
            type="array",
            items=_alert(),
        ),
        "approvals": approval("What a hold asks of people unless its rule says otherwise."),
        "connectors": connectors(),
        "defaults": closed(
            "What holds for a class of actions where no rule and no policy module speaks; only reads may be allowed by default.",
            {klass.value: _default(klass) for klass in ActionClass},
        ),
        "egress": egress(),
        "fallback": closed(
            "Holds action types that aren't in the catalogue, instead of denying them.",
            {
                "approval": approval("What that asks of people."),
                "decision": said("Only require_approval is possible.", const="require_approval"),
            },
            "decision",
        ),
        "include": texts(
            "More files of this document, relative to the folder; * stands in the name of a file only.",
            pattern=r"\.yaml$",
        ),
        "limits": limits(),
        "organisation": text("The name of the organisation."),
        "redact": texts(
            "Names of fields whose values are kept out of logs, views and records, beside those that always are."
        ),
        "retention": closed(
            "How long records are kept. This version reads and stores it; nothing acts on it yet.",
            {
                "records": days("How long the records of actions stay."),
                "values": days("How long sealed values can be opened; at most as long as the records."),
            },
        ),
        "roles": said(
            "Roles of the organisation's own: a list of permissions under each name.",
            type="object",
            propertyNames={"pattern": "^[a-z][a-z0-9_-]{0,63}$"},
            additionalProperties={
                "type": "array",
                "minItems": 1,
                "items": choice(
                    "A permission; what could give itself more is the administrator's alone.", Permission, *ADMIN_ONLY
                ),
            },
        ),
        "rules": said(
            "The rules; every one that matches speaks, and their order never matters.", type="array", items=_rule()
        ),
        "run_timeout": duration("How long a connector may run, at most 1h."),
        "use_within": duration("How long an approved or allowed action may wait until it is run."),
    }


def _default(klass: ActionClass) -> Schema:
    left_out = () if klass is ActionClass.READ else (Verdict.ALLOW,)
    said = "denied" if klass in (ActionClass.OTHER, ActionClass.READ) else "held for approval"
    return choice(f"The default of the class {klass}; without it, such actions are {said}.", Verdict, *left_out)


def _rule() -> Schema:
    return closed(
        "One rule.",
        {
            "approval": approval("What a hold of this rule asks of people; goes with require_approval only."),
            "decision": choice("What the rule says of the actions that it matches.", Verdict),
            "match": {
                "$ref": "#/$defs/match",
                "description": "Which actions the rule is about: every condition must hold.",
            },
            "name": text(
                "The rule's name: lower case letters, digits and hyphens.", pattern="^[a-z0-9][a-z0-9-]{0,63}$"
            ),
            "reason": text("A sentence for people, shown wherever the rule decides."),
        },
        "decision",
        "match",
        "name",
    )


def _alert() -> Schema:
    return closed(
        "One alert.",
        {
            "cooldown": duration("How long the same alert is not given again; as `within` unless it is said."),
            "event": choice("Which event is counted.", EventType),
            "more_than": whole("How many of them are still no alert.", 0, MAX_COUNT),
            "name": text(
                "The alert's name: lower case letters, digits and hyphens.", pattern="^[a-z0-9][a-z0-9-]{0,63}$"
            ),
            "per": choice("What they are counted for.", Per),
            "severity": choice("How urgent it is.", Severity),
            "within": duration("Within which time they are counted; 5m unless it is said."),
        },
        "event",
        "name",
    )
