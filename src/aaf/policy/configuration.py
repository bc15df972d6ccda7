"""A folder of files becomes one configuration, or a list of everything that is wrong with it.

Pure: names and bytes in, a compiled configuration out. What is activated is stored as canonical JSON; reading that back needs no YAML
and gives the same decisions. No key is ignored: what nobody reads is a problem.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aaf.domain.canonical import Json, canonical
from aaf.domain.decision import DEFAULT_REQUIREMENT, Requirement, Verdict
from aaf.domain.errors import ConfigurationInvalid, Problem
from aaf.domain.principal import ROLES, Permission
from aaf.domain.record import ManagedBy
from aaf.domain.redaction import Fields
from aaf.policy.catalogue import ActionClass, Catalogue, Entry
from aaf.policy.connector_settings import check_effects, read_connectors
from aaf.policy.document.action_files import Declared, modules_among, read_actions, redacted
from aaf.policy.document.alerts import Alert, read_alerts
from aaf.policy.document.classes import RuleSet, read_defaults, read_rule_set
from aaf.policy.document.environment import refuse_templates
from aaf.policy.document.including import MAIN, MAX_TOTAL, Part, merged, read_parts
from aaf.policy.document.retention import KEPT, Retention, read_retention
from aaf.policy.document.roles import read_roles, roles_from_json, roles_to_json
from aaf.policy.judge import Policy
from aaf.policy.limit_reading import Limits, check_rules, read_limits
from aaf.policy.limits import Applying, Enforce, Limit, Per, SpendLimit, applying
from aaf.policy.positioned import Faults, TooManyFaults
from aaf.policy.reading import Section, choose
from aaf.policy.rego.module import Module
from aaf.policy.rego.parsing import Parser
from aaf.policy.rules import Roles, Rule, read_requirement, read_rules, requirement_from_json

__all__ = ["FORMAT", "MAIN", "MAX_PROBLEMS", "Configuration", "load", "source_hash"]

FORMAT = "aaf-configuration/1"
MAX_PROBLEMS = 200
"""Problems that one load says; it stops there."""

_MAX_RUN = 3600
_NEWER = "use the newer program"


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that one release says.

    `use_within` and `run_timeout` in seconds; `redact` are names of fields, and `sensitive` those with the ones that always count.
    """

    catalogue: Catalogue
    rules: tuple[Rule, ...] = ()
    organisation: str = ""
    defaults: Mapping[ActionClass, Verdict] = field(default_factory=dict)
    approvals: Requirement = DEFAULT_REQUIREMENT
    fallback: Requirement | None = None
    limits: tuple[Limit, ...] = ()
    spend: tuple[SpendLimit, ...] = ()
    use_within: int = 900
    run_timeout: int = 30
    connectors: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    redact: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    modules: tuple[Module, ...] = ()
    guards: tuple[RuleSet, ...] = ()
    roles: Mapping[str, frozenset[Permission]] = field(default_factory=dict)
    managed_by: ManagedBy | None = None
    retention: Retention = KEPT
    alerts: tuple[Alert, ...] = ()
    policy: Policy = field(init=False, compare=False)
    sensitive: Fields = field(init=False, compare=False, repr=False)
    _applying: dict[str, tuple[Module, ...]] = field(init=False, compare=False, repr=False, default_factory=dict)
    _limits: dict[str, Applying] = field(init=False, compare=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Compile the policy, and what looks for sensitive fields."""
        policy = Policy(
            self.catalogue,
            self.rules,
            defaults=self.defaults,
            requirement=self.approvals,
            fallback=self.fallback,
            guards=self.guards,
            file=MAIN,
        )
        object.__setattr__(self, "policy", policy)
        object.__setattr__(self, "sensitive", Fields(self.redact))
        known = {name: tuple(one for one in self.modules if one.applies_to(name)) for name in self.catalogue}
        object.__setattr__(self, "_applying", known)
        limits = {name: applying(self.limits, self.spend, name, entry) for name, entry in self.catalogue.items()}
        object.__setattr__(self, "_limits", limits)

    @property
    def exemptions(self) -> tuple[Mapping[str, Json], ...]:
        """Which origins `egress.unsafe_allow` lets the connector http call whatever their address is; usually none."""
        listed = self.connectors.get("http", {}).get("unsafe_allow")
        return tuple(one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()

    def granted(self, roles: Iterable[str]) -> frozenset[Permission]:
        """What the organisation's own roles among `roles` grant; the built-in ones are `Principal.may`'s to know."""
        return frozenset(permission for role in roles for permission in self.roles.get(role, ()))

    def modules_for(self, name: str) -> tuple[Module, ...]:
        """The policy modules that have a word on actions of this type, known or not."""
        found = self._applying.get(name)
        return tuple(one for one in self.modules if one.applies_to(name)) if found is None else found

    def limits_on(self, name: str) -> Applying:
        """The limits that are about actions of this type, known or not."""
        found = self._limits.get(name)
        return applying(self.limits, self.spend, name, None) if found is None else found

    @property
    def judged_limits(self) -> frozenset[str]:
        """The names of the limits that rules and modules may ask for."""
        rates = {limit.name for limit in self.limits if limit.enforce is Enforce.POLICY}
        return frozenset(rates | {limit.name for limit in self.spend})

    def to_stored(self) -> dict[str, Json]:
        """The document of a release: JSON that `from_stored` reads."""
        return {
            "actions": [entry.to_json() for entry in self.catalogue.values()],
            "alerts": [alert.to_json() for alert in self.alerts],
            "approvals": self.approvals.to_json(),
            "connectors": {name: dict(settings) for name, settings in self.connectors.items()},
            "defaults": {klass.value: verdict for klass, verdict in self.defaults.items()},
            "fallback": self.fallback.to_json() if self.fallback else None,
            "format": FORMAT,
            "guards": [one.to_json() for one in self.guards],
            "limits": [limit.to_json() for limit in self.limits],
            "managed_by": self.managed_by,
            "modules": [module.to_json() for module in self.modules],
            "organisation": self.organisation,
            "redact": list(self.redact),
            "retention": self.retention.to_json(),
            "roles": roles_to_json(self.roles),
            "rules": [rule.to_json() for rule in self.rules],
            "run_timeout": self.run_timeout,
            "spend": [limit.to_json() for limit in self.spend],
            "use_within": self.use_within,
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_stored(cls, document: Mapping[str, Any]) -> "Configuration":
        """What `to_stored` gave, without YAML and without checking again.

        Raises:
            ConfigurationInvalid: it is of another format, or has a member that this program would leave out of what it judges by.
        """
        if document.get("format") != FORMAT:
            found = str(document.get("format"))[:64]
            problem = Problem("release", 0, 0, f"the stored format is {found}, this program reads {FORMAT}", _NEWER)
            raise ConfigurationInvalid((problem,))
        if unknown := document.keys() - _MEMBERS:
            named = ", ".join(sorted(unknown))[:200]
            problem = Problem(
                "release", 0, 0, f"the stored release says what this program doesn't know: {named}", _NEWER
            )
            raise ConfigurationInvalid((problem,))
        return cls(
            catalogue=Catalogue(Entry.from_json(entry) for entry in document["actions"]),
            rules=tuple(Rule.from_json(rule) for rule in document["rules"]),
            organisation=document["organisation"],
            defaults={ActionClass(klass): Verdict(verdict) for klass, verdict in document["defaults"].items()},
            approvals=requirement_from_json(document["approvals"]),
            fallback=requirement_from_json(document["fallback"]) if document["fallback"] else None,
            limits=tuple(Limit.from_json(limit) for limit in document["limits"]),
            spend=tuple(SpendLimit.from_json(limit) for limit in document.get("spend", ())),
            use_within=document["use_within"],
            run_timeout=document["run_timeout"],
            connectors=document["connectors"],
            redact=tuple(document["redact"]),
            warnings=tuple(document["warnings"]),
            modules=tuple(Module.from_json(module) for module in document.get("modules", ())),
            guards=tuple(RuleSet.from_json(one) for one in document.get("guards", ())),
            roles=roles_from_json(document.get("roles", {})),
            managed_by=ManagedBy(document["managed_by"]) if document.get("managed_by") else None,
            retention=Retention.from_json(document["retention"]) if "retention" in document else KEPT,
            alerts=tuple(Alert.from_json(alert) for alert in document.get("alerts", ())),
        )


_MEMBERS = frozenset(Configuration(Catalogue(())).to_stored())
"""What a stored release may say; one of before some of them lacks those."""


def source_hash(files: Mapping[str, bytes]) -> str:
    """Hex SHA-256 over names and bytes, to tell whether the files changed."""
    listed: dict[str, Json] = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return hashlib.sha256(canonical(listed)).hexdigest()


def load(files: Mapping[str, bytes], *, parser: Parser | None = None) -> Configuration:
    """Compile the files of a configuration folder by their names in it: `aaf.yaml` with what it includes, `actions/*.yaml`, `policies/*.rego`.

    Modules need `parser`; without one, each of them is a problem.

    Raises:
        ConfigurationInvalid: with every problem of every file, in order of files and places; with the first 200 where there are more.
    """
    faults, configuration, more = Faults(MAIN, room=MAX_PROBLEMS), None, False
    try:
        configuration = _read_files(files, faults, parser)
    except TooManyFaults:
        more = True
    if faults.problems or configuration is None:
        problems = sorted(faults.problems, key=lambda problem: (problem.file, problem.line, problem.column))
        if more:
            rest = f"and more: reading stopped after {MAX_PROBLEMS} problems"
            problems.append(Problem(faults.problems[-1].file, 0, 0, rest, "correct these first"))
        raise ConfigurationInvalid(tuple(problems))
    configuration.policy.prepare()
    return configuration


def _read_files(files: Mapping[str, bytes], faults: Faults, parser: Parser | None) -> Configuration | None:
    """Read every file; None where there is nothing to read the main one from."""
    if sum(map(len, files.values())) > MAX_TOTAL:
        faults.add((0, 0), f"the files are larger than {MAX_TOTAL} bytes together", "take something out")
        return None
    _refuse_credentials(files, faults)
    entries = read_actions(files, faults)
    # Rules are checked against the catalogue: with a part of it missing they would only add false alarms.
    broken = bool(faults.problems)
    parts = read_parts(files, faults) if MAIN in files else []
    if not parts:
        return None
    configuration = _read_document(parts, entries, faults, broken=broken)
    texts = modules_among(files)
    if not texts:
        return configuration
    if parser is None:
        for name in texts:
            hint = "install agent-action-firewall[rego]"
            faults.of(name).add((0, 0), "policy modules in Rego need the engine, which isn't installed", hint)
        return configuration
    # Imported here: a start from a stored release checks no module, and embedded use never pays for the checks.
    from aaf.policy.rego.rates import Rate  # noqa: PLC0415
    from aaf.policy.rego.reading import Surroundings, read_modules  # noqa: PLC0415

    judged = None if faults.problems else configuration.judged_limits
    of_agents = {limit.enforce for limit in configuration.limits if Per.AGENT in limit.per}
    enforced = Enforce.POLICY if Enforce.POLICY in of_agents else Enforce.DOOR
    rate = Rate.UNKNOWN if faults.problems else Rate(enforced) if of_agents else Rate.NONE
    around = Surroundings(
        configuration.catalogue, configuration.approvals, complete=not broken, rate=rate, limits=judged
    )
    modules = read_modules(texts, parser, around, faults)
    warnings = (warning for module in modules for warning in module.warnings)
    return replace(configuration, modules=modules, warnings=(*configuration.warnings, *warnings))


def _refuse_credentials(files: Mapping[str, bytes], faults: Faults) -> None:
    # Imported here: a start from a stored release reads no files.
    from aaf.policy.document.credentials import INSTEAD, credentials  # noqa: PLC0415

    for name, data in files.items():
        for place, message in credentials(data.decode("utf-8", "replace")):
            faults.of(name).add(place, message, INSTEAD)


def _read_document(
    parts: Sequence[Part], entries: Mapping[str, Declared], faults: Faults, *, broken: bool
) -> Configuration:
    """Read the document that the parts make."""
    warnings = Faults(MAIN)
    section = Section(merged(parts, faults), MAIN if len(parts) == 1 else "the document", faults)
    for part in parts:
        refuse_templates(part.root, faults)
    redact, entries = redacted(section, entries)
    catalogue = Catalogue(entry for entry, _, _ in entries.values())
    version = section.take("version", required=True)
    if version is not None and (type(version.value) is not int or version.value != 1):
        faults.at(version, "`version` must be 1", "this program reads version 1")
    organisation = section.text("organisation")
    stated = section.take("managed_by")
    managed_by = None if stated is None else choose(stated, ManagedBy, ManagedBy.FILE, "`managed_by`", faults)
    roles = read_roles(section.section("roles", "roles"))
    known = {**ROLES, **roles}
    asked = section.section("approvals", "approvals")
    approvals = read_requirement(asked, roles=known) if asked else DEFAULT_REQUIREMENT
    before = len(faults.problems)
    limits = read_limits(section.section("limits", "limits"), None if broken else catalogue, approvals, known)
    # Of a limit that could not be read, rules would seem to ask in vain.
    askable = limits if len(faults.problems) == before else None
    rules, guards = _read_rules(parts, catalogue, approvals, askable, warnings, known, broken=broken)
    connectors = read_connectors(section, entries.values(), redact, warnings, broken=broken)
    if not broken:
        check_effects(entries.values(), connectors, faults)
    configuration = Configuration(
        catalogue=catalogue,
        rules=rules if not faults.problems else (),
        organisation=organisation,
        defaults=read_defaults(section.section("defaults", "defaults")),
        approvals=approvals,
        fallback=_fallback(section.section("fallback", "fallback"), approvals, known),
        limits=tuple(limits.rates),
        spend=tuple(limits.spend),
        use_within=section.seconds("use_within", 900),
        run_timeout=_run_timeout(section),
        connectors=connectors,
        redact=redact,
        guards=guards,
        roles=roles,
        managed_by=managed_by,
        retention=read_retention(section.section("retention", "retention"), warnings),
        alerts=read_alerts(section, warnings),
        warnings=tuple(str(warning) for warning in warnings.problems),
    )
    section.close(also=("include", "rules"))
    return configuration


def _read_rules(
    parts: Iterable[Part],
    catalogue: Catalogue,
    approvals: Requirement,
    limits: Limits | None,
    warnings: Faults,
    roles: Roles,
    *,
    broken: bool,
) -> tuple[tuple[Rule, ...], tuple[RuleSet, ...]]:
    """The rules of every part, each with the places of its own file, and the rule sets that are guards."""
    found: list[Rule] = []
    guards: list[RuleSet] = []
    places: dict[str, str] = {}
    for part in parts:
        section = part.section
        nodes = section.nodes("rules", "rules")
        rules: tuple[Rule, ...] = ()
        if not broken:
            rules = read_rules(nodes, catalogue, approvals, section.faults, warnings.of(part.name), roles)
            if limits is not None:
                check_rules(rules, limits, section.faults)
            for rule, node in zip(rules, nodes, strict=True):
                if rule.name in places and not places[rule.name].startswith(f"{part.name}:"):
                    section.faults.at(
                        node, f"a second rule is named `{rule.name}`", f"the first is in {places[rule.name]}"
                    )
                places.setdefault(rule.name, f"{part.name}:{node.line}:{node.column}")
        if part.guard:
            given = part.fields.get("defaults")
            if given is None or given.value == {}:
                what = "a guard without `defaults` says nothing: it is they that are votes"
                section.faults.at_key(part.fields["guard"], what, "add defaults: {payment: deny}, or leave `guard` out")
            defaults = section.section("defaults", f"defaults of {part.name}")
            guards.append(read_rule_set(part.name, defaults, (rule.name for rule in rules)))
        found += rules
    return tuple(found), tuple(guards)


def _run_timeout(section: Section) -> int:
    seconds = section.seconds("run_timeout", 30)
    node = section.take("run_timeout")
    if node is not None and seconds > _MAX_RUN:
        section.faults.at(node, "`run_timeout` is at most 1h")
    return seconds


def _fallback(section: Section | None, approvals: Requirement, roles: Roles) -> Requirement | None:
    if section is None:
        return None
    decision = section.take("decision", required=True)
    if decision is not None and decision.value != Verdict.REQUIRE_APPROVAL:
        section.faults.at(
            decision, "the fallback can only be require_approval", "leave `fallback` out to deny unknown action types"
        )
    approval = section.section("approval", "approval of the fallback")
    requirement = read_requirement(approval, approvals, roles) if approval else approvals
    section.close()
    return requirement
