"""What a site says about itself: who it is, and whether it knows us. Source: facts.md 7 and 9."""

from typing import Annotated
from urllib.parse import quote

import httpx
from pydantic import Field

from services.tenancy.adapters.jira.about import HttpJiraAbout
from services.tenancy.adapters.jira.bean import Bean
from services.tenancy.adapters.jira.caller import SiteCaller
from services.tenancy.usecases.jira import JiraSite

CLIENT_KEY_PROPERTY = "connect_client_key_019cdff3-8bfb-71fe-9628-875b700aebb8"
"""Reserved by Jira for apps that came from Connect. Source: facts.md 9."""
_NOT_FOUND = httpx.codes.NOT_FOUND
_Id = Annotated[str, Field(min_length=1, max_length=255)]


class _Property(Bean):
    value: _Id


class _ServerInfo(Bean):
    base_url: Annotated[str, Field(min_length=1, max_length=2048)] = Field(alias="baseUrl")


class HttpSiteIdentity:
    """Implements ``SiteIdentity``."""

    def __init__(self, caller: SiteCaller) -> None:
        self._caller = caller
        self._about = HttpJiraAbout(caller)
        self._addon = f"/rest/atlassian-connect/1/addons/{quote(caller.app_key, safe='')}"

    async def takes_us(self, site: JiraSite) -> bool:
        """Ask for our own app; nothing of the answer is read."""
        answer = await self._caller.request(site, "GET", self._addon)
        return answer.status != _NOT_FOUND

    async def cloud_id(self, site: JiraSite) -> str | None:
        """Read ``_edge/tenant_info``, which is open to all."""
        return await self._about.cloud_id(site)

    async def client_key(self, site: JiraSite) -> str | None:
        """Read the reserved property with the system token."""
        path = f"{self._addon}/properties/{CLIENT_KEY_PROPERTY}"
        answer = await self._caller.request(site, "GET", path)
        return None if answer.status == _NOT_FOUND else answer.read(_Property).value

    async def address(self, site: JiraSite) -> str | None:
        """Read ``serverInfo``."""
        answer = await self._caller.request(site, "GET", "/rest/api/3/serverInfo")
        return None if answer.status == _NOT_FOUND else answer.read(_ServerInfo).base_url
