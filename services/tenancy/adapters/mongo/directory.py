"""The directory as tenancy itself sees it: its own database, through a cache of under a second."""

import asyncio
from collections import OrderedDict

from contracts.tenancy import ProjectState, SigningKeyState
from kit.directory.memberships import Memberships, Standing
from kit.directory.permissions import Scheme
from kit.directory.view import TenantView, usable
from services.tenancy.adapters.mongo.permissions import MongoPermissions
from services.tenancy.adapters.mongo.projects import MongoProjects
from services.tenancy.adapters.mongo.signing_keys import MongoSigningKeys
from services.tenancy.adapters.mongo.tenants import MongoTenants
from services.tenancy.adapters.mongo.tokens import MongoTokens

_FRESH_SECONDS = 0.9
_CACHED_TENANTS = 10_000


class OwnDirectory:
    """Implements ``kit.directory.view.Directory``."""

    def __init__(
        self,
        tenants: MongoTenants,
        projects: MongoProjects,
        tokens: MongoTokens,
        keys: MongoSigningKeys,
        permissions: MongoPermissions,
        memberships: Memberships,
    ) -> None:
        self._tenants = tenants
        self._projects = projects
        self._tokens = tokens
        self._keys = keys
        self._permissions = permissions
        self._memberships = memberships
        self._views: OrderedDict[str, tuple[float, TenantView]] = OrderedDict()
        self._known_keys: tuple[float, dict[str, SigningKeyState]] = (
            float("-inf"),
            {},
        )

    async def tenant(self, tenant: str) -> TenantView | None:
        """Return the tenant, None when unknown."""
        now = asyncio.get_running_loop().time()
        cached = self._views.get(tenant)
        if cached is not None and now - cached[0] < _FRESH_SECONDS:
            return cached[1]
        view = await self._read(tenant)
        if view is not None:
            self._views[tenant] = (now, view)
            self._views.move_to_end(tenant)
            while len(self._views) > _CACHED_TENANTS:
                self._views.popitem(last=False)
        return view

    async def project_by_key(self, tenant: str, key: str) -> ProjectState | None:
        """Return an enabled project by key or alias."""
        view = await self._read(tenant)
        return view.by_key(key) if view is not None else None

    async def project(self, tenant: str, project: int) -> ProjectState | None:
        """Return an enabled project by id."""
        view = await self._read(tenant)
        found = view.projects.get(project) if view is not None else None
        return found if found is not None and usable(found) else None

    async def signing_key(self, kid: str) -> SigningKeyState | None:
        """Return a key; made-up key ids cost no query each, new keys wait five minutes anyway."""
        now = asyncio.get_running_loop().time()
        if now - self._known_keys[0] >= _FRESH_SECONDS:
            self._known_keys = (now, {key.kid: key.state() for key in await self._keys.all()})
        return self._known_keys[1].get(kid)

    async def scheme(self, tenant: str, project: int) -> Scheme | None:
        """Return the scheme of a project, as it is stored now."""
        view = await self._read(tenant)
        return view.permissions.get(project) if view is not None else None

    async def membership(self, tenant: str, account: str, roles_in: int | None = None) -> Standing:
        """Return what a user is a member of."""
        return await self._memberships.of(tenant, account, roles_in)

    async def _read(self, tenant: str) -> TenantView | None:
        found = await self._tenants.get(tenant)
        if found is None:
            return None
        projects = await self._projects.all(tenant)
        return TenantView(
            found.state(),
            {project.id: project.state() for project in projects},
            await self._tokens.revoked(tenant),
            await self._permissions.schemes(tenant, projects),
        )
