"""Who acts, and what a role lets them do. Every permission of the product stands here, once.

A name reads `scope:resource:action`: scope `own` is what the principal itself submitted, `org` is everything of its organisation,
`installation` is the process and its data. Agents can never hold a permission of `PEOPLE_ONLY`, whatever their roles say.
"""

from dataclasses import dataclass
from enum import StrEnum, unique


@unique
class Permission(StrEnum):
    """Every permission, in alphabetical order."""

    INSTALLATION_METRICS_READ = "installation:metrics:read"
    INSTALLATION_RECOVERY_RELEASE = "installation:recovery:release"
    ORG_ACTION_READ = "org:action:read"
    ORG_ACTION_RESOLVE = "org:action:resolve"
    ORG_APPROVAL_READ = "org:approval:read"
    ORG_APPROVAL_REVIEW = "org:approval:review"
    ORG_AUDIT_EXPORT = "org:audit:export"
    ORG_AUDIT_READ = "org:audit:read"
    ORG_CONFIGURATION_READ = "org:configuration:read"
    ORG_CONFIGURATION_WRITE = "org:configuration:write"
    ORG_DECISION_EXPLAIN = "org:decision:explain"
    ORG_KEY_CREATE = "org:key:create"
    ORG_KEY_READ = "org:key:read"
    ORG_KEY_REVOKE = "org:key:revoke"
    ORG_PROOF_DISCLOSE = "org:proof:disclose"
    ORG_PROOF_READ = "org:proof:read"
    OWN_ACTION_CANCEL = "own:action:cancel"
    OWN_ACTION_EXECUTE = "own:action:execute"
    OWN_ACTION_READ = "own:action:read"
    OWN_ACTION_SUBMIT = "own:action:submit"
    OWN_PROOF_READ = "own:proof:read"


@unique
class Kind(StrEnum):
    """What a principal is."""

    AGENT = "agent"
    SERVICE = "service"
    USER = "user"


_AGENT = frozenset(
    {
        Permission.OWN_ACTION_CANCEL,
        Permission.OWN_ACTION_EXECUTE,
        Permission.OWN_ACTION_READ,
        Permission.OWN_ACTION_SUBMIT,
        Permission.OWN_PROOF_READ,
    }
)
_VIEWER = frozenset({Permission.INSTALLATION_METRICS_READ, Permission.ORG_ACTION_READ})
_AUDITOR = _VIEWER | {
    Permission.ORG_APPROVAL_READ,
    Permission.ORG_AUDIT_EXPORT,
    Permission.ORG_AUDIT_READ,
    Permission.ORG_CONFIGURATION_READ,
    Permission.ORG_DECISION_EXPLAIN,
    Permission.ORG_PROOF_DISCLOSE,
    Permission.ORG_PROOF_READ,
}
_APPROVER = _VIEWER | {
    Permission.ORG_APPROVAL_READ,
    Permission.ORG_APPROVAL_REVIEW,
    Permission.ORG_AUDIT_READ,
    Permission.ORG_CONFIGURATION_READ,
    Permission.ORG_PROOF_READ,
}

ROLES: dict[str, frozenset[Permission]] = {
    "admin": frozenset(Permission),
    "agent": _AGENT,
    "approver": _APPROVER,
    "auditor": _AUDITOR,
    "viewer": _VIEWER,
}
"""Built-in roles. `admin` may submit too; what it submits, another person has to review."""

PEOPLE_ONLY = frozenset(
    {
        Permission.INSTALLATION_RECOVERY_RELEASE,
        Permission.ORG_ACTION_RESOLVE,
        Permission.ORG_APPROVAL_READ,
        Permission.ORG_APPROVAL_REVIEW,
        Permission.ORG_AUDIT_EXPORT,
        Permission.ORG_CONFIGURATION_READ,
        Permission.ORG_CONFIGURATION_WRITE,
        Permission.ORG_DECISION_EXPLAIN,
        Permission.ORG_KEY_CREATE,
        Permission.ORG_KEY_REVOKE,
        Permission.ORG_PROOF_DISCLOSE,
    }
)

ADMIN_ONLY = frozenset(
    {
        Permission.INSTALLATION_RECOVERY_RELEASE,
        Permission.ORG_CONFIGURATION_WRITE,
        Permission.ORG_KEY_CREATE,
    }
)
"""What no role of an organisation's own can give: who writes roles or makes keys could give themselves everything else."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody authenticated: ids are opaque UUIDs, `credential` is the id of the key that was used."""

    org: str
    kind: Kind
    id: str
    name: str
    roles: frozenset[str]
    credential: str
    action_types: tuple[str, ...] = ()
    """Patterns of action types that this credential may submit, `files.*`; empty means every type."""
    granted: frozenset[Permission] = frozenset()
    """What the organisation's own roles grant under the release that is active."""

    @property
    def actor(self) -> str:
        """As the ledger names it: `agent:<id>`."""
        return f"{self.kind}:{self.id}"

    def may(self, permission: Permission) -> bool:
        """Whether one of the roles grants `permission`; unknown roles grant nothing, and people's permissions only people hold."""
        if self.kind is not Kind.USER and permission in PEOPLE_ONLY:
            return False
        if permission in self.granted and permission not in ADMIN_ONLY:
            return True
        return any(permission in ROLES.get(role, ()) for role in self.roles)

    def may_submit(self, action_type: str) -> bool:
        """Whether this credential is scoped to `action_type`."""
        if not self.action_types:
            return True
        return any(
            action_type == pattern or (pattern.endswith(".*") and action_type.startswith(pattern[:-1]))
            for pattern in self.action_types
        )
