"""What the other services ask, and what a copy of the directory makes of it."""

import httpx
import pytest

from contracts.internal import (
    CONTEXT_TOKEN_HEADER,
    BrowserCallAnswer,
    MembershipAnswer,
    ProjectAnswer,
    SigningKeysAnswer,
    TenantAnswer,
)
from contracts.permissions import Entity, Right
from contracts.tenancy import TenantStatus
from kit.auth.api_tokens import ApiTokens
from kit.directory.copy import DirectoryCopy
from kit.errors import InvalidInput, NotFound, Unavailable
from kit.http.client import InternalClient
from kit.mongo import Database
from services.tenancy.usecases.projects import Wanted
from tests.harness.grants import to_user
from tests.harness.polling import eventually
from tests.integration.tenancy.browser_calls import MIA, context_token, iframe_token
from tests.integration.tenancy.internal import internal_client
from tests.integration.tenancy.world import OPERATOR_BY, World


async def test_tenant_and_projects(world: World) -> None:
    site, tenant = await world.installed()
    project, _ = await world.core.projects.enable(tenant, Wanted("DEMO"), OPERATOR_BY)
    async with internal_client(world, "executions") as client:
        answer = await client.get("/internal/v1/tenant", TenantAnswer, tenant=tenant)
        assert answer.tenant.status is TenantStatus.ACTIVE
        assert answer.tenant.site_url == site.base_url
        assert answer.sequence == 1
        for name in ("DEMO", str(project.id)):
            path = f"/internal/v1/projects/{name}"
            found = await client.get(path, ProjectAnswer, tenant=tenant)
            assert found.project == project.state()
        other = await world.plain_tenant()
        for path in ("/internal/v1/projects/NOPE", "/internal/v1/projects/1"):
            with pytest.raises(NotFound):
                await client.get(path, ProjectAnswer, tenant=tenant)
        with pytest.raises(NotFound):
            await client.get("/internal/v1/projects/DEMO", ProjectAnswer, tenant=other)
        with pytest.raises(NotFound):
            await client.get("/internal/v1/tenant", TenantAnswer, tenant="nobody")


async def test_a_disabled_project_is_told_as_disabled(world: World) -> None:
    tenant = await world.plain_tenant()
    project, _ = await world.core.projects.enable(tenant, Wanted("DEMO"), OPERATOR_BY)
    await world.core.projects.switch(tenant, "DEMO", OPERATOR_BY, enabled=False)
    async with internal_client(world, "testcases") as client:
        path = f"/internal/v1/projects/{project.id}"
        answer = await client.get(path, ProjectAnswer, tenant=tenant)
    assert not answer.project.enabled


async def test_only_services_with_a_key_are_answered(world: World) -> None:
    url = str(world.settings.tenancy_url).rstrip("/")
    public = await world.token(await world.plain_tenant())
    async with httpx.AsyncClient(trust_env=False) as http:
        for path in ("tenant", "projects/DEMO", "signing-keys"):
            for headers in ({}, public, {"authorization": "Bearer a.b.c"}):
                answer = await http.get(f"{url}/internal/v1/{path}", headers=headers)
                assert answer.status_code == 401
    # and never on the public listener
    answer = await world.http.get("/internal/v1/signing-keys")
    assert answer.status_code == 404


async def test_whose_a_context_token_is(world: World) -> None:
    site, tenant = await world.installed()

    async def asked(client: InternalClient, token: str) -> BrowserCallAnswer:
        headers = {CONTEXT_TOKEN_HEADER: token}
        return await client.get("/internal/v1/browser-call", BrowserCallAnswer, headers=headers)

    token = context_token(site).removeprefix("JWT ")
    async with internal_client(world, "telemetry") as client:
        expected = BrowserCallAnswer(tenant=tenant, active=True, account_id=MIA)
        assert await asked(client, token) == expected
        for wrong in ("", "x", iframe_token(site), f"JWT {token}", context_token(world.site())):
            with pytest.raises(NotFound):
                await asked(client, wrong)
        assert (await world.call(site, "disabled")).status_code == 204
        world.clock.advance(seconds=1)
        await eventually(lambda: asked(client, token), lambda answer: not answer.active)


async def test_what_a_user_is_a_member_of(world: World) -> None:
    tenant = await world.plain_tenant()
    project, _ = await world.core.projects.enable(tenant, Wanted("DEMO"), OPERATOR_BY)
    async with internal_client(world, "executions") as client:
        path = "/internal/v1/memberships/557058:me"
        found = (await client.get(path, MembershipAnswer, tenant=tenant)).membership
        # without Jira there are no groups and roles, and nobody is closed
        assert (found.account_id, found.active, found.groups, found.roles) == (
            "557058:me",
            True,
            (),
            (),
        )
        assert found.resolved_at == world.clock.now()
        world.clock.advance(minutes=1)
        again = (await client.get(path, MembershipAnswer, tenant=tenant)).membership
        assert again == found
        for account in ("a%20b", "x" * 129, "a%2Fb"):
            path = f"/internal/v1/memberships/{account}"
            with pytest.raises((InvalidInput, Unavailable)):
                await client.get(path, MembershipAnswer, tenant=tenant)
        # a project that a copy does not have comes with its scheme
        grant = to_user("557058:me", Entity.CONFIGURATION, Right.EDIT)
        await world.core.rights.permissions.put(
            tenant, "DEMO", [grant], OPERATOR_BY, enforced=True, force=True
        )
        answer = await client.get("/internal/v1/projects/DEMO", ProjectAnswer, tenant=tenant)
        assert answer.project.enforced
        assert answer.permissions is not None
        assert answer.permissions.grants == (grant,)
        assert answer.permissions.project == project.id


async def test_signing_keys_name_no_tenant(world: World) -> None:
    async with internal_client(world, "telemetry") as client:
        keys = (await client.get("/internal/v1/signing-keys", SigningKeysAnswer)).keys
    assert [k.kid for k in keys] == [k.kid for k in await world.core.keys.all()]


async def test_a_service_with_an_empty_copy_accepts_a_fresh_token(
    world: World, database: Database
) -> None:
    # before any state topic was read, the copy asks
    _, tenant = await world.installed()
    headers = await world.token(tenant)
    await world.core.projects.enable(tenant, Wanted("DEMO"), OPERATOR_BY)
    async with internal_client(world, "executions") as client:
        directory = DirectoryCopy(database, client, world.clock)
        tokens = ApiTokens(directory, "local", world.clock)
        verified = await tokens.verify(headers["authorization"], public_api=True)
        assert verified.principal.tenant == tenant
        assert verified.principal.account_id == "557058:acc"
        project = await directory.project_by_key(tenant, "DEMO")
        assert project is not None
