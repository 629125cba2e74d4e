"""Calls with the system token that a Forge install lends us, through the stand-in's gateway."""

from collections.abc import AsyncIterator

import pytest

from contracts.internal import (
    IssuesAnswer,
    IssuesRequest,
    JiraAnswer,
    PermissionCheckAnswer,
    PermissionCheckRequest,
    UsersAnswer,
    UsersRequest,
)
from devstack.jira import demo
from kit.errors import Forbidden, Unavailable
from services.tenancy.usecases.jira import SystemTokenInHand
from tests.harness.installation import Installation
from tests.integration.tenancy.standin_house import House, standin_house


@pytest.fixture(scope="module")
async def running_house(installation: Installation) -> AsyncIterator[House]:
    async with standin_house(installation, forge=True) as found:
        yield found


@pytest.fixture
async def house(running_house: House) -> House:
    """The module's house, with a system token that was just lent."""
    running_house.pass_time(300)
    await running_house.act("forge_scheduled")
    running_house.forget_calls()
    return running_house


async def test_questions_go_through_the_gateway_with_the_token(house: House) -> None:
    client, tenant = house.client, house.tenant
    issues = await client.post(
        "/internal/v1/issues", IssuesRequest(keys=("DEMO-1",)), IssuesAnswer, tenant=tenant
    )
    assert [(one.id, one.key) for one in issues.issues] == [(10001, "DEMO-1")]
    users = await client.post(
        "/internal/v1/users", UsersRequest(account_ids=(demo.TESTER,)), UsersAnswer, tenant=tenant
    )
    assert [one.display_name for one in users.users] == ["Tomáš Dvořák"]
    request = PermissionCheckRequest(
        account_id=demo.TESTER, permissions=("BROWSE_PROJECTS",), projects=(10000,)
    )
    answer = await client.post(
        "/internal/v1/permission-check", request, PermissionCheckAnswer, tenant=tenant
    )
    assert [one.projects for one in answer.granted] == [(10000,)]
    calls = [entry.value for entry in house.standin.world.records.calls.after(0)]
    assert len(calls) == 3
    assert {(call.auth, call.status) for call in calls} == {("bearer", 200)}


async def test_facts_of_a_forge_install(house: House) -> None:
    installed = house.site.forge
    assert installed is not None
    installed.installation.licence = "active"
    house.site.version = "1007.0.0"
    await house.world.core.jira.facts.refresh(house.tenant)
    answer = await house.client.get("/internal/v1/jira", JiraAnswer, tenant=house.tenant)
    assert answer.jira_version == "1007.0.0"
    assert answer.jira_instance == house.site.cloud_id
    assert (answer.licence_type, answer.licence_active) == ("COMMERCIAL", True)
    assert answer.support_entitlement == "SEN-1234567"
    installed.installation.licence = "none_page"
    tenant = await house.world.core.jira.facts.refresh(house.tenant)
    assert (tenant.facts.licence_type, tenant.facts.support_entitlement) == (None, None)
    # nobody asks the gateway for what is open on the site only
    assert house.calls("tenant_info") == []


async def test_a_token_that_ran_out_is_not_sent(house: House) -> None:
    house.pass_time(2 * 3600)
    with pytest.raises(Unavailable):
        await house.world.core.jira.sites.get(house.tenant)
    with pytest.raises(Unavailable):
        await house.client.post(
            "/internal/v1/issues",
            IssuesRequest(keys=("DEMO-2",)),
            IssuesAnswer,
            tenant=house.tenant,
        )
    assert house.calls() == []
    await house.act("forge_scheduled")
    assert await house.world.core.jira.sites.find(house.tenant) is not None


async def test_another_replicas_token_is_read_once_more(house: House) -> None:
    old = await house.world.core.jira.sites.get(house.tenant)
    assert isinstance(old.credential, SystemTokenInHand)
    installed = house.site.forge
    assert installed is not None
    installed.tokens.clear()
    house.pass_time(60)
    await house.act("forge_scheduled")
    house.forget_calls()
    found = await house.world.core.jira.projects.find(old, "DEMO")
    assert found is not None
    assert [status for _, status in house.calls("DEMO")] == [401, 200]


async def test_permissions_that_come_late_are_a_refusal(house: House) -> None:
    await house.act("forge_upgrade", denied_seconds=60)
    site = await house.world.core.jira.sites.get(house.tenant)
    with pytest.raises(Forbidden):
        await house.world.core.jira.projects.find(site, "DEMO")
    house.pass_time(61)
    assert await house.world.core.jira.projects.find(site, "DEMO") is not None
