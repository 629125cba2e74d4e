"""State and events that tenancy publishes. Secrets never appear here."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from contracts.base import Contract
from contracts.classes import DataClass

SERVICES = ("testcases", "executions", "tenancy", "telemetry")


class TenantStatus(StrEnum):
    """Life of a tenant. Only ``active`` may be served."""

    ACTIVE = "active"
    DISABLED = "disabled"
    UNINSTALLED = "uninstalled"


class TenantState(Contract):
    """One tenant, with or without a Jira site. Key: tenant."""

    tenant: Annotated[str, DataClass.OPERATIONAL]
    status: Annotated[TenantStatus, DataClass.OPERATIONAL]
    cell: Annotated[str, DataClass.OPERATIONAL]
    site_url: Annotated[str | None, DataClass.JIRA_ID] = None
    """Base URL of the Jira site, for links into Jira; None without Jira."""
    licence_tier: Annotated[str | None, DataClass.OPERATIONAL] = None
    licence_type: Annotated[str | None, DataClass.OPERATIONAL] = None
    support_entitlement: Annotated[str | None, DataClass.JIRA_ID] = None
    jira_instance: Annotated[str | None, DataClass.JIRA_ID] = None
    jira_version: Annotated[str | None, DataClass.OPERATIONAL] = None
    """Unknown is None, never a constant."""


class ProjectState(Contract):
    """One project of a tenant. Key: tenant/project id."""

    id: Annotated[int, DataClass.OPERATIONAL]
    jira_project_id: Annotated[int, DataClass.JIRA_ID]
    """Jira's id; for a tenant without Jira our own id again."""
    key: Annotated[str, DataClass.JIRA_ID]
    """Fixed when the project is enabled."""
    aliases: Annotated[tuple[str, ...], DataClass.JIRA_ID] = ()
    """Keys that Jira gave the project later; accepted wherever the key is."""
    enabled: Annotated[bool, DataClass.OPERATIONAL]
    deleted: Annotated[bool, DataClass.OPERATIONAL] = False
    """Deleted in Jira: invisible, and back on restore."""
    enforced: Annotated[bool, DataClass.OPERATIONAL] = False
    """Its permission scheme is enforced: who does not have the scheme yet allows nothing."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key that names the project, its own first."""
        return (self.key, *self.aliases)


class SigningKeyState(Contract):
    """Public half of a key that signs API tokens (ES256). Key: kid."""

    kid: Annotated[str, DataClass.OPERATIONAL]
    public_pem: Annotated[str, DataClass.OPERATIONAL]
    not_before: Annotated[datetime, DataClass.OPERATIONAL]
    retired_at: Annotated[datetime | None, DataClass.OPERATIONAL] = None


class TokenRevocation(Contract):
    """A revoked API token. Key: tenant/token id."""

    token_id: Annotated[str, DataClass.OPERATIONAL]
    revoked_at: Annotated[datetime, DataClass.OPERATIONAL]
    expires_at: Annotated[datetime, DataClass.OPERATIONAL]
    """After this time the token is refused anyway and the revocation may be forgotten."""


class TokenUse(Contract):
    """An API token was used. Key: tenant/token id. Told at most once a minute per process."""

    token_id: Annotated[str, DataClass.OPERATIONAL]
    used_at: Annotated[datetime, DataClass.OPERATIONAL]
