"""What the stand-in remembers: one state document, saved as JSON so that a restart continues it."""

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, Field

from devstack.jira.content import (
    Component,
    Grant,
    Group,
    Issue,
    IssueLink,
    Project,
    Role,
    RoleActor,
    User,
    Version,
)
from devstack.jira.forge.app import ForgeApp, GrantedToken

InstallationState = Literal["installed", "disabled", "uninstalled"]
DEFAULT_LICENCE_TYPE = "COMMERCIAL"
LicenceState = Literal["unlicensed_free", "active", "evaluation", "expired", "none_page"]


class SigningKey(BaseModel):
    kid: str
    private_pem: str
    withdrawn: bool = False


class RetiredSecret(BaseModel):
    """A secret that was replaced; accepted until `expires_at` (seconds since the epoch)."""

    value: str
    expires_at: float


class ModuleWebhook(BaseModel):
    """An entry of the descriptor's `modules.webhooks`."""

    event: str
    url: str
    filter: str = ""
    exclude_body: bool = False


class DynamicWebhook(BaseModel):
    """Registered through the REST API; gone at `expires_at` (seconds since the epoch)."""

    id: int
    url: str
    events: list[str]
    jql_filter: str
    field_ids: list[str] | None = None
    expires_at: float


class FailedWebhook(BaseModel):
    """Given up after the last try; kept for 72 hours. Times are seconds since the epoch."""

    identifier: str
    url: str
    body: str | None
    failed_at: float


class Installation(BaseModel):
    """One app on one site, as the host knows it."""

    app_key: str
    app_name: str
    app_base_url: str
    account_id: str
    shared_secret: str
    retired_secrets: list[RetiredSecret] = Field(default_factory=list)
    scopes: list[str]
    lifecycle: dict[str, str]
    descriptor_url: str
    oauth_client_id: str | None = None
    installation_id: str | None = None
    on_forge: bool = False
    state: InstallationState = "installed"
    licence: LicenceState = "unlicensed_free"
    licence_type: str = DEFAULT_LICENCE_TYPE
    support_entitlement: str | None = None
    properties: dict[str, Any] = Field(default_factory=dict)
    webhooks: list[ModuleWebhook] = Field(default_factory=list)
    dynamic_webhooks: list[DynamicWebhook] = Field(default_factory=list)
    failed_webhooks: list[FailedWebhook] = Field(default_factory=list)


class ForgeInstallation(BaseModel):
    """The Forge app on one site; `installation` is what the REST API sees of it."""

    installation: Installation
    version: str
    denied_until: float = 0.0
    tokens: list[GrantedToken] = Field(default_factory=list)

    @property
    def id(self) -> str:
        """The ARI; it may change."""
        return self.installation.installation_id or ""


class Site(BaseModel):
    name: str
    cloud_id: str
    client_key: str
    base_url: str
    former_base_urls: list[str] = Field(default_factory=list)
    former_client_keys: list[str] = Field(default_factory=list)
    display_url: str | None = None
    suspended: bool = False
    installations: dict[str, Installation] = Field(default_factory=dict)
    forge: ForgeInstallation | None = None
    users: dict[str, User] = Field(default_factory=dict)
    projects: dict[int, Project] = Field(default_factory=dict)
    issues: dict[int, Issue] = Field(default_factory=dict)
    versions: dict[int, Version] = Field(default_factory=dict)
    components: dict[int, Component] = Field(default_factory=dict)
    links: dict[int, IssueLink] = Field(default_factory=dict)
    grants: list[Grant] = Field(default_factory=list)
    groups: dict[str, Group] = Field(default_factory=dict)
    roles: dict[int, Role] = Field(default_factory=dict)
    role_actors: list[RoleActor] = Field(default_factory=list)
    version: str = "1001.0.0-SNAPSHOT"
    counters: dict[str, int] = Field(default_factory=dict)
    """Last numbers given out by kind, so that none comes twice, also over a restart."""

    def next_number(self, kind: str, used: Iterable[int] = (), first: int = 1) -> int:
        """The next number of this kind, above every used one."""
        number = max([first - 1, self.counters.get(kind, 0), *used]) + 1
        self.counters[kind] = number
        return number


class Policy(BaseModel):
    """Behaviour that differs in the field or that nobody documents; settable by control."""

    rotation: Literal["per_install", "per_app"] = "per_install"
    rotation_overlap_seconds: float = 0.0
    hook_timeout_seconds: float = 3.0
    uninstall_order: Literal["disabled_first", "ac2561"] = "disabled_first"
    may_check_other_users: bool = True
    webhook_timeout_seconds: float = 20.0
    webhook_expiration: Literal["text", "number"] = "text"


class State(BaseModel):
    keys: list[SigningKey] = Field(default_factory=list)
    forge_keys: list[SigningKey] = Field(default_factory=list)
    forge_app: ForgeApp | None = None
    sites: dict[str, Site] = Field(default_factory=dict)
    policy: Policy = Field(default_factory=Policy)

    def dumped(self) -> dict[str, Any]:
        return self.model_dump(mode="json")
