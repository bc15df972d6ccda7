"""When somebody shall be told: read strictly and stored. Nothing acts on it in this version, and every load says so."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any

from aaf.domain.canonical import Json
from aaf.domain.events import EventType
from aaf.policy.positioned import Faults, Node
from aaf.policy.reading import Section

MAX_ALERTS = 200
MAX_COUNT = 1_000_000
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@unique
class Per(StrEnum):
    """What occurrences are counted for."""

    AGENT = "agent"
    ORGANISATION = "organisation"


@unique
class Severity(StrEnum):
    """How urgent it is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Alert:
    """Tell where an event happened more than `more_than` times `within` seconds, and not again for `cooldown` seconds."""

    name: str
    event: EventType
    more_than: int
    within: int
    per: Per
    severity: Severity
    cooldown: int

    def to_json(self) -> dict[str, Json]:
        """As stored."""
        return {
            "cooldown": self.cooldown,
            "event": self.event,
            "more_than": self.more_than,
            "name": self.name,
            "per": self.per,
            "severity": self.severity,
            "within": self.within,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Alert":
        """What `to_json` stored."""
        return cls(
            name=stored["name"],
            event=EventType(stored["event"]),
            more_than=stored["more_than"],
            within=stored["within"],
            per=Per(stored["per"]),
            severity=Severity(stored["severity"]),
            cooldown=stored["cooldown"],
        )


def read_alerts(section: Section, warnings: Faults) -> tuple[Alert, ...]:
    """Read the list `alerts` of a document."""
    nodes = section.nodes("alerts", "alerts")
    found: dict[str, tuple[Alert, Node]] = {}
    for node in nodes[:MAX_ALERTS]:
        alert = _read(Section(node, "an alert", section.faults))
        if alert.name in found:
            first = found[alert.name][1]
            hint = f"the first is in {first.file}:{first.line}:{first.column}"
            section.faults.at(node, f"a second alert is named `{alert.name}`", hint)
        if alert.name:
            found.setdefault(alert.name, (alert, node))
    if len(nodes) > MAX_ALERTS:
        section.faults.at(nodes[MAX_ALERTS], f"there are more than {MAX_ALERTS} alerts", "put some of them together")
    if nodes:
        warnings.at(nodes[0], "nothing acts on `alerts` yet: nobody is told", "they are read and stored")
    return tuple(alert for alert, _ in found.values())


def _read(section: Section) -> Alert:
    name, named = section.text("name", required=True), section.take("name")
    if named is not None and name and not _NAME.fullmatch(name):
        section.faults.at(named, "an alert's name is lower case letters, digits and hyphens", "such as many-denials")
    section.what = f"alert {name}" if name else section.what
    within = section.seconds("within", 300)
    alert = Alert(
        name=name,
        event=section.choice("event", EventType, EventType.ACTION_DENIED, required=True),
        more_than=section.whole("more_than", 0, least=0, most=MAX_COUNT),
        within=within,
        per=section.choice("per", Per, Per.ORGANISATION),
        severity=section.choice("severity", Severity, Severity.WARNING),
        cooldown=section.seconds("cooldown", within),
    )
    section.close()
    return alert
