"""Custom fields of cycles and executions: what an upload may say, and what is shown."""

from typing import Any

import pytest

from kit.mongo import connect
from tests.harness.backends import Backends
from tests.harness.operator import Operator
from tests.harness.polling import eventually
from tests.integration.executions.conftest import Site
from tests.integration.executions.uploading import JUNIT, every, send, uploaded

ADMIN = "http://ostro.test/ostro/v1/testcases/projects/DEMO/custom-fields"


async def define(site: Site, kind: str, name: str, **more: Any) -> dict[str, Any]:
    body = {"entity": "test-cycle", "type": kind, "name": name} | more
    answer = await site.http.post(ADMIN, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def cycle_with(site: Site, **values: Any) -> dict[str, Any]:
    answer = await send(site.http, JUNIT, cycle={"name": "c", "customFields": values})
    assert answer.status_code == 200, answer.text
    return await shown(site, answer.json()["testCycle"]["key"])


async def shown(site: Site, key: str) -> dict[str, Any]:
    found: dict[str, Any] = (await site.http.get(f"/testcycles/{key}")).json()
    return found


async def test_values_of_a_field_made_a_moment_ago_read_back_at_once(site: Site) -> None:
    await define(site, "SINGLE_LINE_TEXT", "Build.$no")
    await define(site, "MULTI_CHOICE_SELECT_LIST", "On", options=[{"name": "a"}, {"name": "b"}])
    await define(site, "USER_LIST", "Who")
    await define(site, "CHECKBOX", "Nightly")
    sent = {"Build.$no": "7", "On": ["b", "a"], "Who": "557058:x"}
    cycle = await cycle_with(site, **sent)
    assert cycle["customFields"] == sent | {"Nightly": False}
    for path in ("/testcycles", "/testcycles/nextgen"):
        page = (await site.http.get(path, params={"projectKey": "DEMO"})).json()
        assert [c["customFields"] for c in page["values"]] == [cycle["customFields"]]
    # without a word of them they are unset
    bare = await uploaded(site.http)
    assert (await shown(site, bare["key"]))["customFields"] == {
        "Build.$no": "",
        "On": None,
        "Who": None,
        "Nightly": False,
    }


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"Build": 7}, "Must"),
        ({"Must": None}, "Must"),
        ({"Must": 1, "Build": "7"}, "number"),
        ({"Must": 1, "build": 7}, "build"),
        ({"Must": 1, "On": "z"}, "z"),
    ],
)
async def test_what_breaks_a_rule_is_refused_and_leaves_nothing(
    site: Site, values: dict[str, Any], said: str
) -> None:
    await define(site, "NUMBER", "Build")
    await define(site, "NUMBER", "Must", required=True)
    await define(site, "SINGLE_CHOICE_SELECT_LIST", "On", options=[{"name": "a"}])
    answer = await send(site.http, JUNIT, cycle={"name": "c", "customFields": values})
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert await every(site.http, "/testcycles") == []
    assert await every(site.http, "/testcases") == []


async def test_an_upload_that_says_nothing_of_required_fields_is_taken(site: Site) -> None:
    await define(site, "NUMBER", "Must", required=True)
    cycle = await uploaded(site.http)

    async def values() -> Any:
        return (await shown(site, cycle["key"]))["customFields"]

    # a field without a value shows when the copy has heard of it
    assert await eventually(values, bool) == {"Must": None}


async def test_executions_show_their_fields_unset(site: Site) -> None:
    await define(site, "SINGLE_LINE_TEXT", "Note", entity="test-execution")
    await define(site, "NUMBER", "Load", entity="test-execution")
    cycle = await uploaded(site.http)

    async def runs() -> list[Any]:
        found = await every(site.http, "/testexecutions", testCycle=cycle["key"])
        one = await site.http.get(f"/testexecutions/{found[0]['key']}")
        return [run["customFields"] for run in [*found, one.json()]]

    found = await eventually(runs, all)
    assert all(values == {"Note": "", "Load": None} for values in found)


async def test_a_field_that_has_values_says_so_and_is_shown_no_more_once_it_is_removed(
    site: Site, servers: Backends, world: Operator
) -> None:
    made = await define(site, "NUMBER", "Build")
    cycle = await cycle_with(site, Build=7)
    path = f"{ADMIN}/{made['id']}"
    dry = (await site.http.delete(path, params={"dryRun": "true"})).json()
    assert dry == {"id": made["id"], "deleted": False, "values": 1}
    renamed = await site.http.put(path, json=made | {"name": "Number"})
    assert renamed.status_code == 200

    async def values() -> Any:
        return (await shown(site, cycle["key"]))["customFields"]

    await eventually(values, lambda found: found == {"Number": 7})
    assert (await site.http.delete(path)).json()["values"] == 1
    await eventually(values, lambda found: found == {})
    async with connect(servers.mongodb, world.installation.database("executions")) as database:

        async def left() -> int:
            return await database["test_cycles"].count_documents(
                {"tenant": site.tenant, "custom_fields.field": made["id"]}
            )

        await eventually(left, lambda count: count == 0)


async def test_another_tenants_fields_are_unknown(site: Site, other_site: Site) -> None:
    await define(site, "NUMBER", "Build")
    cycle = {"name": "c", "customFields": {"Build": 7}}
    answer = await send(other_site.http, JUNIT, cycle=cycle)
    assert answer.status_code == 400
    assert (await cycle_with(site, Build=7))["customFields"] == {"Build": 7}
