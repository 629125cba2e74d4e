"""What a site says of itself: licence, version, cloud id. Source: facts.md 2.2 and 7."""

from pydantic import Field

from services.tenancy.adapters.jira.bean import Bean
from services.tenancy.adapters.jira.caller import SiteCaller
from services.tenancy.adapters.jira.signed import Base
from services.tenancy.usecases.facts import Licence
from services.tenancy.usecases.jira import ConnectSecret, JiraSite


class _ConnectLicence(Bean):
    active: bool | None = None
    type: str | None = Field(None, max_length=100)
    evaluation: bool | None = None
    entitlement_number: str | None = Field(None, alias="entitlementNumber", max_length=255)
    support_entitlement_number: str | None = Field(
        None, alias="supportEntitlementNumber", max_length=255
    )


class _Addon(Bean):
    """``host.contacts`` is personal data and never taken in."""

    license: _ConnectLicence | None = None


class _ForgeLicence(Bean):
    active: bool | None = Field(None, alias="isActive")
    type: str | None = Field(None, max_length=100)
    evaluation: bool | None = Field(None, alias="isEvaluation")
    entitlement: str | None = Field(None, alias="supportEntitlementNumber", max_length=255)


class _ForgeResult(Bean):
    data: _ForgeLicence | None = None


class _ForgeLicences(Bean):
    """One result per app that was asked for; asked for none, the caller's own."""

    results: list[_ForgeResult] = Field([])


class _ServerInfo(Bean):
    version: str | None = Field(None, max_length=100)


class _TenantInfo(Bean):
    cloud_id: str | None = Field(None, alias="cloudId", pattern=r"^[A-Za-z0-9-]{1,64}$")


class HttpJiraAbout:
    """Implements ``JiraAbout``."""

    def __init__(self, caller: SiteCaller) -> None:
        self._caller = caller

    async def licence(self, site: JiraSite) -> Licence | None:
        """Return the licence that Connect or Forge tells."""
        if isinstance(site.credential, ConnectSecret):
            return await self._connect_licence(site)
        return await self._forge_licence(site)

    async def version(self, site: JiraSite) -> str | None:
        """Return the version in ``serverInfo``."""
        answer = await self._caller.request(site, "GET", "/rest/api/3/serverInfo")
        return None if answer.status == 404 else answer.read(_ServerInfo).version

    async def cloud_id(self, site: JiraSite) -> str | None:
        """Return what ``tenant_info`` says; it is open, so no credential goes there."""
        answer = await self._caller.request(site, "GET", "/_edge/tenant_info", base=Base.OPEN)
        return None if answer.status == 404 else answer.read(_TenantInfo).cloud_id

    async def _connect_licence(self, site: JiraSite) -> Licence | None:
        path = f"/rest/atlassian-connect/1/addons/{self._caller.app_key}"
        answer = await self._caller.request(site, "GET", path)
        found = None if answer.status == 404 else answer.read(_Addon).license
        if found is None:
            return None
        return Licence(
            type=found.type,
            active=found.active,
            evaluation=found.evaluation,
            entitlement=found.entitlement_number or found.support_entitlement_number,
        )

    async def _forge_licence(self, site: JiraSite) -> Licence | None:
        answer = await self._caller.request(
            site, "GET", "/forge/installation/v1/license", base=Base.ORIGIN
        )
        results = [] if answer.status == 404 else answer.read(_ForgeLicences).results
        found = next((result.data for result in results if result.data is not None), None)
        if found is None:
            return None
        return Licence(
            # Forge writes the same kinds in lower case
            type=found.type.upper() if found.type is not None else None,
            active=found.active,
            evaluation=found.evaluation,
            entitlement=found.entitlement,
        )
