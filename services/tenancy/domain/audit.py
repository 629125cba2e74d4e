"""The audit trail: who did what when. Ids only."""

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What is recorded."""

    INSTALLED = "app.installed"
    UNINSTALLED = "app.uninstalled"
    ENABLED = "app.enabled"
    DISABLED = "app.disabled"
    RENAMED = "app.site-renamed"
    ORPHANED = "app.orphaned"
    """Another client key came to its site."""
    RESTORED = "app.restored"
    """Its own client key came to its site again."""
    FORGE_INSTALLED = "app.forge-installed"
    FORGE_UPGRADED = "app.forge-upgraded"
    FORGE_JOINED = "app.forge-joined"
    """A Forge installation was found to be that of a tenant we knew."""
    FORGE_LEFT = "app.forge-left"
    """Its Forge installation went over to the tenant that is at the site now."""
    FORGE_UNINSTALLED = "app.forge-uninstalled"
    TENANT_ADOPTED = "tenant.adopted"
    """It took over the install of another tenant on the same site."""
    TENANT_GIVEN_UP = "tenant.given-up"
    TENANT_LINKED = "tenant.linked"
    """An operator said which cloud id it has."""
    TENANT_CREATED = "tenant.created"
    PROJECT_ENABLED = "project.enabled"
    PROJECT_DISABLED = "project.disabled"
    PROJECT_RENAMED = "project.renamed"
    """Jira gave it another key."""
    PROJECT_HIDDEN = "project.hidden"
    """Jira deleted or archived it."""
    PROJECT_RESTORED = "project.restored"
    PERMISSIONS_CHANGED = "permissions.changed"
    TOKEN_CREATED = "token.created"  # noqa: S105  an action, not a password
    TOKEN_REVOKED = "token.revoked"  # noqa: S105  an action, not a password
    TOKEN_ENDED = "token.ended-with-account"  # noqa: S105  an action, not a password
    """Jira says that the account it acts for is closed or gone."""
    KEY_CREATED = "signing-key.created"
    SECRETS_REWRAPPED = "secrets.rewrapped"


class ActorKind(StrEnum):
    """Where a change came from."""

    JIRA = "jira"
    """A signed call of the tenant's Jira site, or of Forge for it."""
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
