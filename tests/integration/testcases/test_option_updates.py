"""PUT of statuses, priorities and environments: all is replaced, rules of the group hold."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from contracts.testcases import OptionType
from contracts.topics import OPTION_STATE
from kit.clock import SystemClock
from kit.ids import SystemIds
from kit.mongo import Database
from services.testcases.adapters.mongo.options import OptionRepository
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.domain.optionchanges import OptionUpdate, adjusted, replaced
from services.testcases.domain.options import NO_COLOR, Option
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.integration.testcases.site import Site, fault
from tests.integration.testcases.test_events import events_of
from tests.integration.testcases.test_options import EXTRA, FAMILIES

REQUIRED = {
    "/statuses": ("id", "project", "name", "index", "archived", "default"),
    "/priorities": ("id", "project", "name", "index", "default"),
    "/environments": ("id", "project", "name", "index"),
}


async def made(site: Site, path: str, name: str = "n") -> dict[str, Any]:
    color = {} if path == "/environments" else {"color": "#abcdef"}
    one = await site.create(path, name=name, description="d", **color, **EXTRA[path])
    found: dict[str, Any] = await site.read(f"{path}/{one['id']}")
    return found


async def put(site: Site, path: str, body: dict[str, Any], **changes: Any) -> httpx.Response:
    return await site.put(f"{path}/{body['id']}", body | changes)


@pytest.mark.parametrize("path", FAMILIES)
async def test_all_of_an_option_is_replaced(site: Site, path: str) -> None:
    before = await made(site, path)
    changes: dict[str, Any] = {"name": "Neu", "description": "other", "index": 40}
    if path != "/environments":
        changes |= {"color": "#001122", "default": True}
    answer = await put(site, path, before, **changes)
    assert (answer.status_code, answer.content) == (200, b"")
    assert await site.read(f"{path}/{before['id']}") == before | changes
    # the same once more changes nothing
    assert (await put(site, path, before, **changes)).status_code == 200
    assert await site.read(f"{path}/{before['id']}") == before | changes


@pytest.mark.parametrize("path", FAMILIES)
async def test_what_is_left_out_is_cleared(site: Site, path: str) -> None:
    before = await made(site, path)
    body = {name: before.get(name, False) for name in REQUIRED[path]}
    assert (await put(site, path, body)).status_code == 200
    after = await site.read(f"{path}/{before['id']}")
    assert after["description"] is None
    assert after.get("color", NO_COLOR) == NO_COLOR


@pytest.mark.parametrize("path", FAMILIES)
async def test_what_a_put_must_say_and_must_not(site: Site, path: str) -> None:
    before = await made(site, path)
    await made(site, path, "taken")
    other = await site.library.add_project(site.tenant, "OTHER")
    faults: list[dict[str, Any]] = [{name: None} for name in REQUIRED[path]]
    faults += [
        {"name": ""},
        {"name": "  "},
        {"name": "x" * 256},
        {"name": " TAKEN "},
        {"description": ""},
        {"index": -1},
        {"index": 1.5},
        {"index": False},
        {"index": "first"},
        {"index": 2**63},
        {"id": before["id"] + 1},
        {"project": {"id": other.project}},
        {"project": {"id": site.project % 1000 + 1}},
        {"project": site.project},
        {"project": {}},
    ]
    if path != "/environments":
        faults += [{"color": "red"}, {"default": "maybe"}]
    for wrong in faults:
        answer = await site.put(f"{path}/{before['id']}", before | wrong)
        assert fault(answer)[0] == 400, wrong
    for missing in REQUIRED[path]:
        body = {k: v for k, v in before.items() if k != missing}
        status, message = fault(await site.put(f"{path}/{before['id']}", body))
        assert (status, missing in message) == (400, True)
    url = f"/v2{path}/{before['id']}"
    answer = await site.library.http.put(url, content=b"{", headers=site.headers)
    assert fault(answer)[0] == 400
    assert await site.read(f"{path}/{before['id']}") == before


@pytest.mark.parametrize("path", FAMILIES)
async def test_an_option_that_is_not_there_or_of_another_family(site: Site, path: str) -> None:
    before = await made(site, path)
    for ident in (1, site.id(99), site.id(5000), 2**63 - 1):
        assert fault(await site.put(f"{path}/{ident}", before | {"id": ident}))[0] == 404
    for other in set(FAMILIES) - {path}:
        body = {"default": False, "archived": False} | before
        assert fault(await site.put(f"{other}/{before['id']}", body))[0] == 404
    narrow = site.as_(projects=[site.project % 1000 + 1])
    assert fault(await narrow.put(f"{path}/{before['id']}", before))[0] == 404
    assert fault(await site.put(f"{path}/x", before))[0] == 400


async def test_another_tenants_option_is_unknown(twins: tuple[Site, Site]) -> None:
    mine, other = twins
    for path in FAMILIES:
        before = await made(mine, path)
        answer = await put(other, path, before, name="stolen")
        assert fault(answer)[0] == 404
        assert await mine.read(f"{path}/{before['id']}") == before


async def test_an_index_moves_the_siblings(site: Site) -> None:
    page = await site.read("/priorities", projectKey="DEMO")
    high, normal, low = page["values"]
    assert (await put(site, "/priorities", high, index=2)).status_code == 200
    page = await site.read("/priorities", projectKey="DEMO")
    assert {o["name"]: o["index"] for o in page["values"]} == {"High": 2, "Normal": 0, "Low": 1}
    assert normal["id"] < low["id"]


async def test_there_is_one_default_and_it_may_be_given_up(site: Site) -> None:
    high, normal, _ = (await site.read("/priorities", projectKey="DEMO"))["values"]
    assert (await put(site, "/priorities", high, default=True)).status_code == 200
    assert await _defaults(site) == ["High"]
    case = await site.create("/testcases", name="c")
    assert (await site.read(f"/testcases/{case['key']}"))["priority"]["id"] == high["id"]
    assert (await put(site, "/priorities", normal, default=False)).status_code == 200
    assert await _defaults(site) == ["High"]
    assert (await put(site, "/priorities", high, default=False)).status_code == 200
    assert await _defaults(site) == []
    # the documented cause: no default, and no name either
    assert (await site.refused("/testcases", name="c"))[0] == 404
    await site.create("/testcases", name="c", priorityName="Low")


async def _defaults(site: Site) -> list[str]:
    page = await site.read("/priorities", projectKey="DEMO")
    return [o["name"] for o in page["values"] if o["default"]]


async def test_an_archived_status_is_frozen_and_nothing_takes_it(site: Site) -> None:
    page = await site.read("/statuses", projectKey="DEMO", statusType="TEST_CASE")
    draft, deprecated, _ = page["values"]
    status, message = fault(await put(site, "/statuses", draft, archived=True))
    assert (status, "default" in message) == (400, True)
    assert (await put(site, "/statuses", deprecated, archived=True)).status_code == 200
    assert (await site.refused("/testcases", name="c", statusName="Deprecated"))[0] == 404
    frozen = await site.read(f"/statuses/{deprecated['id']}")
    assert frozen["archived"] is True
    assert fault(await put(site, "/statuses", frozen, name="Other"))[0] == 400
    assert fault(await put(site, "/statuses", frozen, default=True))[0] == 400
    assert (await put(site, "/statuses", frozen)).status_code == 200
    assert (await put(site, "/statuses", frozen, archived=False, name="Old")).status_code == 200
    await site.create("/testcases", name="c", statusName="old")


async def test_a_write_scope_alone_is_enough_and_a_read_scope_is_not(site: Site) -> None:
    before = await made(site, "/priorities")
    assert (await put(site.as_(scopes=["read"]), "/priorities", before)).status_code == 403
    assert (await put(site.as_(scopes=["write"]), "/priorities", before)).status_code == 200


async def test_other_services_hear_of_every_option_that_changed(
    site: Site, installation: Installation
) -> None:
    high, normal, low = (await site.read("/priorities", projectKey="DEMO"))["values"]
    assert (
        await put(site, "/priorities", low, default=True, index=0, name="Least")
    ).status_code == 200

    async def told() -> dict[int, tuple[str, int, bool]]:
        events = await events_of(installation, OPTION_STATE, site.tenant)
        return {e.data.id: (e.data.name, e.data.index, e.data.default) for e in events}

    wanted = {
        low["id"]: ("Least", 0, True),
        high["id"]: ("High", 1, False),
        normal["id"]: ("Normal", 2, False),
    }
    await eventually(told, lambda found: wanted.items() <= found.items())


async def test_many_writers_at_once_lose_nothing_and_leave_one_default(site: Site) -> None:
    """Every writer wants the default, another place and a name of its own."""
    made_ = [await made(site, "/priorities", f"p{i}") for i in range(8)]
    wild = random.Random(7)

    async def write(body: dict[str, Any], place: int) -> None:
        answer = await put(
            site,
            "/priorities",
            body,
            name=f"{body['name']}!",
            default=place % 2 == 0,
            index=wild.randrange(12),
        )
        assert answer.status_code == 200, answer.text

    creating = [
        site.post("/priorities", {"projectKey": "DEMO", "name": f"late{i}"}) for i in range(4)
    ]
    await asyncio.gather(*(write(body, i) for i, body in enumerate(made_)), *creating)
    page = await site.read("/priorities", projectKey="DEMO", maxResults=100)
    assert {o["name"] for o in page["values"]} >= {f"p{i}!" for i in range(8)}
    assert sum(o["default"] for o in page["values"]) <= 1
    assert len({o["index"] for o in page["values"]}) == page["total"] == 15


async def test_processes_that_know_nothing_of_each_other_take_turns(
    site: Site, stored: Database
) -> None:
    """As many processes: no lock in memory is shared, only the database."""
    page = await site.read("/priorities", projectKey="DEMO")
    ids = [o["id"] for o in page["values"]]
    processes = [OptionRepository(stored, Pending(SystemClock(), SystemIds())) for _ in range(6)]
    kind = OptionType.PRIORITY

    async def claim(number: int, process: OptionRepository) -> None:
        def changed(group: Any) -> list[Option]:
            one = next(o for o in group if o.id == ids[number % 3])
            wanted = OptionUpdate(
                one.id, one.project, one.name, number % 3, f"{one.description}+", one.color, True
            )
            result = replaced(group, one.id, wanted)
            assert result is not None
            return result

        await process.change(site.tenant, site.project, kind, changed)

    group: Sequence[Option] = ()
    for _ in range(5):
        await asyncio.gather(*(claim(i, process) for i, process in enumerate(processes)))
        group = await processes[0].of_project(site.tenant, site.project, (kind,))
        assert sum(o.default for o in group) == 1
        assert len({o.index for o in group}) == 3
    # each option was written ten times, and not one write is missing
    assert [str(o.description).count("+") for o in group] == [10, 10, 10]


async def test_of_those_who_change_different_options_one_sees_what_the_other_did(
    site: Site, stored: Database
) -> None:
    """A group without a default: each writes its own option alone, so no two writes meet."""
    page = await site.read("/priorities", projectKey="DEMO")
    ids = [o["id"] for o in page["values"]]
    processes = [OptionRepository(stored, Pending(SystemClock(), SystemIds())) for _ in ids]
    kind = OptionType.PRIORITY

    async def claim(process: OptionRepository, ident: int, *, default: bool) -> None:
        def changed(group: Sequence[Option]) -> Sequence[Option]:
            return adjusted(group, ident, default=default, archived=None) or ()

        await process.change(site.tenant, site.project, kind, changed)

    for _ in range(8):
        for ident in ids:
            await claim(processes[0], ident, default=False)
        claims = zip(processes, ids, strict=True)
        await asyncio.gather(*(claim(p, i, default=True) for p, i in claims))
        group = await processes[0].of_project(site.tenant, site.project, (kind,))
        assert sum(o.default for o in group) == 1
