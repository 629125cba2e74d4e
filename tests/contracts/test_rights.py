"""Every public route says what it needs: a route that forgot is found here."""

from collections.abc import AsyncIterator

import pytest

from contracts.permissions import Entity, Right
from kit.auth.principal import Scope
from kit.http.security import AccessTo
from tests.harness.routes import needs
from tools.docs.internal import Operation
from tools.docs.openapi import public_apps

NEEDS_NOTHING = {("GET", "/v2/healthcheck")}
"""Says whether a token is good, and nothing else."""


@pytest.fixture(scope="module")
async def routes() -> AsyncIterator[dict[Operation, set[AccessTo]]]:
    async with public_apps() as apps:
        yield {
            operation: found
            for app in apps.values()
            for operation, found in needs(app).items()
            if operation[1].startswith("/v2")
        }


async def test_every_route_under_v2_needs_one_thing(
    routes: dict[Operation, set[AccessTo]],
) -> None:
    assert len(routes) > 20
    without = {route for route, found in routes.items() if not found}
    assert without == NEEDS_NOTHING
    # two would decide by two rights, and a use case gets one
    assert [route for route, found in routes.items() if len(found) > 1] == []


async def test_reading_needs_a_right_to_view_and_writing_another_one(
    routes: dict[Operation, set[AccessTo]],
) -> None:
    for (method, path), found in routes.items():
        for access in found:
            assert access.need.writes is (method != "GET"), (method, path)
            assert (Scope.READ in access.scopes) is (method == "GET"), (method, path)
            assert Scope.ADMIN not in access.scopes, (method, path)


async def test_creating_needs_the_right_to_create_what_the_path_is_of(
    routes: dict[Operation, set[AccessTo]],
) -> None:
    entities = {
        "testcases": Entity.TEST_CASE,
        "folders": Entity.TEST_CASE,
        "statuses": Entity.CONFIGURATION,
        "priorities": Entity.CONFIGURATION,
        "environments": Entity.CONFIGURATION,
        "testcycles": Entity.TEST_CYCLE,
        "testexecutions": Entity.TEST_EXECUTION,
        "testplans": Entity.TEST_PLAN,
    }
    seen = 0
    for (method, path), found in routes.items():
        entity = entities.get(path.split("/")[2])
        if entity is None:
            continue
        (access,) = found
        (permission,), *more = access.need.clauses
        assert permission[0] is entity, path
        # a route may ask to see something else, too
        assert all(right is Right.VIEW for clause in more for _, right in clause), path
        if method == "POST" and path.count("/") == 2:
            assert permission[1] in {Right.CREATE, Right.EXECUTE}, path
            seen += 1
    assert seen >= 5
