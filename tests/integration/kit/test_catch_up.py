"""A copy of the directory is trusted once it has all that was published before the start."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends

from contracts.internal import TenantAnswer
from contracts.routes import EXECUTIONS
from contracts.tenancy import TenantState, TenantStatus
from contracts.topics import TOKEN_REVOCATION_STATE
from kit.auth.api_tokens import ApiTokens
from kit.auth.service_tokens import ServiceTokens
from kit.clock import SystemClock
from kit.directory.catch_up import caught_up
from kit.directory.copy import INDEXES, DirectoryCopy, projection
from kit.errors import Unauthenticated, Unavailable
from kit.http.app import internal_app
from kit.http.client import InternalClient
from kit.http.security import TenantCaller, TenantPeerOf
from kit.kafka.records import Poison, Record
from kit.mongo import Database, ensure_indexes
from kit.observability.health import Health
from kit.service import _serve
from tests.harness.backends import Backends
from tests.harness.installation import Installation
from tests.harness.namespace import prepared
from tests.harness.polling import eventually
from tests.harness.tenancy_world import TenancyWorld, tenancy_world
from tests.integration.kit.conftest import Namespace

_Caller = Annotated[TenantCaller, Depends(TenantPeerOf(EXECUTIONS))]

GROUP = "executions.directory"


@dataclass
class Deployment:
    """A new one: an empty database beside topics that are in use for long."""

    installation: Installation
    world: TenancyWorld
    tokens: ApiTokens
    directory: DirectoryCopy
    namespace: Namespace
    database: Database
    revoked: set[str]

    async def verdict(self, header: str) -> str:
        """Say what becomes of a request with the token."""
        try:
            await self.tokens.verify(header, public_api=True)
        except (Unauthenticated, Unavailable) as error:
            return type(error).__name__
        return "accepted"

    def watching(self) -> asyncio.Task[None]:
        """Look how far the group is, as a service does from its start on."""
        settings, names = self.namespace.settings, self.namespace.names
        return asyncio.create_task(caught_up(settings, names, GROUP))


@pytest.fixture
async def deployment(
    servers: Backends, tmp_path_factory: pytest.TempPathFactory, database: Database
) -> AsyncIterator[Deployment]:
    await ensure_indexes(database, INDEXES)
    async with contextlib.AsyncExitStack() as stack:
        folder = tmp_path_factory.mktemp("deployment")
        installation = await stack.enter_async_context(prepared(servers, folder))
        world = await stack.enter_async_context(tenancy_world(installation))
        revoked: set[str] = set()
        api = APIRouter()

        @api.get("/internal/v1/tenant")
        async def tenant(caller: _Caller) -> TenantAnswer:
            state = TenantState(tenant=caller.tenant, status=TenantStatus.ACTIVE, cell="local")
            return TenantAnswer(tenant=state, sequence=1, revoked_tokens=tuple(revoked))

        keys = [installation.folder / f"{name}.pem" for name in ("executions", "tenancy")]
        peers, clock = installation.folder / "peers.json", SystemClock()
        ours, theirs = (ServiceTokens.from_files(k.stem, k, peers, clock) for k in keys)
        port = installation.internal_ports["tenancy"]
        await _serve(stack, internal_app("tenancy", [api], theirs, Health()), "127.0.0.1", port)
        client = InternalClient(f"http://127.0.0.1:{port}", "tenancy", ours)
        stack.push_async_callback(client.close)
        directory = DirectoryCopy(database, client, clock)
        tokens = ApiTokens(directory, "local", clock)
        namespace = Namespace(installation.kafka, world._publisher)
        yield Deployment(installation, world, tokens, directory, namespace, database, revoked)


async def test_a_revoked_token_never_passes_on_a_copy_that_lags(deployment: Deployment) -> None:
    world, database = deployment.world, deployment.database
    tenant = await world.tenant()
    good = f"Bearer {world.token(tenant, token_id='good')}"
    gone = f"Bearer {world.token(tenant, token_id='gone')}"
    keep_back, came = asyncio.Event(), asyncio.Event()
    project = projection(database)

    async def slow(records: Sequence[Record]) -> Sequence[Poison]:
        """Keep revocations back."""
        if any(r.topic is TOKEN_REVOCATION_STATE for r in records):
            came.set()
            await keep_back.wait()
        return await project.apply(records)

    rows = database["directory_tenants"]
    async with deployment.namespace.consuming(GROUP, slow):
        await eventually(lambda: deployment.verdict(good), lambda v: v == "accepted")
        await eventually(lambda: rows.count_documents({"tenant": tenant}))
        await world.revoke(tenant, "gone")
        deployment.revoked.add("gone")
        watch = deployment.watching()
        await asyncio.wait_for(came.wait(), 20)
        try:
            for _ in range(3):
                deployment.directory._views.clear()
                assert await deployment.verdict(gone) == "Unauthenticated"
            assert not watch.done()
        finally:
            keep_back.set()
        await asyncio.wait_for(watch, 20)
        assert await database["directory_revocations"].count_documents({"tenant": tenant}) == 1
    deployment.directory.trust()
    deployment.revoked.clear()
    deployment.directory._views.clear()
    assert await deployment.verdict(gone) == "Unauthenticated"
    assert await deployment.verdict(good) == "accepted"


async def test_nothing_published_is_nothing_to_wait_for(deployment: Deployment) -> None:
    # the signing key stands in a topic, so without a member of the group the end is not reached
    watch = deployment.watching()
    done, _ = await asyncio.wait({watch}, timeout=1)
    assert not done
    async with deployment.namespace.consuming(GROUP, projection(deployment.database).apply):
        await asyncio.wait_for(watch, 20)
    # later starts find out without a member
    await asyncio.wait_for(deployment.watching(), 20)
