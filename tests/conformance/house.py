"""The four services, and one tenant whose projects are furnished."""

import contextlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import httpx

from contracts.envelope import Event
from contracts.jira import JiraAction, JiraChange, JiraEntity
from contracts.permissions import Entity, Right
from contracts.routes import EXECUTIONS, TELEMETRY, TENANCY, TESTCASES
from contracts.topics import JIRA_CHANGE
from kit.auth.principal import Scope
from kit.ids import stable_uuid
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.kafka.records import outgoing
from kit.mongo import connect
from tests.conformance.furniture import FIELDS, ISSUES, Furniture
from tests.conformance.stage import BARE, MAX_FILE, OTHER, Stage
from tests.conformance.walk import Call, Where, Who
from tests.harness.grants import to_user
from tests.harness.installation import Installation
from tests.harness.jira_issues import jira_beside_tenancy
from tests.harness.operator import ACCOUNT, Operator, operator
from tests.harness.polling import eventually
from tests.harness.system import client, service

SITE = "https://demo.atlassian.net"
REMOVED_VERSION = 31_338
"""Jira's id of a version that is gone."""


@contextlib.asynccontextmanager
async def furnished(installation: Installation) -> AsyncIterator[Stage]:
    """Run it all."""
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(
            mock.patch.dict(os.environ, {"OSTRO_ATTACHMENT_MAX_BYTES": str(MAX_FILE)})
        )
        jira = await stack.enter_async_context(jira_beside_tenancy(installation))
        world = await stack.enter_async_context(operator(installation))
        parts: tuple[tuple[str, dict[str, Any]], ...] = (
            (TENANCY, {"master_key_file": installation.secret("master")}),
            (TESTCASES, {"tenancy_url": jira.url}),
            (EXECUTIONS, {"tenancy_url": jira.url}),
            (TELEMETRY, {"pseudonym_key_file": installation.secret("pseudonyms")}),
        )
        for name, settings in parts:
            await stack.enter_async_context(service(installation, name, **settings))
        tenant = await world.tenant(site=SITE)
        jira.of[tenant] = dict(ISSUES)
        token = f"Bearer {await world.token(tenant)}"
        acting = await stack.enter_async_context(client(installation, {"authorization": token}))
        http = await stack.enter_async_context(client(installation, {}))
        found = Stage(http, {Who.USER: token})
        await _furnish(found, world, tenant, acting)
        await _by_hand(installation, tenant, found)
        yield found


async def _by_hand(installation: Installation, tenant: str, found: Stage) -> None:
    """Make what no operation can: a run with rows of test data, a version that Jira removed."""
    name = installation.database(EXECUTIONS)
    async with connect(installation.backends.mongodb, name) as database:
        run = {"tenant": tenant, "id": found.names()["run_with_data"]}
        await database["test_executions"].update_one(run, {"$set": {"steps.0.row": 1}})
    change = JiraChange(
        entity=JiraEntity.VERSION,
        action=JiraAction.DELETED,
        id=str(REMOVED_VERSION),
        at=datetime.now(UTC),
    )
    event: Event[Any] = Event(
        id=stable_uuid(tenant, change.id),
        source="ostro/tenancy",
        type=JIRA_CHANGE.type,
        subject=f"version/{change.id}",
        time=change.at,
        tenantid=tenant,
        data=change,
    )
    topic = Names(installation.prefix).topic(JIRA_CHANGE)
    publisher = Publisher(installation.kafka, client_id="test-conformance")
    try:
        await publisher.send([outgoing(topic, f"{tenant}/version/{change.id}", event)])
    finally:
        await publisher.stop()
    body = {"projectKey": OTHER, "name": "n", "jiraProjectVersion": REMOVED_VERSION}
    found.shared["removed_version"] = REMOVED_VERSION

    async def refused() -> bool:
        answer = await found.send(Call("POST", "/testcycles", body=body))
        return answer.status_code == 404

    await eventually(refused)


async def _furnish(found: Stage, world: Operator, tenant: str, http: httpx.AsyncClient) -> None:
    projects = {
        key: await world.project(tenant, key) for key in ("DEMO", "DISABLED", "LOCKED", OTHER, BARE)
    }
    scopes = (Scope.READ, Scope.WRITE, Scope.RESULTS)
    elsewhere = await world.token(tenant, scopes, [OTHER])
    stranger = await world.token(tenant, scopes, account_id="stranger")
    found.tokens |= {Who.ELSEWHERE: f"Bearer {elsewhere}", Who.STRANGER: f"Bearer {stranger}"}
    for key in projects:
        await eventually(lambda k=key: _has_options(http, k))  # type: ignore[misc]
    other = {"projectKey": OTHER, "name": "f", "folderType": "TEST_CASE"}
    found.shared = {
        "account": ACCOUNT,
        "one": 1,
        "other_project_id": projects[OTHER],
        "issue_key": "DEMO-2",
        "other_folder": (await http.post("/folders", json=other)).json()["id"],
    }
    await _without_default(http)
    for where in Where:
        furniture = Furniture(http, where, projects[where])
        found.furniture[where] = furniture
        if where is Where.DEMO:
            await furniture.define(FIELDS)
        await furniture.everything()
    await found.furniture[Where.DEMO].spares()
    views = [to_user(ACCOUNT, entity, Right.VIEW) for entity in Entity]
    await world.permit(tenant, Where.LOCKED, views)
    await world.disable(tenant, Where.DISABLED)
    await _until_shut(http)


async def _has_options(http: httpx.AsyncClient, key: str) -> bool:
    page = await http.get("/statuses", params={"projectKey": key})
    return page.status_code == 200 and bool(page.json()["values"])


async def _without_default(http: httpx.AsyncClient) -> None:
    """Let a project have no default status of cycles."""
    params = {"projectKey": BARE, "statusType": "TEST_CYCLE"}
    page = (await http.get("/statuses", params=params)).json()
    (default,) = [o for o in page["values"] if o["default"]]
    body = {**default, "default": False}
    body.pop("description")
    answer = await http.put(f"/statuses/{default['id']}", json=body)
    assert answer.status_code == 200, answer.text


async def _until_shut(http: httpx.AsyncClient) -> None:
    """Wait until both services know which project is enforced, and which one disabled."""
    bodies: dict[str, dict[str, Any]] = {
        "/statuses": {"type": "TEST_PLAN"},
        "/testplans": {"customFields": {}},
    }
    for where, status in ((Where.LOCKED, 403), (Where.DISABLED, 404)):
        for path, more in bodies.items():
            call = Call("POST", path, body={"projectKey": where, "name": "n", **more})
            await eventually(
                lambda c=call: http.post(c.path, json=c.body),  # type: ignore[misc]
                lambda answer, wanted=status: answer.status_code == wanted,  # type: ignore[misc]
            )
