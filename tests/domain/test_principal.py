"""Permissions: what a role grants, what only people hold, and what a credential may submit."""

import pytest

from aaf.domain.principal import ADMIN_ONLY, PEOPLE_ONLY, ROLES, Kind, Permission, Principal


def _principal(kind: Kind, *roles: str, action_types: tuple[str, ...] = ()) -> Principal:
    return Principal("org", kind, "id", "name", frozenset(roles), "key", action_types)


def test_permissions_are_three_words_in_alphabetical_order() -> None:
    names = [permission.value for permission in Permission]

    assert names == sorted(names)
    assert all(len(name.split(":")) == 3 for name in names)
    assert {name.partition(":")[0] for name in names} == {"installation", "org", "own"}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("permission", Permission)
def test_a_person_may_what_the_role_grants(role: str, permission: Permission) -> None:
    assert _principal(Kind.USER, role).may(permission) is (permission in ROLES[role])


@pytest.mark.attack("G17", part="an agent's roles never give it what only people hold")
@pytest.mark.parametrize("kind", [Kind.AGENT, Kind.SERVICE])
@pytest.mark.parametrize("permission", sorted(PEOPLE_ONLY))
def test_no_agent_or_service_holds_what_is_for_people(kind: Kind, permission: Permission) -> None:
    assert not _principal(kind, *ROLES).may(permission)


def test_an_agent_submits_and_an_unknown_role_grants_nothing() -> None:
    assert _principal(Kind.AGENT, "agent").may(Permission.OWN_ACTION_SUBMIT)
    assert not _principal(Kind.USER, "superuser").may(Permission.ORG_ACTION_READ)
    assert not _principal(Kind.USER).may(Permission.ORG_ACTION_READ)


def test_only_admin_and_approver_review() -> None:
    assert {role for role, granted in ROLES.items() if Permission.ORG_APPROVAL_REVIEW in granted} == {
        "admin",
        "approver",
    }


@pytest.mark.parametrize(
    ("patterns", "name", "may"),
    [
        ((), "files.read", True),
        (("files.read",), "files.read", True),
        (("files.read",), "files.readme", False),
        (("files.*",), "files.read", True),
        (("files.*",), "files.sub.read", True),
        (("files.*",), "filesystem.read", False),
        (("files.*",), "files", False),
        (("pay.send", "files.*"), "files.write", True),
        (("pay.send",), "files.write", False),
    ],
)
def test_a_credential_submits_what_its_patterns_name(patterns: tuple[str, ...], name: str, may: bool) -> None:
    assert _principal(Kind.AGENT, "agent", action_types=patterns).may_submit(name) is may


def test_the_ledger_names_kind_and_id() -> None:
    assert _principal(Kind.AGENT).actor == "agent:id"
    assert _principal(Kind.USER).actor == "user:id"


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("permission", Permission)
def test_what_a_role_of_its_own_grants_stops_where_people_and_administrators_begin(
    kind: Kind, permission: Permission
) -> None:
    principal = Principal("o", kind, "i", "n", frozenset({"own"}), "c", granted=frozenset(Permission))

    may = permission not in ADMIN_ONLY and (kind is Kind.USER or permission not in PEOPLE_ONLY)

    assert principal.may(permission) is may
