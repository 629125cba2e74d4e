"""Settings of tenancy, and the part of them that the admin command needs."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, HttpUrl, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kit.settings import PREFIX, MongoSettings, ServiceSettings
from services.tenancy.domain.forge import APP_ID, DEFAULT_API_HOSTS, JWKS_URL, ApiHosts
from services.tenancy.domain.sites import SiteRules
from services.tenancy.key_settings import KeyOptions

DATABASE = "ostro_tenancy"
INSTALL_KEY_SERVERS = (
    "https://asap-distribution.us-west-2.prod.atl-asap.net",
    "https://connect-install-keys.atlassian.com",
)
"""Atlassian's, for commercial sites. Source: facts.md 2.3."""


class JiraOptions(BaseSettings):
    """The app that Jira sees, and the sites it may be installed on."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="ignore", frozen=True, env_ignore_empty=True
    )

    app_key: str = Field(
        "io.ostro.test-management",
        pattern=r"^[a-zA-Z0-9._-]{1,64}$",
        description="key of the Connect app; never change it once a site has installed the app",
    )
    app_base_url: HttpUrl | None = Field(
        None, description="URL that Jira calls; the public URL unless set"
    )
    jira_key_servers: Annotated[tuple[str, ...], NoDecode] = Field(
        INSTALL_KEY_SERVERS,
        min_length=1,
        description="comma list of URLs of install-key servers, asked in order",
    )
    jira_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="comma list of site hosts allowed beside Atlassian's own; "
        "one that begins with a dot allows every host below it",
    )
    jira_allow_http: bool = Field(
        default=False,
        description="allow http and ports to the hosts of OSTRO_JIRA_HOSTS and http key servers; "
        "for a Jira stand-in only",
    )
    forge_app_id: str = Field(
        "",
        pattern=rf"^({APP_ID})?$",
        description="ARI of the Forge app, as in manifest.yml; empty: every Forge call is refused",
    )
    forge_jwks_url: str = Field(
        JWKS_URL, description="URL of the keys that verify Forge invocation tokens"
    )
    forge_environments: Annotated[tuple[str, ...], NoDecode] = Field(
        ("PRODUCTION",),
        min_length=1,
        description="comma list of the types of Forge environments that may call: PRODUCTION, "
        "STAGING, DEVELOPMENT",
    )
    forge_api_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        DEFAULT_API_HOSTS,
        min_length=1,
        description="comma list of the gateways through which a Forge install's site may be called",
    )

    membership_seconds: int = Field(
        300,
        ge=30,
        le=600,
        description="how old groups and roles of a user may get before Jira is asked again, in "
        "seconds",
    )

    @field_validator(
        "jira_key_servers", "jira_hosts", "forge_environments", "forge_api_hosts", mode="before"
    )
    @classmethod
    def _comma_list(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("jira_key_servers")
    @classmethod
    def _urls(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_server(url) for url in value)

    @field_validator("forge_jwks_url")
    @classmethod
    def _url(cls, value: str) -> str:
        return _server(value)

    @field_validator("jira_hosts", "forge_api_hosts")
    @classmethod
    def _plain_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if any(c in host for c in "/:@*?# ") or not host.strip("."):
                raise ValueError("must hold host names only, without scheme, port or wildcard")
        return tuple(host.lower() for host in value)

    @model_validator(mode="after")
    def _https_key_servers(self) -> "JiraOptions":
        for url in self.jira_key_servers:
            if not url.startswith("https:") and not self.jira_allow_http:
                raise ValueError(
                    "OSTRO_JIRA_KEY_SERVERS must be https unless OSTRO_JIRA_ALLOW_HTTP is true"
                )
        if not self.forge_jwks_url.startswith("https:") and not self.jira_allow_http:
            raise ValueError(
                "OSTRO_FORGE_JWKS_URL must be https unless OSTRO_JIRA_ALLOW_HTTP is true"
            )
        return self

    @property
    def site_rules(self) -> SiteRules:
        """Return which sites may install the app and are called."""
        return SiteRules(self.jira_hosts, relaxed=self.jira_allow_http)

    @property
    def api_hosts(self) -> ApiHosts:
        """Return through which gateways the sites of Forge installs are called."""
        return ApiHosts(self.forge_api_hosts, relaxed=self.jira_allow_http)


def _server(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise ValueError(f"{url} is no URL of a server")
    return url.rstrip("/")


class AdminSettings(MongoSettings, KeyOptions, JiraOptions):
    """What ``python -m services.tenancy admin`` needs: no Kafka, no other service."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="ignore", frozen=True, env_ignore_empty=True
    )

    mongodb_database: str = Field(DATABASE, description="tenancy's own database")
    public_url: HttpUrl = Field(
        HttpUrl("http://127.0.0.1:8000"), description="base URL that clients use"
    )
    cell: str = Field("local", description="name of this cell (region)")


class TenancySettings(ServiceSettings, KeyOptions, JiraOptions):
    """Everything the service reads."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="ignore", frozen=True, env_ignore_empty=True
    )

    mongodb_database: str = Field(DATABASE, description="tenancy's own database")
    http_port: int = Field(8103, ge=1, le=65535, description="public API")
    internal_port: int = Field(
        8203, ge=1, le=65535, description="/internal, /health and /metrics; never behind the edge"
    )
    webhook_max_bytes: int = Field(
        25 * 1024 * 1024,
        ge=1024,
        description="largest webhook body; Jira itself sends none above 25 MB",
    )
    webhook_max_in_flight: int = Field(
        400, ge=1, description="webhooks in work at the same time, per process; more get 429"
    )
    webhook_max_in_flight_per_tenant: int = Field(100, ge=1, description="the same for one tenant")
    webhook_buffer_bytes: int = Field(
        64 * 1024 * 1024,
        ge=1024,
        description="bytes of webhook bodies in memory at the same time; more get 429",
    )

    webhook_round_seconds: float = Field(
        10,
        gt=0,
        description="how often the webhooks registered on sites are compared with what is wanted",
    )

    @model_validator(mode="after")
    def _a_webhook_fits(self) -> "TenancySettings":
        if self.webhook_buffer_bytes < self.webhook_max_bytes:
            raise ValueError("OSTRO_WEBHOOK_BUFFER_BYTES must not be below OSTRO_WEBHOOK_MAX_BYTES")
        return self

    @property
    def base_url(self) -> str:
        """Return the URL of the app that Jira calls, without a trailing slash."""
        return str(self.app_base_url or self.public_url).rstrip("/")
