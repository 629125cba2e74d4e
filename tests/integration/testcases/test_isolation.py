"""A second tenant gets nothing of the first, on any route, whatever ids and keys it guesses.

Both tenants have a project with the same id and key, so that nothing but the tenant tells apart.
"""

import re
from typing import Any

import pytest
from fastapi import FastAPI

from contracts.internal import FolderAnswer, UploadEndedRequest
from kit.errors import NotFound
from kit.service import Runtime
from services.testcases.main import build
from services.testcases.settings import TestcasesSettings
from tests.integration.testcases.site import Library, Site, fault

Twins = tuple[Site, Site]


@pytest.fixture
async def filled(twins: Twins) -> tuple[Site, Site, dict[str, int]]:
    """The first tenant owns one of everything."""
    mine, other = twins
    ids = {
        "folders": (await mine.create("/folders", name="f", folderType="TEST_CASE"))["id"],
        "statuses": (await mine.create("/statuses", name="s", type="TEST_CASE"))["id"],
        "priorities": (await mine.create("/priorities", name="p"))["id"],
        "environments": (await mine.create("/environments", name="e"))["id"],
    }
    await mine.create("/testcases", name="secret", folderId=ids["folders"])
    return mine, other, ids


async def test_no_list_shows_another_tenants_things(
    filled: tuple[Site, Site, dict[str, int]],
) -> None:
    _, other, ids = filled
    for path in ("/testcases", "/testcases/nextgen", "/folders", "/environments"):
        for params in ({}, {"projectKey": "DEMO"}):
            page = await other.read(path, **params)
            assert page["values"] == []
            assert page.get("total", 0) == 0
    assert (await other.read("/testcases", folderId=ids["folders"]))["values"] == []
    for path in ("/statuses", "/priorities"):
        names = {o["name"] for o in (await other.read(path, maxResults=100))["values"]}
        assert names.isdisjoint({"s", "p"})


async def test_no_id_or_key_reads_another_tenants_things(
    filled: tuple[Site, Site, dict[str, int]],
) -> None:
    mine, other, ids = filled
    paths = [f"/{kind}/{ident}" for kind, ident in ids.items()]
    paths += [f"/testcases/DEMO-T1{t}" for t in ("", "/links", "/versions", "/versions/1")]
    for path in paths:
        assert (await mine.get(path)).status_code == 200, path
        answer = fault(await other.get(path))
        # exactly what a thing that never was says
        never = path.replace("DEMO-T1", "DEMO-T88")
        if never == path:
            never = f"{path.rpartition('/')[0]}/{mine.id(4000)}"
        unknown = fault(await other.get(never))
        assert answer[0] == unknown[0] == 404, path
        assert len(answer[1].split()) == len(unknown[1].split())


async def test_no_creation_reaches_into_another_tenant(
    filled: tuple[Site, Site, dict[str, int]],
) -> None:
    mine, other, ids = filled
    status, message = await other.refused("/testcases", name="n", folderId=ids["folders"])
    assert (status, "does not exist" in message) == (400, True)
    status, message = await other.refused(
        "/folders", name="n", folderType="TEST_CASE", parentId=ids["folders"]
    )
    assert (status, "does not exist" in message) == (400, True)
    assert (await other.refused("/testcases", name="n", statusName="s"))[0] == 404
    assert (await other.refused("/testcases", name="n", priorityName="p"))[0] == 404
    # names, numbers and keys are counted for each tenant alone
    assert (await other.create("/environments", name="e"))["id"] == ids["environments"] - 2
    assert (await other.create("/testcases", name="mine"))["key"] == "DEMO-T1"
    assert await mine.case_names() == ["secret"]
    assert await other.case_names() == ["mine"]


async def test_no_internal_question_crosses_tenants(
    filled: tuple[Site, Site, dict[str, int]],
) -> None:
    mine, other, ids = filled
    names = {o.name for o in await other.options()}
    assert names.isdisjoint({"s", "p", "e"})
    with pytest.raises(NotFound):
        await other.library.internal.get(
            f"/internal/v1/folders/{ids['folders']}", FolderAnswer, tenant=other.tenant
        )
    assert await other.resolve(numbers=[1], names=["secret"]) == []
    assert (await mine.resolve(names=["secret"]))[0].id == mine.id(1)
    ensured = await other.ensure("up", ["secret"])
    row = await _row(other, ensured["secret"].id)
    assert row["tenant"] == other.tenant
    # ends of the same upload name in another tenant touch nothing here
    await mine.ensure("up", ["waiting"])
    for verdict in ("accepted", "aborted"):
        await other.library.internal.tell(
            f"/internal/v1/uploads/up/{verdict}",
            UploadEndedRequest(project=other.project),
            tenant=other.tenant,
        )
    assert await mine.case_names() == ["secret"]
    await mine.end("up", "accepted")
    assert await mine.case_names() == ["secret", "waiting"]


async def _row(site: Site, case: int) -> Any:
    rows = await stored_of(site).find({"tenant": site.tenant, "id": case}).to_list(None)
    assert len(rows) == 1
    return rows[0]


def stored_of(site: Site) -> Any:
    return site.library.database["testcases"]


async def test_no_public_route_is_open(
    library: Library, runtime: Runtime[TestcasesSettings]
) -> None:
    """Every route of the application, as it is built, asks who calls."""
    parts = await build(runtime)
    public = operations_of(parts.public)
    assert len(public) > 30
    internal = [o for o in operations_of(parts.internal) if o[1].startswith("/internal")]
    assert len(internal) == 8
    for method, path in public:
        for headers in ({}, {"authorization": "Bearer a.b.c"}):
            answer = await library.http.request(method, path, headers=headers)
            assert answer.status_code == 401, path
            assert set(answer.json()) == {"error"}
    for method, path in internal:
        answer = await library.http.request(method, f"{library.internal_url}{path}")
        assert answer.status_code == 401, path


def operations_of(app: FastAPI) -> list[tuple[str, str]]:
    """Return method and a path of every operation, with parameters filled in."""
    found = []
    for template, item in app.openapi()["paths"].items():
        path = re.sub(r"\{testCaseKey\}", "DEMO-T1", template)
        path = re.sub(r"\{\w+\}", "1", path)
        found += [(method.upper(), path) for method in item]
    return found
