"""A folder of files becomes one configuration, or a list of everything that is wrong with it.

Pure: names and bytes in, a compiled configuration out. What is activated is stored as canonical JSON; reading that back needs no YAML
and gives the same decisions. No key is ignored: what nobody reads is a problem.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aaf.domain.canonical import Json, canonical
from aaf.domain.decision import DEFAULT_REQUIREMENT, Requirement, Verdict
from aaf.domain.errors import ConfigurationInvalid, Problem
from aaf.domain.redaction import Fields, plain_field
from aaf.policy.catalogue import ActionClass, Catalogue, Entry, hide_named, read_entry
from aaf.policy.connector_settings import check_effects, read_connectors
from aaf.policy.judge import Policy
from aaf.policy.limit_reading import check_rules, read_limits
from aaf.policy.limits import Applying, Enforce, Limit, Per, SpendLimit, applying
from aaf.policy.positioned import Faults, Node, TooManyFaults, parse
from aaf.policy.reading import Section, choose, did_you_mean
from aaf.policy.rego.module import Module
from aaf.policy.rego.parsing import Parser
from aaf.policy.rules import Rule, read_requirement, read_rules, requirement_from_json

MAIN = "aaf.yaml"
FORMAT = "aaf-configuration/1"
MAX_PROBLEMS = 200
"""Problems that one load says; it stops there."""

_ACTION_FILE = re.compile(r"actions/[^/]+\.yaml")
_MODULE_FILE = re.compile(r"policies/[^/]+\.rego")
_MAX_RUN = 3600


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
            "approvals": self.approvals.to_json(),
            "connectors": {name: dict(settings) for name, settings in self.connectors.items()},
            "defaults": {klass.value: verdict for klass, verdict in self.defaults.items()},
            "fallback": self.fallback.to_json() if self.fallback else None,
            "format": FORMAT,
            "limits": [limit.to_json() for limit in self.limits],
            "modules": [module.to_json() for module in self.modules],
            "organisation": self.organisation,
            "redact": list(self.redact),
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
            ConfigurationInvalid: it is of another format.
        """
        if document.get("format") != FORMAT:
            found = str(document.get("format"))[:64]
            problem = Problem(
                "release", 0, 0, f"the stored format is {found}, this program reads {FORMAT}", "use the newer program"
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
        )


def source_hash(files: Mapping[str, bytes]) -> str:
    """Hex SHA-256 over names and bytes, to tell whether the files changed."""
    listed: dict[str, Json] = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return hashlib.sha256(canonical(listed)).hexdigest()


def load(files: Mapping[str, bytes], *, parser: Parser | None = None) -> Configuration:
    """Compile the files of a configuration folder: `aaf.yaml`, `actions/*.yaml` and `policies/*.rego`, by their names in it.

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
    for name in files:
        if name != MAIN and not _ACTION_FILE.fullmatch(name) and not _MODULE_FILE.fullmatch(name):
            _stranger(name, faults.of(name))
    if MAIN not in files:
        faults.add((0, 0), "the file is missing", "write at least `version: 1` into it")
    entries: dict[str, tuple[Entry, Node, Faults]] = {}
    for name in sorted(name for name in files if _ACTION_FILE.fullmatch(name)):
        _read_action(files[name], faults.of(name), entries)
    # Rules are checked against the catalogue: with a part of it missing they would only add false alarms.
    broken = bool(faults.problems)
    root = parse(files[MAIN], faults) if MAIN in files else None
    if root is None:
        return None
    warnings = Faults(MAIN)
    configuration = _read_main(Section(root, MAIN, faults), entries, warnings, broken=broken)
    texts = {name: data for name, data in sorted(files.items()) if _MODULE_FILE.fullmatch(name)}
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
    return replace(configuration, modules=modules, warnings=(*configuration.warnings, *_warnings_of(modules)))


def _warnings_of(modules: Iterable[Module]) -> Iterator[str]:
    return (warning for module in modules for warning in module.warnings)


def _stranger(name: str, faults: Faults) -> None:
    if name.endswith(".rego"):
        faults.add(
            (0, 0), "a policy module lies in the folder `policies`", f"move it to policies/{name.rpartition('/')[2]}"
        )
        return
    faults.add(
        (0, 0),
        "this file has no place in a configuration",
        did_you_mean(name, [MAIN, "actions/<name>.yaml", "policies/<name>.rego"]),
    )


def _read_action(data: bytes, faults: Faults, entries: dict[str, tuple[Entry, Node, Faults]]) -> None:
    node = parse(data, faults)
    entry = read_entry(node, faults) if node is not None else None
    if entry is None or node is None:
        return
    if entry.name in entries:
        _, first, where = entries[entry.name]
        hint = f"the first is in {where.file}:{first.line}"
        faults.at(node, f"the action type `{entry.name}` is declared a second time", hint)
        return
    entries[entry.name] = (entry, node, faults)


def _read_main(
    section: Section, entries: Mapping[str, tuple[Entry, Node, Faults]], warnings: Faults, *, broken: bool
) -> Configuration:
    faults = section.faults
    redact, entries = _redacted(section, entries)
    catalogue = Catalogue(entry for entry, _, _ in entries.values())
    version = section.take("version", required=True)
    if version is not None and (type(version.value) is not int or version.value != 1):
        faults.at(version, "`version` must be 1", "this program reads version 1")
    organisation = section.text("organisation")
    asked = section.section("approvals", "approvals")
    approvals = read_requirement(asked) if asked else DEFAULT_REQUIREMENT
    nodes = section.nodes("rules", "rules")
    rules = () if broken else read_rules(nodes, catalogue, approvals, faults, warnings)
    before = len(faults.problems)
    limits = read_limits(section.section("limits", "limits"), None if broken else catalogue, approvals)
    if len(faults.problems) == before:  # of a limit that could not be read, rules would seem to ask in vain
        check_rules(rules, limits, faults)
    connectors = read_connectors(section, entries.values(), redact, warnings, broken=broken)
    if not broken:
        check_effects(entries.values(), connectors, faults)
    configuration = Configuration(
        catalogue=catalogue,
        rules=rules if not faults.problems else (),
        organisation=organisation,
        defaults=_defaults(section.section("defaults", "defaults")),
        approvals=approvals,
        fallback=_fallback(section.section("fallback", "fallback"), approvals),
        limits=tuple(limits.rates),
        spend=tuple(limits.spend),
        use_within=section.seconds("use_within", 900),
        run_timeout=_run_timeout(section),
        connectors=connectors,
        redact=redact,
        warnings=tuple(str(warning) for warning in warnings.problems),
    )
    section.close()
    return configuration


def _redacted(
    section: Section, entries: Mapping[str, tuple[Entry, Node, Faults]]
) -> tuple[tuple[str, ...], dict[str, tuple[Entry, Node, Faults]]]:
    """The names of fields to redact, and the entries with every parameter of such a name declared secret."""
    named = section.texts("redact")
    for name, place in named:
        if not plain_field(name):
            section.faults.at(place, f"`{name}` names no field", "a name has a letter or a digit")
    fields = Fields(name for name, _ in named)
    found: dict[str, tuple[Entry, Node, Faults]] = {}
    for name, (entry, node, where) in entries.items():
        hidden, shown = hide_named(entry, fields)
        found[name] = (hidden, node, where)
        for path in shown:
            last = plain_field(path.rpartition(".")[2])
            for given, place in named:
                if plain_field(given) == last:
                    message = f"`{given}` would hide {path} of {name}, which an approver must see"
                    section.faults.at(place, message, "take it out of `redact`, or out of the targets")
    return tuple(name for name, _ in named), found


def _run_timeout(section: Section) -> int:
    seconds = section.seconds("run_timeout", 30)
    node = section.take("run_timeout")
    if node is not None and seconds > _MAX_RUN:
        section.faults.at(node, "`run_timeout` is at most 1h")
    return seconds


def _defaults(section: Section | None) -> dict[ActionClass, Verdict]:
    found: dict[ActionClass, Verdict] = {}
    for name, node in section.rest() if section else ():
        faults = section.faults if section else Faults(MAIN)
        if name not in set(ActionClass):
            faults.at_key(
                node, f"there is no action class `{name}`", did_you_mean(name, [klass.value for klass in ActionClass])
            )
            continue
        verdict = choose(node, Verdict, Verdict.DENY, f"the default of {name}", faults)
        if verdict is Verdict.ALLOW and name != ActionClass.READ:
            faults.at(
                node, f"the default of {name} can't be allow", "only reads may be allowed by default; write a rule"
            )
        found[ActionClass(name)] = verdict
    return found


def _fallback(section: Section | None, approvals: Requirement) -> Requirement | None:
    if section is None:
        return None
    decision = section.take("decision", required=True)
    if decision is not None and decision.value != Verdict.REQUIRE_APPROVAL:
        section.faults.at(
            decision, "the fallback can only be require_approval", "leave `fallback` out to deny unknown action types"
        )
    approval = section.section("approval", "approval of the fallback")
    requirement = read_requirement(approval, approvals) if approval else approvals
    section.close()
    return requirement
