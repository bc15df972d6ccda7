"""How long records are kept: read strictly and stored. Nothing acts on it in this version, and every load says so."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aaf.domain.canonical import Json
from aaf.policy.positioned import Faults
from aaf.policy.reading import Section

MAX_DAYS = 36_500
_DAYS = re.compile(r"([1-9][0-9]{0,4})d")
_WANTED = "must be a number of days", "write it like 90d, at most 36500d"


@dataclass(frozen=True, slots=True)
class Retention:
    """Days; `values` is how long sealed values can be opened, `records` how long the records of actions stay. None is without end."""

    values: int | None = None
    records: int | None = None

    def to_json(self) -> dict[str, Json]:
        """As stored."""
        return {"records": self.records, "values": self.values}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Retention":
        """What `to_json` stored."""
        return cls(stored["values"], stored["records"])


KEPT = Retention()
"""Everything is kept."""


def read_retention(section: Section | None, warnings: Faults) -> Retention:
    """Read `retention`."""
    if section is None:
        return KEPT
    values, records = _days(section, "values"), _days(section, "records")
    if values is not None and records is not None and values > records:
        node = section.take("values") or section.node
        section.faults.at(node, "`values` can't be kept longer than `records`", "make it at most as long")
    section.close()
    warnings.at(section.node, "nothing acts on `retention` yet: everything is kept", "it is read and stored")
    return Retention(values, records)


def _days(section: Section, key: str) -> int | None:
    node = section.take(key)
    if node is None:
        return None
    parts = _DAYS.fullmatch(node.value) if isinstance(node.value, str) else None
    if parts is None or int(parts[1]) > MAX_DAYS:
        section.faults.at(node, f"`{key}` {_WANTED[0]}", _WANTED[1])
        return None
    return int(parts[1])
