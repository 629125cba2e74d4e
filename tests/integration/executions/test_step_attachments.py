"""Attachments of steps of test executions: they stay with their step, and go with it."""

import asyncio
from collections.abc import AsyncIterator

import jsonschema
import pytest

from kit.auth.principal import Scope
from tests.harness.attachments import ATTACHMENTS
from tests.harness.polling import eventually
from tests.integration.executions.linking import Linked, fault
from tests.integration.executions.removing import OSTRO
from tests.integration.executions.running import case_with, run, steps_of, sync, write_steps


@pytest.fixture
async def places(linked: Linked) -> list[str]:
    """The attachments of two steps of one execution, of which there are none."""
    await linked.make("testcycles")
    await case_with(linked, "stays", "goes")
    made = await run(linked)
    return [place(made, step["id"]) for step in await steps_of(linked, made)]


def place(execution: int | str, step: int) -> str:
    return f"/testexecutions/{execution}/teststeps/{step}/attachments"


async def attached(linked: Linked, where: str, content: bytes = b"bytes") -> int:
    answer = await linked.http.put(f"{where}/trace.txt", content=content)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["id"])


async def listed(linked: Linked, where: str) -> list[int]:
    answer = await linked.http.get(where)
    assert answer.status_code == 200, answer.text
    jsonschema.validate(answer.json(), ATTACHMENTS)
    return [row["id"] for row in answer.json()["attachments"]]


async def states(linked: Linked) -> list[str]:
    query = {"tenant": linked.tenant, "kind": "test-execution"}
    rows = linked.house.database["attachments"].find(query, {"state": 1}).sort("id", 1)
    return [row["state"] for row in await rows.to_list(None)]


async def test_a_file_is_attached_to_one_step(linked: Linked, places: list[str]) -> None:
    first, second = places
    assert fault(await linked.http.get(first)) == (404, "There are no attachments.")
    ident = await attached(linked, first)
    assert await listed(linked, first) == [ident]
    # neither another step nor the execution has it
    execution = first.split("/")[2]
    for other in (second, f"/testexecutions/{execution}/attachments"):
        for path in (other, f"{other}/{ident}"):
            assert fault(await linked.http.get(path))[0] == 404
    key = (await linked.http.get(f"/testexecutions/{execution}")).json()["key"]
    by_key = place(key, int(first.split("/")[4]))
    assert (await linked.http.get(f"{by_key}/{ident}")).content == b"bytes"


async def test_a_file_of_a_step_is_removed_where_it_is_attached(
    linked: Linked, places: list[str]
) -> None:
    first, second = places
    gone, kept = await attached(linked, first), await attached(linked, first)
    execution = first.split("/")[2]
    reader = await linked.as_(scopes=[Scope.READ])
    assert (await reader.http.delete(f"{OSTRO}/executions{first}/{gone}")).status_code == 403
    for where in (second, f"/testexecutions/{execution}/attachments", place(execution, 1)):
        answer = await linked.http.delete(f"{OSTRO}/executions{where}/{gone}")
        assert answer.status_code == 404
    assert await listed(linked, first) == [gone, kept]
    for status in (204, 404):
        answer = await linked.http.delete(f"{OSTRO}/executions{first}/{gone}")
        assert answer.status_code == status
    assert await listed(linked, first) == [kept]
    assert await states(linked) == ["removing", "stored"]


async def test_steps_that_no_execution_has(linked: Linked, places: list[str]) -> None:
    execution, known = places[0].split("/")[2], places[0].split("/")[4]
    other = await run(linked)
    for where in (place(execution, 1), place(execution, 1 << 62), place(other, int(known))):
        for answer in (
            await linked.http.get(where),
            await linked.http.get(f"{where}/1"),
            await linked.http.put(f"{where}/f", content=b"f"),
        ):
            assert fault(answer)[0] == 404
    wrong = f"/testexecutions/{execution}/teststeps/x/attachments"
    for answer in (
        await linked.http.get(wrong),
        await linked.http.get(f"{wrong}/1"),
        await linked.http.put(f"{wrong}/f", content=b"f"),
    ):
        assert fault(answer)[0] == 400
    assert await states(linked) == []


async def test_sync_keeps_files_of_steps_that_stay_and_no_others(
    linked: Linked, places: list[str]
) -> None:
    staying, going = places
    execution = int(staying.split("/")[2])
    kept, lost = await attached(linked, staying), await attached(linked, going)
    await write_steps(linked, "DEMO-T1", "new", "stays")
    assert (await sync(linked, execution)).status_code == 200
    assert await listed(linked, staying) == [kept]
    for path in (going, f"{going}/{lost}"):
        assert fault(await linked.http.get(path))[0] == 404
    assert await states(linked) == ["stored", "removing"]
    # the same words again are another step
    await write_steps(linked, "DEMO-T1", "goes", "stays")
    assert (await sync(linked, execution)).status_code == 200
    fresh = (await steps_of(linked, execution))[0]["id"]
    assert fault(await linked.http.get(place(execution, fresh)))[0] == 404
    assert await listed(linked, staying) == [kept]


async def test_an_upload_to_a_step_that_goes_meanwhile_is_given_up(
    linked: Linked, places: list[str]
) -> None:
    going = places[1]
    rest = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield bytes(1_000)
        await rest.wait()
        yield bytes(1_000)

    upload = asyncio.create_task(linked.http.put(f"{going}/f", content=slow()))
    await eventually(lambda: states(linked), lambda found: found == ["uploading"])
    await write_steps(linked, "DEMO-T1", "stays")
    assert (await sync(linked, going.split("/")[2])).status_code == 200
    rest.set()
    assert fault(await upload)[0] == 503
    assert await states(linked) == ["removing"]
