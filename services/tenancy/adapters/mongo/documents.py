"""Stored documents of tenancy, every field with its data class."""

from datetime import datetime
from typing import Annotated

from typing_extensions import TypedDict

from contracts.classes import DataClass
from contracts.usage import ProductEvent


class PendingEvent(TypedDict):
    """An entry of the embedded outbox; ``data`` only with usage events."""

    id: Annotated[str, DataClass.OPERATIONAL]
    seq: Annotated[int, DataClass.OPERATIONAL]
    kind: Annotated[str, DataClass.OPERATIONAL]
    trace: Annotated[str | None, DataClass.OPERATIONAL]
    data: ProductEvent | None


class SealedDocument(TypedDict):
    """A sealed secret: useless without the master key and outside its place."""

    key_id: Annotated[str, DataClass.OPERATIONAL]
    wrapped: Annotated[bytes, DataClass.SECRET]
    nonce: Annotated[bytes, DataClass.OPERATIONAL]
    ciphertext: Annotated[bytes, DataClass.SECRET]


class InstallSecretDocument(TypedDict):
    """A shared secret of an install; ``until`` only with the previous one."""

    version: Annotated[int, DataClass.OPERATIONAL]
    sealed: SealedDocument
    until: Annotated[datetime | None, DataClass.OPERATIONAL]


class StampDocument(TypedDict):
    """The newest lifecycle call that something was learnt from."""

    iat: Annotated[int, DataClass.OPERATIONAL]
    seen: Annotated[list[str], DataClass.OPERATIONAL]
    """SHA-256 of the calls of that second that were acted on."""


class ExtrasAtDocument(TypedDict):
    """``iat`` of the call that each came with."""

    entitlement: Annotated[int, DataClass.OPERATIONAL]
    entitlement_id: Annotated[int, DataClass.OPERATIONAL]
    installation_id: Annotated[int, DataClass.OPERATIONAL]


class InstallDocument(TypedDict):
    """What a signed install gave."""

    client_key_hash: Annotated[str, DataClass.JIRA_ID]
    """Keyed hash; the client key itself is sealed."""
    client_key: SealedDocument
    current: InstallSecretDocument
    previous: InstallSecretDocument | None
    entitlement: Annotated[str | None, DataClass.JIRA_ID]
    entitlement_id: Annotated[str | None, DataClass.JIRA_ID]
    installation_id: Annotated[str | None, DataClass.JIRA_ID]
    extras_at: ExtrasAtDocument
    installed: StampDocument
    life: StampDocument
    switch: StampDocument
    removed: Annotated[bool, DataClass.OPERATIONAL]
    disabled: Annotated[bool, DataClass.OPERATIONAL]


class SystemTokenDocument(TypedDict):
    """A Forge system token."""

    version: Annotated[int, DataClass.OPERATIONAL]
    sealed: SealedDocument
    until: Annotated[datetime, DataClass.OPERATIONAL]


class ForgeInstallDocument(TypedDict):
    """What Forge's invocation tokens gave."""

    installation_id: Annotated[str, DataClass.JIRA_ID]
    environment_id: Annotated[str, DataClass.JIRA_ID]
    api_base_url: Annotated[str, DataClass.JIRA_ID]
    token: SystemTokenDocument | None
    last_iat: Annotated[int, DataClass.OPERATIONAL]
    life: StampDocument
    removed: Annotated[bool, DataClass.OPERATIONAL]


class JiraFactsDocument(TypedDict):
    """What Jira last said about the site and our licence there."""

    licence_tier: Annotated[str | None, DataClass.OPERATIONAL]
    licence_type: Annotated[str | None, DataClass.OPERATIONAL]
    licence_active: Annotated[bool | None, DataClass.OPERATIONAL]
    licence_evaluation: Annotated[bool | None, DataClass.OPERATIONAL]
    support_entitlement: Annotated[str | None, DataClass.JIRA_ID]
    version: Annotated[str | None, DataClass.OPERATIONAL]
    read_at: Annotated[datetime | None, DataClass.OPERATIONAL]


class TenantDocument(TypedDict):
    """Collection ``tenants``."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    """Tenant id."""
    status: Annotated[str, DataClass.OPERATIONAL]
    cell: Annotated[str, DataClass.OPERATIONAL]
    name: Annotated[str | None, DataClass.CUSTOMER_CONTENT]
    site_url: Annotated[str | None, DataClass.JIRA_ID]
    created_at: Annotated[datetime, DataClass.OPERATIONAL]
    install: InstallDocument | None
    forge: ForgeInstallDocument | None
    cloud_id: Annotated[str | None, DataClass.JIRA_ID]
    facts: JiraFactsDocument
    orphaned_at: Annotated[datetime | None, DataClass.OPERATIONAL]
    rev: Annotated[int, DataClass.OPERATIONAL]
    outbox: list[PendingEvent]


class SiteClaimDocument(TypedDict):
    """Collection ``site_claims``: which tenant is at a Jira site. Ordered by install tokens."""

    _id: Annotated[str, DataClass.JIRA_ID]
    """Base URL of the site."""
    tenant: Annotated[str, DataClass.OPERATIONAL]
    iat: Annotated[int, DataClass.OPERATIONAL]
    rev: Annotated[int, DataClass.OPERATIONAL]


class GrantDocument(TypedDict):
    """Rights on one kind of entity, for one user, group or role."""

    entity: Annotated[str, DataClass.OPERATIONAL]
    rights: Annotated[list[str], DataClass.OPERATIONAL]
    holder: Annotated[str, DataClass.OPERATIONAL]
    id: Annotated[str, DataClass.JIRA_ID]


class PermissionsDocument(TypedDict):
    """A project's permission scheme."""

    enforced: Annotated[bool, DataClass.OPERATIONAL]
    grants: list[GrantDocument]


class ProjectDocument(TypedDict):
    """Collection ``projects``."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    """tenant/project id."""
    tenant: Annotated[str, DataClass.OPERATIONAL]
    id: Annotated[int, DataClass.OPERATIONAL]
    jira_project_id: Annotated[int, DataClass.JIRA_ID]
    key: Annotated[str, DataClass.JIRA_ID]
    aliases: Annotated[list[str], DataClass.JIRA_ID]
    enabled: Annotated[bool, DataClass.OPERATIONAL]
    deleted: Annotated[bool, DataClass.OPERATIONAL]
    visibility_at: Annotated[datetime | None, DataClass.OPERATIONAL]
    permissions: PermissionsDocument | None
    """None until somebody sets them."""
    rev: Annotated[int, DataClass.OPERATIONAL]
    outbox: list[PendingEvent]


class RoleMembershipDocument(TypedDict):
    """Roles that a user has in one project."""

    project: Annotated[int, DataClass.OPERATIONAL]
    roles: Annotated[list[str], DataClass.JIRA_ID]


class MembershipDocument(TypedDict):
    """Collection ``memberships``: groups and roles of users that called lately."""

    _id: Annotated[str, DataClass.JIRA_ID]
    """tenant/account id."""
    tenant: Annotated[str, DataClass.OPERATIONAL]
    account_id: Annotated[str, DataClass.JIRA_ID]
    active: Annotated[bool, DataClass.OPERATIONAL]
    groups: Annotated[list[str], DataClass.JIRA_ID]
    roles: list[RoleMembershipDocument]
    resolved_at: Annotated[datetime, DataClass.OPERATIONAL]
    seen_at: Annotated[datetime, DataClass.OPERATIONAL]
    """When somebody asked about the user, within the hour."""
    deleted: Annotated[bool, DataClass.OPERATIONAL]
    rev: Annotated[int, DataClass.OPERATIONAL]
    outbox: list[PendingEvent]


class TokenDocument(TypedDict):
    """Collection ``tokens``: records of API tokens, never a token."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    """tenant/token id."""
    tenant: Annotated[str, DataClass.OPERATIONAL]
    id: Annotated[str, DataClass.OPERATIONAL]
    name: Annotated[str, DataClass.CUSTOMER_CONTENT]
    account_id: Annotated[str | None, DataClass.JIRA_ID]
    scopes: Annotated[list[str], DataClass.OPERATIONAL]
    projects: Annotated[list[int] | None, DataClass.OPERATIONAL]
    created_at: Annotated[datetime, DataClass.OPERATIONAL]
    expires_at: Annotated[datetime, DataClass.OPERATIONAL]
    revoked_at: Annotated[datetime | None, DataClass.OPERATIONAL]
    requests_per_minute: Annotated[int | None, DataClass.OPERATIONAL]
    last_used_at: Annotated[datetime | None, DataClass.OPERATIONAL]
    """Of people, too: kept to the minute, and only the last one."""
    forgotten: Annotated[bool, DataClass.OPERATIONAL]
    """The revocation needs no publishing any more: the token has expired."""
    rev: Annotated[int, DataClass.OPERATIONAL]
    outbox: list[PendingEvent]


class SigningKeyDocument(TypedDict):
    """Collection ``signing_keys``. Belongs to no tenant."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    """kid."""
    generation: Annotated[int, DataClass.OPERATIONAL]
    public_pem: Annotated[str, DataClass.OPERATIONAL]
    private: SealedDocument | None
    not_before: Annotated[datetime, DataClass.OPERATIONAL]
    retired_at: Annotated[datetime | None, DataClass.OPERATIONAL]
    rev: Annotated[int, DataClass.OPERATIONAL]
    outbox: list[PendingEvent]


class SiteWebhookDocument(TypedDict):
    """A webhook that Jira has for us."""

    id: Annotated[int, DataClass.JIRA_ID]
    projects: Annotated[list[int], DataClass.JIRA_ID]
    expires_at: Annotated[datetime, DataClass.OPERATIONAL]


class SiteWebhooksDocument(TypedDict):
    """Collection ``site_webhooks``: what is registered on a tenant's site, and what failed."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    """Tenant id."""
    install: Annotated[int, DataClass.OPERATIONAL]
    webhooks: list[SiteWebhookDocument]
    refused: Annotated[list[int], DataClass.JIRA_ID]
    checked_at: Annotated[datetime | None, DataClass.OPERATIONAL]
    swept_at: Annotated[datetime | None, DataClass.OPERATIONAL]
    failed_after: Annotated[int, DataClass.OPERATIONAL]
    failures: Annotated[int, DataClass.OPERATIONAL]
    retry_at: Annotated[datetime | None, DataClass.OPERATIONAL]
    due_at: Annotated[datetime, DataClass.OPERATIONAL]
    """When the site is to be looked at again, by the rest."""


class OwnKeyDocument(TypedDict):
    """Collection ``own_keys``: sealed keys of the service itself."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    sealed: SealedDocument


class SeenTokenDocument(TypedDict):
    """Collection ``seen_tokens``: Forge calls that were acted on. Rows leave by themselves."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    """tenant/token id."""
    tenant: Annotated[str, DataClass.OPERATIONAL]
    until: Annotated[datetime, DataClass.OPERATIONAL]


class MissingAccountDocument(TypedDict):
    """Collection ``missing_accounts``: token holders whom Jira left out. Rows leave in a week."""

    _id: Annotated[str, DataClass.JIRA_ID]
    """tenant/account id."""
    tenant: Annotated[str, DataClass.OPERATIONAL]
    account_id: Annotated[str, DataClass.JIRA_ID]
    since: Annotated[datetime, DataClass.OPERATIONAL]


class AuditDocument(TypedDict):
    """Collection ``audit``: who did what when. Rows are never changed."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    at: Annotated[datetime, DataClass.OPERATIONAL]
    action: Annotated[str, DataClass.OPERATIONAL]
    subject: Annotated[str, DataClass.OPERATIONAL]
    """Id of what was changed."""
    actor: Annotated[str, DataClass.OPERATIONAL]
    account_id: Annotated[str | None, DataClass.JIRA_ID]
    token_id: Annotated[str | None, DataClass.OPERATIONAL]


TENANTS = "tenants"
SITE_CLAIMS = "site_claims"
PROJECTS = "projects"
MEMBERSHIPS = "memberships"
TOKENS = "tokens"
SIGNING_KEYS = "signing_keys"
OWN_KEYS = "own_keys"
SITE_WEBHOOKS = "site_webhooks"
AUDIT = "audit"
SEEN_TOKENS = "seen_tokens"
MISSING_ACCOUNTS = "missing_accounts"

DOCUMENTS: dict[str, type] = {
    TENANTS: TenantDocument,
    SITE_CLAIMS: SiteClaimDocument,
    PROJECTS: ProjectDocument,
    MEMBERSHIPS: MembershipDocument,
    TOKENS: TokenDocument,
    SIGNING_KEYS: SigningKeyDocument,
    OWN_KEYS: OwnKeyDocument,
    SITE_WEBHOOKS: SiteWebhooksDocument,
    AUDIT: AuditDocument,
    SEEN_TOKENS: SeenTokenDocument,
    MISSING_ACCOUNTS: MissingAccountDocument,
}
"""Collection to document, for the data inventory."""
