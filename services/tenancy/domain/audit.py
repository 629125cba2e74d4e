"""The audit trail: who did what when. Ids only."""

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What is recorded."""

    INSTALLED = "app.installed"
    UNINSTALLED = "app.uninstalled"
    ENABLED = "app.enabled"
    DISABLED = "app.disabled"
    TENANT_CREATED = "tenant.created"
    PROJECT_ENABLED = "project.enabled"
    PROJECT_DISABLED = "project.disabled"
    TOKEN_CREATED = "token.created"  # noqa: S105  an action, not a password
    TOKEN_REVOKED = "token.revoked"  # noqa: S105  an action, not a password
    KEY_CREATED = "signing-key.created"


class ActorKind(StrEnum):
    """Where a change came from."""

    JIRA = "jira"
    """A signed call of the tenant's Jira site."""
    TOKEN = "token"  # noqa: S105  a kind, not a password
    """A request with an API token."""
    OPERATOR = "operator"
    """The admin command on the server."""
    SYSTEM = "system"
    """The service by itself."""


@dataclass(frozen=True)
class Actor:
    """Who. Account and token ids where there are any."""

    kind: ActorKind
    account_id: str | None = None
    token_id: str | None = None


JIRA = Actor(ActorKind.JIRA)
OPERATOR = Actor(ActorKind.OPERATOR)
SYSTEM = Actor(ActorKind.SYSTEM)
