"""The operator: tenants, projects and tokens made by tenancy's own use cases, as its CLI does."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from contracts.ids import ProjectId
from contracts.permissions import Grant
from kit.auth.principal import Scope
from kit.clock import SystemClock
from kit.ids import Ids, SystemIds
from kit.mongo import connect, ensure_indexes
from services.tenancy.domain.audit import OPERATOR
from services.tenancy.main import INDEXES, Core, compose
from services.tenancy.settings import TenancySettings
from services.tenancy.usecases.ports import By
from services.tenancy.usecases.projects import Wanted
from services.tenancy.usecases.tokens import TokenRequest
from tests.harness.installation import Installation

EVERY_SCOPE = tuple(Scope)
ACCOUNT = "5b10ac8d82e05b22cc7d4ef5"
_WHO = By(OPERATOR)


class Operator:
    """Works on tenancy's database, beside the running service."""

    def __init__(self, core: Core, installation: Installation) -> None:
        self._core = core
        self.installation = installation

    async def tenant(self, name: str = "test", site: str | None = None) -> str:
        """Make a tenant without Jira, whose links lead to ``site``; return its id."""
        return (await self._core.tenants.create(name, site, _WHO)).id

    async def project(self, tenant: str, key: str = "DEMO") -> int:
        """Enable a project; return its id."""
        project, _ = await self._core.projects.enable(tenant, Wanted(key, None), _WHO)
        return int(ProjectId(project.id))

    async def disable(self, tenant: str, key: str) -> None:
        """Disable a project."""
        await self._core.projects.switch(tenant, key, _WHO, enabled=False)

    async def token(
        self,
        tenant: str,
        scopes: Sequence[Scope] = EVERY_SCOPE,
        projects: Sequence[str] | None = None,
        account_id: str | None = ACCOUNT,
    ) -> str:
        """Mint a token; return its text."""
        request = TokenRequest("test", scopes, timedelta(days=1), projects, account_id)
        return (await self._core.tokens.mint(tenant, request, _WHO)).text

    async def headers(
        self,
        tenant: str,
        scopes: Sequence[Scope] = EVERY_SCOPE,
        account_id: str | None = ACCOUNT,
    ) -> dict[str, str]:
        """Return request headers with a fresh token."""
        text = await self.token(tenant, scopes, account_id=account_id)
        return {"authorization": f"Bearer {text}"}

    async def permit(
        self, tenant: str, key: str, grants: Sequence[Grant], *, enforced: bool = True
    ) -> None:
        """Replace the permission scheme of a project."""
        await self._core.rights.permissions.put(
            tenant, key, grants, _WHO, enforced=enforced, force=True
        )


@contextlib.asynccontextmanager
async def operator(installation: Installation, ids: Ids | None = None) -> AsyncIterator[Operator]:
    """Yield an operator of the installation; ``ids`` for one whose projects get chosen ids."""
    settings = installation.settings(
        TenancySettings, "tenancy", master_key_file=installation.secret("master")
    )
    async with connect(settings.mongodb_uri, settings.mongodb_database) as database:
        await ensure_indexes(database, INDEXES)
        core = await compose(database, settings, SystemClock(), ids or SystemIds())
        try:
            yield Operator(core, installation)
        finally:
            await core.jira.close()
