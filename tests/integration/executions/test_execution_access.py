"""Who may record test executions, and which of them are unknown."""

from typing import Any

import httpx

from contracts.permissions import Entity, Right
from kit.auth.principal import Scope
from kit.service import Role
from tests.harness.grants import to_user
from tests.harness.installation import free_port
from tests.harness.system import service
from tests.harness.tenancy_world import ACCOUNT
from tests.integration.executions.linking import House, Linked, fault
from tests.integration.executions.running import (
    case_with,
    post,
    put_steps,
    run,
    shown,
    steps_of,
    sync,
)


async def every_way(linked: Linked, name: int | str) -> list[httpx.Response]:
    """Ask for an execution in every way that there is."""
    path = f"/testexecutions/{name}"
    return [
        await linked.http.put(path, json={"comment": "x"}),
        await linked.http.get(f"{path}/teststeps"),
        await put_steps(linked, name, {"actualResult": "x"}),
        await sync(linked, name),
    ]


async def test_unknown_ones(linked: Linked) -> None:
    upload = await linked.by_hand()
    hidden = await linked.house.database["test_executions"].find_one(
        {"tenant": linked.tenant, "upload": upload.context.upload}
    )
    assert hidden is not None
    names: list[tuple[Any, int]] = [
        ("DEMO-E99", 404),
        ("NOPE-E1", 404),
        ("77", 404),
        (str(2**63), 404),
        ("9" * 400, 404),
        (hidden["id"], 404),
        ("DEMO", 400),
        ("demo-e", 400),
    ]
    for name, status in names:
        for answer in [
            *await every_way(linked, name),
            await linked.http.get(f"/testexecutions/{name}"),
        ]:
            assert fault(answer)[0] == status, name
    assert await linked.document("test_executions", hidden["id"]) == hidden


async def test_rights(linked: Linked) -> None:
    """Recording needs the right to execute, and no other; reading steps needs the one to view."""
    await linked.make("testcycles")
    await case_with(linked)
    ident = await run(linked)

    async def statuses() -> list[int]:
        made, answers = await post(linked), await every_way(linked, ident)
        for answer in await every_way(linked, "DEMO-E99"):
            assert answer.status_code in {403, 404}
        return [made.status_code, *(a.status_code for a in answers)]

    others = (
        to_user(ACCOUNT, Entity.TEST_CASE, *Right),
        to_user(ACCOUNT, Entity.TEST_CYCLE, *Right),
        to_user(ACCOUNT, Entity.TEST_EXECUTION, Right.VIEW, Right.EDIT, Right.CREATE),
    )
    await linked.permit(*others)
    assert await statuses() == [403, 403, 200, 403, 403]
    await linked.permit(to_user(ACCOUNT, Entity.TEST_EXECUTION, Right.EXECUTE))
    await linked.until(f"/testexecutions/{ident}", 403)
    # the run that was made a moment ago froze this one
    assert await statuses() == [201, 200, 403, 409, 409]


async def test_a_token_that_only_uploads_records_none(linked: Linked) -> None:
    await linked.make("testcycles")
    await case_with(linked)
    ident = await run(linked)
    for scopes, expected in (
        ([Scope.RESULTS], [403, 403, 403, 403, 403]),
        ([Scope.READ], [403, 403, 200, 403, 403]),
    ):
        held = await linked.as_(scopes=scopes)
        answers = [await post(held), *await every_way(held, ident)]
        assert [a.status_code for a in answers] == expected


async def test_another_tenants_things_are_unknown(house: House) -> None:
    mine = await house.linked()
    twin = await house.linked(project=mine.project.id)
    await mine.make("testcycles")
    await case_with(mine, "one")
    ident = await run(mine)
    before = await shown(mine, ident), await steps_of(mine, ident)
    for name in (ident, "DEMO-E1"):
        for answer in await every_way(twin, name):
            assert fault(answer)[0] == 404
    assert fault(await post(twin))[0] == 404
    await twin.make("testcycles")
    assert fault(await post(twin))[0] == 404
    await case_with(twin, "theirs")
    assert await run(twin) == ident
    assert [s["inline"]["description"] for s in await steps_of(twin, ident)] == ["theirs"]
    assert (await shown(mine, ident), await steps_of(mine, ident)) == before


async def test_a_case_whose_owner_is_down_is_not_unknown(house: House) -> None:
    """Nothing is recorded, and what is there goes on."""
    linked = await house.linked()
    await linked.make("testcycles")
    await case_with(linked)
    ident = await run(linked)
    port, nobody = free_port(), "http://127.0.0.1:1"
    elsewhere: dict[str, Any] = {
        "http_port": port,
        "internal_port": free_port(),
        "testcases_url": nobody,
    }
    headers = house.world.headers(linked.tenant)
    async with (
        service(house.installation, "executions", role=Role.API, **elsewhere),
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}/v2", headers=headers, trust_env=False
        ) as http,
    ):
        cut = Linked(house, linked.tenant, linked.project, http)
        await cut.until("/testexecutions", 200, projectKey="DEMO")
        for answer in (await post(cut), await sync(cut, ident)):
            status, message = fault(answer)
            assert (status, "testcases" in message) == (503, True), message
            assert answer.headers["retry-after"]
        put = await put_steps(cut, ident, {"actualResult": "a"})
        assert put.status_code == 200, put.text
        assert (await http.get("/testexecutions")).json()["total"] == 1
