"""What each key of the document says, what an empty one means, and what is refused."""

import pytest

from aaf.domain.decision import Requirement, Verdict
from aaf.domain.errors import Code
from aaf.domain.events import EventType
from aaf.domain.principal import ADMIN_ONLY, ROLES, Permission
from aaf.domain.record import ManagedBy
from aaf.policy.catalogue import ActionClass
from aaf.policy.configuration import Configuration, load
from aaf.policy.document.alerts import MAX_ALERTS, Alert, Per, Severity
from aaf.policy.document.classes import HIGH_RISK
from aaf.policy.document.retention import Retention
from aaf.policy.document.roles import MAX_ROLES
from tests.policy.document.folders import HEAD, loaded, problems, problems_of
from tests.policy.samples import ACTIONS, an_input

ACTION = """name: x.{0}
class: {0}
risk: high
effect: caller
input: {{type: object, additionalProperties: false, properties: {{}}}}
"""
EMPTY = load(
    {"aaf.yaml": b"version: 1\n", **{f"actions/{klass}.yaml": ACTION.format(klass).encode() for klass in ActionClass}}
)


@pytest.mark.requirement("R37")
@pytest.mark.parametrize("klass", ActionClass)
def test_an_empty_document_holds_every_high_risk_class_and_denies_the_rest(klass: ActionClass) -> None:
    decision = EMPTY.policy.judge(an_input(f"x.{klass}", klass=klass, params={}))

    if klass in (ActionClass.OTHER, ActionClass.READ):
        assert (decision.verdict, decision.code) == (Verdict.DENY, Code.NO_RULE)
    else:
        assert (decision.verdict, decision.code) == (Verdict.REQUIRE_APPROVAL, Code.CLASS_DEFAULT)
        assert decision.requirements == (Requirement(),)


def test_the_eight_high_risk_classes_are_these() -> None:
    named = "code_execution config_change external_api_call file_delete file_write gui_control payment shell_command"
    assert sorted(HIGH_RISK) == named.split()


def test_a_rule_speaks_louder_than_a_default_and_a_default_can_be_stricter() -> None:
    allowed = loaded("rules: [{name: r, match: {tool: pay}, decision: allow}]\n")
    denied = loaded("defaults: {payment: deny}\n")
    asked = an_input("pay.send", klass=ActionClass.PAYMENT, params={"to": "a", "amount": "1", "currency": "EUR"})

    assert allowed.policy.judge(asked).verdict is Verdict.ALLOW
    assert denied.policy.judge(asked).verdict is Verdict.DENY
    assert problems("defaults: {payment: allow}\n") == [
        "aaf.yaml:3:21: the default of payment can't be allow (only reads may be allowed by default; write a rule)"
    ]


def test_a_release_of_before_keeps_what_it_meant() -> None:
    stored = loaded("").to_stored()
    for key in ("alerts", "guards", "managed_by", "retention", "roles"):
        del stored[key]
    stored["defaults"] = {}

    found = Configuration.from_stored(stored)

    assert (found.defaults, found.guards, found.roles, found.alerts) == ({}, (), {}, ())
    assert (found.managed_by, found.retention) == (None, Retention())


@pytest.mark.requirement("R38")
def test_who_manages_a_document_is_said_in_it() -> None:
    assert loaded("").managed_by is None
    assert loaded("managed_by: file\n").managed_by is ManagedBy.FILE
    assert loaded("managed_by: api\n").managed_by is ManagedBy.API
    assert problems("managed_by: both\n") == ["aaf.yaml:3:13: `managed_by` can't be `both` (known are: api, file)"]


def test_roles_are_names_for_permissions_and_may_be_approvers_and_match() -> None:
    found = loaded(
        "roles:\n  treasurer: [org:approval:read, org:approval:review]\n  robots: [own:action:submit]\n"
        "approvals: {approvers: [role:treasurer]}\n"
        "fallback: {decision: require_approval, approval: {approvers: [role:treasurer, role:admin]}}\n"
        "rules:\n  - {name: r, match: {role: robots}, decision: deny}\n"
        "  - {name: s, match: {tool: pay}, decision: require_approval, approval: {approvers: [role:treasurer]}}\n"
    )

    assert found.roles["treasurer"] == {Permission.ORG_APPROVAL_READ, Permission.ORG_APPROVAL_REVIEW}
    assert found.granted(["treasurer", "nobody", "admin"]) == found.roles["treasurer"]
    assert found.approvals.approvers == ("role:treasurer",)
    assert found.rules[1].requirement == Requirement(("role:treasurer",))
    assert found.fallback == Requirement(("role:treasurer", "role:admin"))


@pytest.mark.parametrize(
    ("main", "expected"),
    [
        ("roles: {admin: [org:action:read]}\n", "aaf.yaml:3:9: the role `admin` is built in (choose another name)"),
        (
            "roles: {Buyer: [org:action:read]}\n",
            "aaf.yaml:3:9: a role's name is lower case letters, digits, hyphens and _ (such as treasurer)",
        ),
        (
            "roles: {buyer: org:action:read}\n",
            "aaf.yaml:3:16: the role buyer is a list of permissions (such as [org:action:read])",
        ),
        ("roles: {buyer: []}\n", "aaf.yaml:3:16: the role buyer is a list of permissions (such as [org:action:read])"),
        (
            "roles: {buyer: [org:acton:read]}\n",
            "aaf.yaml:3:17: there is no permission `org:acton:read` (did you mean `org:action:read`?)",
        ),
        (
            "roles: {buyer: [org:action:read, org:action:read]}\n",
            "aaf.yaml:3:34: `org:action:read` stands here a second time (leave one out)",
        ),
        (
            "roles: {buyer: [org:action:read]}\napprovals: {approvers: [role:buyer]}\n",
            "aaf.yaml:4:25: `role:buyer` names nobody who can approve (that role lacks org:approval:review)",
        ),
        (
            "rules: [{name: r, match: {role: byer}, decision: deny}]\nroles: {buyer: [org:action:read]}\n",
            "aaf.yaml:3:33: there is no role `byer` (did you mean `buyer`?)",
        ),
    ],
)
def test_a_role_that_makes_no_sense_is_refused(main: str, expected: str) -> None:
    assert problems(main) == [expected]


@pytest.mark.parametrize("permission", sorted(ADMIN_ONLY))
def test_no_role_can_be_given_what_would_give_it_everything_else(permission: Permission) -> None:
    assert problems(f"roles: {{buyer: [{permission}]}}\n") == [
        f"aaf.yaml:3:17: only the built-in role admin has `{permission}` (leave it out)"
    ]
    assert [role for role, granted in ROLES.items() if permission in granted] == ["admin"]


def test_too_many_roles_are_one_problem() -> None:
    many = "".join(f"  r{number}: [org:action:read]\n" for number in range(MAX_ROLES + 5))

    assert problems("roles:\n" + many) == [
        f"aaf.yaml:{MAX_ROLES + 4}:3: there are more than {MAX_ROLES} roles (put some of them together)"
    ]


def test_a_permission_of_a_newer_program_is_no_reason_not_to_start() -> None:
    stored = loaded("roles: {buyer: [org:action:read]}\n").to_stored()
    stored["roles"] = {"buyer": ["org:action:read", "org:moon:land"]}

    assert Configuration.from_stored(stored).roles == {"buyer": {Permission.ORG_ACTION_READ}}


def test_retention_is_read_and_every_load_says_that_nothing_acts_on_it() -> None:
    found = loaded("retention: {values: 90d, records: 400d}\n")

    assert found.retention == Retention(90, 400)
    assert found.warnings == (
        "aaf.yaml:3:12: nothing acts on `retention` yet: everything is kept (it is read and stored)",
    )
    assert loaded("retention: {records: 36500d}\n").retention == Retention(None, 36_500)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{values: 90}", "aaf.yaml:3:21: `values` must be a number of days (write it like 90d, at most 36500d)"),
        ("{values: 2h}", "aaf.yaml:3:21: `values` must be a number of days (write it like 90d, at most 36500d)"),
        ("{records: 36501d}", "aaf.yaml:3:22: `records` must be a number of days (write it like 90d, at most 36500d)"),
        ("{records: 0d}", "aaf.yaml:3:22: `records` must be a number of days (write it like 90d, at most 36500d)"),
        (
            "{values: 9d, records: 8d}",
            "aaf.yaml:3:21: `values` can't be kept longer than `records` (make it at most as long)",
        ),
        ("{recods: 8d}", "aaf.yaml:3:13: retention has no key `recods` (did you mean `records`?)"),
    ],
)
def test_a_retention_that_makes_no_sense_is_refused(text: str, expected: str) -> None:
    assert problems(f"retention: {text}\n") == [expected]


def test_alerts_are_read_and_every_load_says_that_nobody_is_told() -> None:
    found = loaded(
        "alerts:\n  - {name: many-denials, event: action.denied, more_than: 10, within: 5m, per: agent,"
        " severity: critical, cooldown: 1h}\n  - {name: any-export, event: ledger.exported}\n"
    )

    assert found.alerts == (
        Alert("many-denials", EventType.ACTION_DENIED, 10, 300, Per.AGENT, Severity.CRITICAL, 3600),
        Alert("any-export", EventType.LEDGER_EXPORTED, 0, 300, Per.ORGANISATION, Severity.WARNING, 300),
    )
    assert found.warnings == ("aaf.yaml:4:5: nothing acts on `alerts` yet: nobody is told (they are read and stored)",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{event: action.denied}", ["aaf.yaml:3:10: an alert lacks `name` (add `name:`)"]),
        (
            "{name: A B, event: action.denied}",
            ["aaf.yaml:3:17: an alert's name is lower case letters, digits and hyphens (such as many-denials)"],
        ),
        (
            "{name: a, event: action.denid}",
            ["aaf.yaml:3:27: `event` can't be `action.denid` (did you mean `action.denied`?)"],
        ),
        (
            "{name: a, event: action.denied, more_than: -1, within: 5, per: 3, to: x}",
            [
                "aaf.yaml:3:53: `more_than` must be a whole number from 0 to 1000000",
                "aaf.yaml:3:65: `within` must be a duration of at most 30 days (write it like 30s, 15m, 2h or 1d)",
                "aaf.yaml:3:73: `per` can't be `3` (known are: agent, organisation)",
                "aaf.yaml:3:76: alert a has no key `to` (known are: cooldown, event, more_than, name, per, severity, within)",
            ],
        ),
    ],
)
def test_an_alert_that_makes_no_sense_is_refused(text: str, expected: list[str]) -> None:
    assert problems(f"alerts: [{text}]\n") == expected


def test_too_many_alerts_are_one_problem() -> None:
    many = "".join(f"  - {{name: a{number}, event: action.denied}}\n" for number in range(MAX_ALERTS + 2))

    assert problems("alerts:\n" + many) == [
        f"aaf.yaml:{MAX_ALERTS + 4}:5: there are more than {MAX_ALERTS} alerts (put some of them together)"
    ]


def _http(text: str) -> str:
    return f"version: 1\n{text}"


@pytest.mark.requirement("R22")
def test_a_list_of_hosts_is_the_short_form_of_destinations() -> None:
    short = load({"aaf.yaml": b"version: 1\negress: {allow: [api.example.com, '*.example.org']}\n"})
    long = load(
        {"aaf.yaml": b"version: 1\nconnectors: {http: {allow: [{host: api.example.com}, {host: '*.example.org'}]}}\n"}
    )
    tuned = load({"aaf.yaml": b"version: 1\nconnectors: {http: {redirects: 2}}\negress: {allow: [api.example.com]}\n"})

    assert short.connectors == long.connectors
    assert tuned.connectors["http"]["redirects"] == 2
    assert "api.example.com" in str(tuned.connectors["http"]["allow"])


@pytest.mark.requirement("R48")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "connectors: {http: {allow: [{host: a.example.com}]}}\negress: {allow: [b.example.com]}\n",
            ["aaf.yaml:3:10: destinations stand in connectors.http.allow too"],
        ),
        (
            "egress: {allow: ['http://a.example.com/']}\n",
            ["aaf.yaml:2:18: `host` can't be used: "],
        ),
        (
            "egress: {allow: [127.0.0.1]}\n",
            ["aaf.yaml:2:18: `127.0.0.1` is not on the public internet, so nothing would ever reach it"],
        ),
        ("egress: {allow: [{host: a.example.com}]}\n", ["aaf.yaml:2:18: `allow` must hold strings (quote it)"]),
        ("egress: {alow: [a.example.com]}\n", ["aaf.yaml:2:9: `egress` is about connectors.http, which isn't there"]),
    ],
)
def test_destinations_that_make_no_sense_are_refused(text: str, expected: list[str]) -> None:
    found = problems_of({"aaf.yaml": _http(text).encode()})
    assert len(found) == len(expected)
    assert all(one.startswith(start) for one, start in zip(found, expected, strict=True))


@pytest.mark.requirement("R42")
@pytest.mark.requirement("R48")
@pytest.mark.parametrize(
    ("main", "place", "shown"),
    [
        ("organisation: ${ORG}\n", "aaf.yaml:3:15", "${ORG}"),
        ("organisation: $PORT\n", "aaf.yaml:3:15", "$PORT"),
        ("organisation: '{{ env.WEB_UI_HOST }}'\n", "aaf.yaml:3:15", "{{ env.WEB_UI_HOST }}"),
        ("organisation: a-$(hostname)\n", "aaf.yaml:3:15", "$(hostname)"),
        ("organisation: '%USERNAME%'\n", "aaf.yaml:3:15", "%USERNAME%"),
        ("redact: ['<%= ENV %>']\n", "aaf.yaml:3:10", "<%= ENV %>"),
        (
            "rules: [{name: r, match: {tool: pay}, decision: deny, reason: 'see ${SEARXNG_URL}'}]\n",
            "aaf.yaml:3:63",
            "${SEARXNG_URL}",
        ),
    ],
)
def test_a_value_that_asks_for_the_environment_is_refused(main: str, place: str, shown: str) -> None:
    assert problems(main)[0] == (
        f"{place}: nothing is filled in here, so `{shown}` would stay as it is "
        "(write the value itself; credentials are named by handle, and their values are in the secrets file)"
    )


@pytest.mark.requirement("R42")
def test_the_environment_is_refused_in_included_files_and_action_types_too() -> None:
    assert problems("include: [a.yaml]\n", a="organisation: $HOME\n")[0].startswith("a.yaml:1:15: nothing is filled in")
    action = ACTIONS["actions/pay.send.yaml"] + b"description: costs {{ env.PRICE }}\n"
    found = problems_of({"aaf.yaml": HEAD.encode(), **ACTIONS, "actions/pay.send.yaml": action})
    assert [one.partition(": ")[0] for one in found] == ["actions/pay.send.yaml:25:14"]


def test_what_an_action_is_compared_with_may_look_like_a_template() -> None:
    found = loaded(
        "rules: [{name: r, match: {params.path: {contains: '${HOME}'}}, decision: deny, reason: costs $USD or $5}]\n"
    )

    assert found.policy.judge(an_input(params={"path": "a/${HOME}"})).verdict is Verdict.DENY
