"""Reads `connectors` and `egress`, and checks that every connector that an action type names is configured."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from aaf.domain.canonical import Json
from aaf.policy.catalogue import Entry
from aaf.policy.positioned import Faults, Node
from aaf.policy.reading import Section, did_you_mean

CONNECTORS = ("files", "http")
MAX_FILE_BYTES = 64 * 1_048_576


def read_connectors(
    main: Section,
    entries: Iterable[tuple[Entry, Node, Faults]],
    redact: Iterable[str],
    warnings: Faults,
    *,
    broken: bool,
) -> dict[str, Mapping[str, Json]]:
    """The settings of each connector that the main file configures.

    Args:
        main: the main file.
        entries: the action types, each with its place.
        redact: names of fields that are redacted everywhere.
        warnings: takes what isn't wrong and has to be said.
        broken: whether action types are missing because their files are faulty.
    """
    section, egress = main.section("connectors", "connectors"), main.section("egress", "egress")
    http = section.section("http", "the connector http") if section else None
    if egress is not None and http is None:
        if egress.take("allow") is None:
            main.faults.at(egress.node, "`egress` is about connectors.http, which isn't there", "add connectors.http")
        else:
            # A list of hosts is all that the connector needs.
            http = Section(replace(egress.node, value={}), "the connector http", main.faults)
    found: dict[str, Mapping[str, Json]] = {}
    files = section.section("files", "the connector files") if section else None
    if files is not None:
        found["files"] = {
            "max_bytes": files.whole("max_bytes", 1_048_576, least=1, most=MAX_FILE_BYTES),
            "protect": [pattern for pattern, _ in files.texts("protect")],
            "root": files.text("root", required=True),
        }
        files.close()
    if http is not None:
        found["http"] = _http(
            http, egress, [one for one in entries if one[0].effect == "http"], redact, warnings, broken
        )
    if section is not None:
        section.close()
    return found


def check_effects(
    entries: Iterable[tuple[Entry, Node, Faults]], connectors: Mapping[str, Mapping[str, Json]], faults: Faults
) -> None:
    """Every connector that an action type names exists and is configured."""
    lacking: dict[str, str] = {}
    for entry, node, where in entries:
        if entry.effect == "caller" or entry.effect in connectors:
            continue
        if entry.effect in CONNECTORS:
            lacking.setdefault(entry.effect, entry.name)
            continue
        effect = Section(node, entry.name, where).take("effect") or node
        hint = did_you_mean(entry.effect, CONNECTORS)
        message = f"there is no connector `{entry.effect}`"
        where.at(effect, message, hint)
    for connector, name in lacking.items():
        faults.add((0, 0), f"`connectors` lacks `{connector}`, which {name} needs", f"add connectors.{connector}")


def _http(
    section: Section,
    egress: Section | None,
    entries: list[tuple[Entry, Node, Faults]],
    redact: Iterable[str],
    warnings: Faults,
    broken: bool,  # noqa: FBT001
) -> dict[str, Json]:
    # Imported here: a start from a stored release reads no settings, and embedded use never pays for the checks of addresses.
    from aaf.policy.egress_settings import check_type, exemption_warnings, read_http  # noqa: PLC0415

    declared = None if broken else frozenset(handle for entry, _, _ in entries for handle in entry.secrets)
    settings = read_http(section, egress, redact=redact, declared=declared)
    for entry, node, where in entries:
        check_type(entry, node, settings, where)
    for text in exemption_warnings(settings.unsafe_allow):
        warnings.at((egress or section).node, text, "take it out as soon as it isn't needed")
    return settings.to_json()
