"""Folders over HTTP and for other services."""

from typing import Any

import pytest

from contracts.internal import FolderAnswer
from kit.errors import NotFound
from tests.integration.testcases.site import Site, fault

FIELDS = {"id", "parentId", "name", "index", "folderType", "project"}


async def test_a_tree_of_folders_reads_back(site: Site) -> None:
    root = await site.create("/folders", name="Root", folderType="TEST_CASE", parentId=None)
    assert root == {"id": site.id(1), "self": site.url(f"/folders/{site.id(1)}")}
    child = await site.create("/folders", name="Child", folderType="TEST_CASE", parentId=root["id"])
    second = await site.create(
        "/folders", name="Child", folderType="TEST_CASE", parentId=root["id"]
    )
    cycles = await site.create("/folders", name="Cycles", folderType="TEST_CYCLE")
    shown = {f["id"]: f for f in (await site.read("/folders", projectKey="DEMO"))["values"]}
    assert all(set(f) == FIELDS for f in shown.values())
    assert [shown[f["id"]]["parentId"] for f in (root, child, second)] == [
        None,
        root["id"],
        root["id"],
    ]
    assert [shown[f["id"]]["index"] for f in (root, child, second, cycles)] == [0, 0, 1, 0]
    assert await site.read(f"/folders/{child['id']}") == shown[child["id"]]
    assert shown[child["id"]] == {
        "id": child["id"],
        "parentId": root["id"],
        "name": "Child",
        "index": 0,
        "folderType": "TEST_CASE",
        "project": {"id": site.project, "self": site.url(f"/projects/{site.project}")},
    }


async def test_folders_are_filtered_by_type_and_an_empty_filter_is_none(site: Site) -> None:
    for kind in ("TEST_CASE", "TEST_PLAN", "TEST_CYCLE"):
        await site.create("/folders", name=kind, folderType=kind)
    for kind in ("TEST_CASE", "TEST_PLAN", "TEST_CYCLE"):
        page = await site.read("/folders", projectKey="DEMO", folderType=kind)
        assert ([f["name"] for f in page["values"]], page["total"]) == ([kind], 1)
    assert (await site.read("/folders", folderType="", projectKey="DEMO"))["total"] == 3
    page = await site.read("/folders", folderType="", maxResults=1)
    assert "folderType" not in page["next"]
    assert fault(await site.get("/folders", folderType="TEST_EXECUTION"))[0] == 400


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"name": ""}, "name must not be shorter"),
        ({"name": " "}, "name must not be blank"),
        ({"name": "a/b"}, "must not contain"),
        ({"name": "a\\b"}, "must not contain"),
        ({"name": "x" * 256}, "name must not be longer"),
        ({"folderType": None}, "folderType"),
        ({"folderType": "TEST_EXECUTION"}, "folderType must be 'TEST_CASE', 'TEST_PLAN' or"),
        ({"parentId": 0}, "parentId must be greater"),
        ({"parentId": 4711}, "folder with id 4711 does not exist"),
    ],
)
async def test_what_a_folder_must_not_say(
    untouched: Site, body: dict[str, Any], words: str
) -> None:
    status, message = await untouched.refused(
        "/folders", **{"name": "n", "folderType": "TEST_CASE", **body}
    )
    assert (status, words in message) == (400, True), message


async def test_a_parent_is_of_the_same_project_and_type(site: Site) -> None:
    plans = await site.create("/folders", name="p", folderType="TEST_PLAN")
    status, message = await site.refused(
        "/folders", name="n", folderType="TEST_CASE", parentId=plans["id"]
    )
    assert (status, "not of type TEST_CASE" in message) == (400, True)
    other = await site.library.add_project(site.tenant, "OTHER")
    status, message = await other.refused(
        "/folders", name="n", folderType="TEST_PLAN", parentId=plans["id"]
    )
    assert (status, "another project" in message) == (400, True)


async def test_ids_that_name_nothing(site: Site) -> None:
    for ident in (1, site.id(1), 2**63 - 1):
        assert fault(await site.get(f"/folders/{ident}"))[0] == 404
    for nonsense in ("x", "0", str(2**63)):
        assert fault(await site.get(f"/folders/{nonsense}"))[0] == 400


async def test_other_services_get_a_folder(site: Site) -> None:
    made = await site.create("/folders", name="n", folderType="TEST_CYCLE")
    internal = site.library.internal
    answer = await internal.get(
        f"/internal/v1/folders/{made['id']}", FolderAnswer, tenant=site.tenant
    )
    folder = answer.folder
    assert (folder.id, folder.project, folder.parent, folder.type) == (
        made["id"],
        site.project,
        None,
        "TEST_CYCLE",
    )
    with pytest.raises(NotFound):
        await internal.get(f"/internal/v1/folders/{site.id(2)}", FolderAnswer, tenant=site.tenant)
