"""The directory of every service but tenancy: a projection, re-read at least once a second."""

import asyncio
from collections import OrderedDict
from typing import Any
from urllib.parse import quote

from pymongo import ASCENDING, IndexModel

from contracts.internal import (
    MembershipAnswer,
    ProjectAnswer,
    SigningKeysAnswer,
    TenantAnswer,
)
from contracts.permissions import Membership
from contracts.tenancy import ProjectState, SigningKeyState, TenantState
from contracts.topics import (
    MEMBERSHIP_STATE,
    PERMISSIONS_STATE,
    PROJECT_STATE,
    SIGNING_KEY_STATE,
    TENANT_STATE,
    TOKEN_REVOCATION_STATE,
)
from kit.clock import Clock
from kit.directory.memberships import Memberships, Standing
from kit.directory.permissions import Scheme
from kit.directory.schemes import SchemeRows
from kit.directory.view import TenantView, usable
from kit.errors import NotFound, OstroError, Unavailable
from kit.http.client import InternalClient
from kit.mongo import Database
from kit.projection import GONE_INDEX, Projection

TENANTS = "directory_tenants"
PROJECTS = "directory_projects"
KEYS = "directory_signing_keys"
REVOCATIONS = "directory_revocations"
PERMISSIONS = "directory_permissions"
MEMBERSHIPS = "directory_memberships"

INDEXES = {
    TENANTS: [GONE_INDEX, IndexModel([("tenant", ASCENDING)])],
    PROJECTS: [GONE_INDEX, IndexModel([("tenant", ASCENDING), ("id", ASCENDING)])],
    KEYS: [GONE_INDEX],
    REVOCATIONS: [GONE_INDEX, IndexModel([("tenant", ASCENDING), ("token_id", ASCENDING)])],
    # with the revision, so that a look for changes reads the index alone
    PERMISSIONS: [
        GONE_INDEX,
        IndexModel([("tenant", ASCENDING), ("project", ASCENDING), ("seq", ASCENDING)]),
    ],
    MEMBERSHIPS: [GONE_INDEX, IndexModel([("tenant", ASCENDING), ("account_id", ASCENDING)])],
}

_FRESH_SECONDS = 0.9
_CACHED_TENANTS = 10_000
_LEARNT_SECONDS = 30.0


def projection(database: Database) -> Projection:
    """Build the handler of the group ``<service>.directory``."""
    return Projection(
        database,
        {
            TENANT_STATE: TENANTS,
            PROJECT_STATE: PROJECTS,
            SIGNING_KEY_STATE: KEYS,
            TOKEN_REVOCATION_STATE: REVOCATIONS,
            PERMISSIONS_STATE: PERMISSIONS,
            MEMBERSHIP_STATE: MEMBERSHIPS,
        },
    )


class DirectoryCopy:
    """Reads the projection through a cache of under a second; asks tenancy on a miss."""

    def __init__(self, database: Database, tenancy: InternalClient, clock: Clock) -> None:
        self._database = database
        self._tenancy = tenancy
        self._schemes = SchemeRows(database[PERMISSIONS], _CACHED_TENANTS)
        self._memberships = Memberships(self._stored_membership, self._ask_membership, clock)
        self._views: OrderedDict[str, tuple[float, TenantView | None]] = OrderedDict()
        self._reading: dict[str, asyncio.Task[TenantView | None]] = {}
        never = float("-inf")
        self._learnt: OrderedDict[tuple[str, int], tuple[float, ProjectAnswer]] = OrderedDict()
        self._keys: tuple[float, dict[str, SigningKeyState]] = (never, {})
        self._asked: tuple[float, dict[str, SigningKeyState] | None] = (never, None)
        """What tenancy told of keys, None where it did not answer."""
        self._asking: asyncio.Task[None] | None = None
        self._reading_keys: asyncio.Task[None] | None = None
        self._trusted = False

    def trust(self) -> None:
        """From now on the copy knows whatever was published: see ``kit.directory.catch_up``."""
        self._trusted = True

    async def tenant(self, tenant: str) -> TenantView | None:
        """Return the tenant; asks the owner when the copy does not know it."""
        now = asyncio.get_running_loop().time()
        cached = self._views.get(tenant)
        if cached is not None and now - cached[0] < _FRESH_SECONDS:
            return cached[1]
        if tenant not in self._reading:
            # a burst of one tenant reads once; a task of its own outlives a cancelled request
            self._reading[tenant] = asyncio.create_task(self._refresh(tenant))
        return await asyncio.shield(self._reading[tenant])

    async def _refresh(self, tenant: str) -> TenantView | None:
        now = asyncio.get_running_loop().time()
        try:
            view = await self._read(tenant)
        finally:
            del self._reading[tenant]
        if view is not None:
            # what is on its way is looked for again by the next request
            self._views[tenant] = (now if view.complete else float("-inf"), view)
            self._views.move_to_end(tenant)
            while len(self._views) > _CACHED_TENANTS:
                self._views.popitem(last=False)
        return view

    async def project_by_key(self, tenant: str, key: str) -> ProjectState | None:
        """Return an enabled project by key or alias."""
        view = await self.tenant(tenant)
        found = view.by_key(key) if view is not None else None
        return found or await self._ask_project(tenant, key)

    async def project(self, tenant: str, project: int) -> ProjectState | None:
        """Return an enabled project by id."""
        view = await self.tenant(tenant)
        found = view.projects.get(project) if view is not None else None
        if found is not None:
            return found if usable(found) else None
        return await self._ask_project(tenant, str(project))

    async def signing_key(self, kid: str) -> SigningKeyState | None:
        """Return a signing key, re-read at least once a second."""
        now = asyncio.get_running_loop().time()
        if now - self._keys[0] >= _FRESH_SECONDS:
            if self._reading_keys is None:
                self._reading_keys = asyncio.create_task(self._read_keys())
            await asyncio.shield(self._reading_keys)
        if kid in self._keys[1]:
            return self._keys[1][kid]
        if now - self._asked[0] >= _FRESH_SECONDS:
            # made-up key ids must not become calls to tenancy, each one
            if self._asking is None:
                self._asking = asyncio.create_task(self._ask_keys(now))
            await asyncio.shield(self._asking)
        told = self._asked[1]
        if told is None:
            raise Unavailable("The tenancy service is not available; try again.")
        return told.get(kid)

    async def _read_keys(self) -> None:
        try:
            now = asyncio.get_running_loop().time()
            rows = await self._database[KEYS].find({"kid": {"$gt": ""}}).to_list(1000)
            self._keys = (now, {r["kid"]: SigningKeyState(**_state(r)) for r in rows})
        finally:
            self._reading_keys = None

    async def _ask_keys(self, now: float) -> None:
        try:
            answer = await self._tenancy.get("/internal/v1/signing-keys", SigningKeysAnswer)
            self._asked = (now, {k.kid: k for k in answer.keys})
        except OstroError:
            self._asked = (asyncio.get_running_loop().time(), None)
        finally:
            self._asking = None

    async def scheme(self, tenant: str, project: int) -> Scheme | None:
        """Return the scheme of a project, as the newest view has it."""
        view = await self.tenant(tenant)
        return view.permissions.get(project) if view is not None else None

    async def membership(self, tenant: str, account: str, roles_in: int | None = None) -> Standing:
        """Return what a user is a member of."""
        return await self._memberships.of(tenant, account, roles_in)

    async def _stored_membership(self, tenant: str, account: str) -> Membership | None:
        rows = self._database[MEMBERSHIPS]
        row = await rows.find_one({"tenant": tenant, "account_id": account})
        return Membership(**_state(row)) if row is not None else None

    async def _ask_membership(self, tenant: str, account: str, roles_in: int | None) -> Membership:
        answer = await self._tenancy.get(
            f"/internal/v1/memberships/{quote(account, safe='')}",
            MembershipAnswer,
            tenant=tenant,
            params={} if roles_in is None else {"project": roles_in},
        )
        return answer.membership

    async def _read(self, tenant: str) -> TenantView | None:
        row = await self._database[TENANTS].find_one({"tenant": tenant})
        gone: tuple[str, ...] = ()
        if row is None or not self._trusted:
            # a copy that lags may hold the tenant without the revocation of its token
            try:
                answer = await self._tenancy.get("/internal/v1/tenant", TenantAnswer, tenant=tenant)
            except NotFound:
                return None
            state, gone = answer.tenant, answer.revoked_tokens
        else:
            state = TenantState(**_state(row))
        projects = await self._database[PROJECTS].find({"tenant": tenant}).to_list(None)
        revoked = (
            await self._database[REVOCATIONS]
            .find({"tenant": tenant}, {"_id": 0, "token_id": 1})
            .to_list(None)
        )
        learnt = self._still_learnt(tenant)
        told = {p: answer.project for p, answer in learnt.items()}
        schemes = {p: scheme for p, a in learnt.items() if (scheme := _scheme(a)) is not None}
        return TenantView(
            state,
            told | {p["id"]: ProjectState(**_state(p)) for p in projects},
            frozenset(gone).union(r["token_id"] for r in revoked),
            schemes | await self._schemes.of(tenant),
        )

    def _still_learnt(self, tenant: str) -> dict[int, ProjectAnswer]:
        """Return what the owner told lately, for as long as the copy may not have it."""
        since = asyncio.get_running_loop().time() - _LEARNT_SECONDS
        while self._learnt and next(iter(self._learnt.values()))[0] < since:
            self._learnt.popitem(last=False)
        return {p: answer for (of, p), (_, answer) in self._learnt.items() if of == tenant}

    async def _ask_project(self, tenant: str, key_or_id: str) -> ProjectState | None:
        try:
            answer = await self._tenancy.get(
                f"/internal/v1/projects/{key_or_id}", ProjectAnswer, tenant=tenant
            )
        except NotFound:
            return None
        if not usable(answer.project):
            return None
        now = asyncio.get_running_loop().time()
        self._learnt[tenant, answer.project.id] = (now, answer)
        self._learnt.move_to_end((tenant, answer.project.id))
        while len(self._learnt) > _CACHED_TENANTS:
            self._learnt.popitem(last=False)
        if (cached := self._views.get(tenant)) is not None and cached[1] is not None:
            # the copy follows in a moment; lists that name no project show it already
            if (scheme := _scheme(answer)) is not None:
                cached[1].permissions.setdefault(answer.project.id, scheme)
            cached[1].projects.setdefault(answer.project.id, answer.project)
        return answer.project


def _scheme(answer: ProjectAnswer) -> Scheme | None:
    return Scheme.of(answer.permissions) if answer.permissions is not None else None


def _state(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k not in {"_id", "seq"}}
