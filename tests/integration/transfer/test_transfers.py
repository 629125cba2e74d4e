"""Projects are moved from one tenant to another, or nothing is changed."""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from contracts.permissions import Entity, Right
from contracts.transfer import MANIFEST
from kit.auth.principal import Scope
from tests.harness.grants import to_user
from tests.harness.polling import eventually
from tests.harness.tenancy_world import ACCOUNT
from tests.integration.executions.linking import House, Linked
from tests.integration.executions.removing import delete, hurry
from tests.integration.transfer import rich
from tests.integration.transfer.faults import CASES, EXECUTIONS, LIBRARY
from tests.integration.transfer.moving import (
    PARTS,
    changed,
    exported,
    imported,
    opened,
    packed,
    refusal,
    route,
    send,
    until_heard,
    walk,
    write,
)

pytestmark = pytest.mark.long

VERSIONS = "testCaseVersions.jsonl"


@pytest.fixture(scope="module")
async def source(house: House) -> Linked:
    """A rich project."""
    made = await house.linked()
    await rich.make(made)
    return made


@pytest.fixture(scope="module")
async def archives(source: Linked) -> dict[str, bytes]:
    """Its archives."""
    return {part: await exported(source, part) for part in PARTS}


async def test_a_rich_project_comes_back_whole(
    house: House, source: Linked, archives: dict[str, bytes]
) -> None:
    before = await walk(source)
    shown = ("testcases", "testplans", "testcycles", "archived testcases", "archived testcycles")
    assert [len(before[p]) for p in shown] == [7, 1, 2, 2, 1]

    # as if it were the same project, and as one of another id
    for project in (source.project.id, source.project.id % 1_000_000 + 1):
        target = await house.linked(project=project)
        for part, archive in archives.items():
            await imported(target, part, archive)
        assert await walk(target) == before
        await until_heard(target, "DEMO", 1, "Steps")
        if project != source.project.id:
            continue
        for part, archive in archives.items():
            first, again = opened(archive), opened(await exported(target, part))
            assert _timeless(first) == _timeless(again)
        # numbers go on where they stopped
        made = await target.http.post("/testcases", json={"projectKey": "DEMO", "name": "n"})
        assert made.json()["key"] == "DEMO-T10"


async def test_older_versions_come_along(house: House) -> None:
    source = await house.linked()
    for name in ("one", "two"):
        body = {"projectKey": "DEMO", "name": name}
        assert (await source.http.post("/testcases", json=body)).status_code == 201

    call = {"testCase": {"testCaseKey": "DEMO-T2"}}
    first = {"mode": "OVERWRITE", "items": [call, {"inline": {"description": "d"}}]}
    assert (await source.http.post("/testcases/DEMO-T1/teststeps", json=first)).status_code == 201
    for name in ("once", "twice", "now"):
        case = (await source.http.get("/testcases/DEMO-T1")).json() | {"name": name}
        assert (await source.http.put("/testcases/DEMO-T1", json=case)).status_code == 200
        if name != "now":
            begun = await source.http.post(f"{rich.OWN}/testcases/testcases/DEMO-T1/versions")
            assert begun.status_code == 201, begun.text
    more = {"mode": "APPEND", "items": [{"inline": {"description": "e"}}]}
    assert (await source.http.post("/testcases/DEMO-T1/teststeps", json=more)).status_code == 201

    def doubled(members: dict[str, bytes]) -> None:
        old = [json.loads(line) for line in members[VERSIONS].splitlines()]
        for step in old[1]["script"]["steps"]:
            step["id"] = old[0]["script"]["steps"][0]["id"]
        write(members, VERSIONS, old)

    def newer(members: dict[str, bytes]) -> None:
        old = [json.loads(line) for line in members[VERSIONS].splitlines()]
        write(members, VERSIONS, [old[0], old[1] | {"version": 3}])

    archive = await exported(source, "library")
    target = await house.linked()
    for wrong, word in ((doubled, "step"), (newer, "older")):
        status, message = refusal(await send(target, "library", changed(archive, wrong)))
        assert (status, word in message) == (400, True), message
    await imported(target, "library", archive)
    versions = (await target.http.get("/testcases/DEMO-T1/versions")).json()["values"]
    assert [v["self"].rpartition("/")[2] for v in versions] == ["3", "2", "1"]
    names = [(await target.http.get(f"/testcases/DEMO-T1/versions/{n}")).json() for n in (1, 3)]
    assert [n["name"] for n in names] == ["once", "now"]
    assert (await target.http.get("/testcases/DEMO-T1/versions/4")).status_code == 404
    again = opened(await exported(target, "library"))
    kept = [json.loads(line) for line in again[VERSIONS].splitlines()]
    assert [(k["version"], len(k["script"]["steps"])) for k in kept] == [(1, 2), (2, 2)]
    # the next one goes on from there
    begun = await target.http.post(f"{rich.OWN}/testcases/testcases/DEMO-T1/versions")
    assert begun.json()["version"] == 4
    found = (await target.http.get("/testcases/DEMO-T1/versions")).json()["values"]
    assert found[1:] == versions
    assert begun.json()["id"] == found[0]["id"] > max(v["id"] for v in versions)


@pytest.mark.long
async def test_the_same_archive_again_changes_nothing_and_goes_on_where_it_broke_off(
    house: House, source: Linked, archives: dict[str, bytes]
) -> None:
    target = await house.linked()
    for part, archive in archives.items():
        rows = house.database.client[house.installation.database(PARTS[part])]["imports"]
        first = await imported(target, part, archive)
        # as a process leaves it that was killed right before the end
        left = {"$set": {"state": "writing", "written": {}}}
        await rows.update_one({"tenant": target.tenant}, left)
        found = await target.http.get(route(part, "DEMO", "import"))
        assert found.json()["state"] == "broken"
        assert (await _checked(target, part, archive))["state"] == "continues"
        other = changed(archive, lambda members: members)
        status, _ = refusal(await send(target, part, other))
        assert status == 409
        assert (await imported(target, part, archive))["written"] == first["written"]
        assert (await imported(target, part, archive))["written"] == first["written"]
        found = (await target.http.get(route(part, "DEMO", "import"))).json()
        assert (found["state"], found["written"]) == ("done", first["written"])
        assert (await _checked(target, part, archive))["state"] == "done"
    assert await walk(target) == await walk(source)


async def test_an_emptied_project_takes_the_same_archive_again(house: House) -> None:
    source = await house.linked()
    await source.make("testcases")
    await source.make("testcycles")
    # options stay when all else is deleted; they are those of the archive
    body = {"projectKey": "DEMO", "name": "Chrome"}
    assert (await source.http.post("/environments", json=body)).status_code == 201
    target = await house.linked()
    gone = {"library": "testcases/testcases/DEMO-T1", "executions": "executions/testcycles/DEMO-R1"}
    for part, path in gone.items():
        archive = await exported(source, part)
        first = await imported(target, part, archive)
        assert (await delete(target, path)).status_code == 200
        status, message = refusal(await send(target, part, archive))
        assert (status, "still being done" in message) == (409, True)
        await hurry(target)
        sent = partial(send, target, part, archive)
        answer = await eventually(sent, lambda a: a.status_code != 409)
        assert answer.status_code == 200, answer.text
        last = json.loads(answer.text.splitlines()[-1])
        assert (last["state"], last["written"]) == ("done", first["written"])
        assert (await target.http.get("/" + path.partition("/")[2])).status_code == 200
    # executions hear of what came back, above the tombstone
    await until_heard(
        target, "DEMO", 1, (await target.http.get("/testcases/DEMO-T1")).json()["name"]
    )


async def test_what_is_wrong_with_an_archive_is_said_and_nothing_is_changed(
    house: House, archives: dict[str, bytes]
) -> None:
    target = await house.linked()
    before = await walk(target)
    good, runs = archives["library"], archives["executions"]
    for change, word in LIBRARY:
        status, message = refusal(await send(target, "library", changed(good, change)))
        assert (status, word in message) == (400, True), (word, message)
    for damaged in (b"", b"PK", good[: len(good) // 2], good[:-10], good[40:]):
        status, message = refusal(await send(target, "library", damaged))
        assert status == 400, message
    assert await walk(target) == before
    answer = await target.http.get(route("library", "DEMO", "import"))
    assert answer.status_code == 404

    assert refusal(await send(target, "executions", runs))[0] == 400  # no library yet
    await imported(target, "library", good)
    before = await walk(target)
    for change, word in EXECUTIONS:
        status, message = refusal(await send(target, "executions", changed(runs, change)))
        assert (status, word in message) == (400, True), (word, message)
    assert await walk(target) == before


async def test_a_zip_of_many_members_or_one_that_swells_is_not_read(
    house: House, archives: dict[str, bytes]
) -> None:
    target = await house.linked()
    members = opened(archives["library"])
    many = packed(members | {f"attachments/{n}": b"" for n in range(1, 100_002)})
    status, message = refusal(await send(target, "library", many))
    assert (status, "OSTRO_IMPORT_MAX_MEMBERS" in message) == (413, True)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bomb:
        for name, content in members.items():
            if name == CASES:
                with bomb.open(name, "w") as swelling:
                    for _ in range(40):
                        swelling.write(b" " * 1_000_000)
            else:
                bomb.writestr(name, content)
    status, message = refusal(await send(target, "library", out.getvalue()))
    assert (status, "longer than" in message) == (413, True)


async def test_a_project_that_is_not_empty_is_left_alone(
    house: House, archives: dict[str, bytes]
) -> None:
    target = await house.linked()
    made = await target.http.post("/testcases", json={"projectKey": "DEMO", "name": "mine"})
    assert made.status_code == 201
    status, message = refusal(await send(target, "library", archives["library"]))
    assert status == 409
    assert "DEMO-T1" in message
    other = await house.linked()
    body = {"projectKey": "DEMO", "name": "Mine"}
    assert (await other.http.post("/environments", json=body)).status_code == 201
    status, message = refusal(await send(other, "library", archives["library"]))
    assert (status, "Mine" in message) == (409, True)
    third = await house.linked()
    await third.make("testcycles")
    await imported(third, "library", archives["library"])
    status, message = refusal(await send(third, "executions", archives["executions"]))
    assert (status, "DEMO-R1" in message) == (409, True)


async def test_another_jira_site_gets_no_ids_of_the_first(
    house: House, archives: dict[str, bytes]
) -> None:
    target = await house.linked()
    done = await imported(target, "library", archives["library"], jira="auto")
    assert done["leftOut"] == {"issueLinks": 1, "components": 1}
    done = await imported(target, "executions", archives["executions"], jira="auto")
    assert done["leftOut"] == {"issueLinks": 3, "jiraVersions": 4}
    found = await walk(target)
    case = next(c for c in found["testcases"] if c["key"] == "DEMO-T1")
    assert (case["links"]["issues"], case["component"]) == ([], None)
    assert len(case["links"]["webLinks"]) == 2


async def test_rights_and_scopes_decide(house: House, archives: dict[str, bytes]) -> None:
    target = await house.linked()
    archive = archives["library"]
    reader = await target.as_(scopes=[Scope.READ])
    assert refusal(await send(reader, "library", archive))[0] == 403
    writer = await target.as_(scopes=[Scope.WRITE])
    answer = await writer.http.get(route("library", "DEMO", "export"))
    assert refusal(answer)[0] == 403
    stranger = await house.linked()
    answer = await stranger.http.get(route("library", "NOPE", "export"))
    assert refusal(answer)[0] == 404
    await target.permit(to_user(ACCOUNT, Entity.TEST_CASE, *Right))
    # its owner may not have heard of the scheme yet
    answer = await eventually(
        lambda: send(target, "library", archive), lambda a: a.status_code not in {200, 503}
    )
    assert refusal(answer)[0] == 403
    answer = await target.http.get(route("executions", "DEMO", "export"))
    assert refusal(answer)[0] == 403


async def _checked(target: Linked, part: str, archive: bytes) -> dict[str, Any]:
    answer = await target.http.post(
        route(part, "DEMO", "import/check"), params={"jira": "keep"}, content=archive
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_executions_are_checked_with_the_library_that_comes_before_them(
    house: House, archives: dict[str, bytes]
) -> None:
    target = await house.linked()
    library, runs = archives["library"], archives["executions"]
    path = route("executions", "DEMO", "import/check")
    answer = await target.http.post(path, content=runs)
    assert refusal(answer)[0] == 400
    told = [tuple(one.values()) for one in answer.json()["references"]]
    assert answer.json()["count"] == len(told)
    assert ("test execution", "DEMO-E6", "statusName", "'Skipped'") in told
    fields = {"testCaseKey", "folderId", "statusName", "environmentName", "customFields"}
    assert {field for _, _, field, _ in told} == fields
    with_library: dict[str, str | int] = {"jira": "keep", "libraryBytes": len(library)}
    answer = await target.http.post(path, params=with_library, content=library + runs)
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "ready"
    for change, word in EXECUTIONS:
        sent = library + changed(runs, change)
        status, message = refusal(await target.http.post(path, params=with_library, content=sent))
        assert (status, word in message) == (400, True), (word, message)
    short = with_library | {"libraryBytes": len(library + runs) + 1}
    assert refusal(await target.http.post(path, params=short, content=library + runs))[0] == 400
    wrong = route("library", "DEMO", "import/check")
    answer = await target.http.post(wrong, params=with_library, content=library)
    assert refusal(answer)[0] == 400
    assert (await target.http.get(route("executions", "DEMO", "import"))).status_code == 404


async def test_four_who_send_slowly_keep_nobody_else_waiting(
    house: House, archives: dict[str, bytes]
) -> None:
    archive, go_on = archives["library"], asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield archive[:100]
        await go_on.wait()
        yield archive[100:]

    slow = [await house.linked() for _ in range(4)]
    path = route("library", "DEMO", "import/check")
    sent = [asyncio.create_task(s.http.post(path, content=slowly())) for s in slow]
    await imported(await house.linked(), "library", archive)
    assert not any(task.done() for task in sent)
    go_on.set()
    assert [(await task).status_code for task in sent] == [200] * 4


def _timeless(members: dict[str, bytes]) -> dict[str, object]:
    manifest = json.loads(members[MANIFEST])
    manifest["source"]["siteUrl"] = manifest["createdOn"] = None
    return {**members, MANIFEST: manifest}
