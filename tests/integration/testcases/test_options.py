"""Statuses, priorities and environments over HTTP, and the defaults of a project."""

import asyncio
from typing import Any

import pytest

from contracts.testcases import DEFAULT_OPTIONS, FIRST_CUSTOM_OPTION_NUMBER, OptionType
from kit.clock import SystemClock
from kit.counters import Counters
from kit.ids import SystemIds
from kit.mongo import Database
from services.testcases.adapters.mongo.numbers import CounterNumbers
from services.testcases.adapters.mongo.options import OptionRepository
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.usecases.defaults import DefaultOptions
from services.testcases.usecases.options import Options
from tests.harness.polling import eventually
from tests.integration.testcases.site import Library, Site, fault

STATUS_FIELDS = {
    "id",
    "project",
    "name",
    "description",
    "index",
    "color",
    "archived",
    "default",
}
FIELDS = {
    "/statuses": STATUS_FIELDS,
    "/priorities": STATUS_FIELDS - {"archived"},
    "/environments": STATUS_FIELDS - {"color", "default"},
}
EXTRA: dict[str, dict[str, Any]] = {
    "/statuses": {"type": "TEST_EXECUTION"},
    "/priorities": {},
    "/environments": {},
}
FAMILIES = sorted(FIELDS)


async def test_a_project_has_its_defaults_with_ids_known_everywhere(site: Site) -> None:
    found: dict[int, Any] = {}
    for path in ("/statuses", "/priorities"):
        page = await site.read(path, projectKey="DEMO", maxResults=100)
        assert page["isLast"] is True
        assert all(set(o) == FIELDS[path] for o in page["values"])
        found |= {o["id"]: o for o in page["values"]}
    assert set(found) == {d.id(site.project) for d in DEFAULT_OPTIONS}
    for wanted in DEFAULT_OPTIONS:
        option = found[wanted.id(site.project)]
        assert option["name"] == wanted.name
        assert (option["index"], option["default"]) == (wanted.position, wanted.default)
        assert option["color"] == wanted.color
        assert option["description"] is None
        assert option["project"] == {
            "id": site.project,
            "self": site.url(f"/projects/{site.project}"),
        }
    assert (await site.read("/environments", projectKey="DEMO"))["values"] == []


async def test_statuses_are_filtered_by_type_and_an_empty_filter_is_none(site: Site) -> None:
    names = {}
    for kind in ("TEST_CASE", "TEST_PLAN", "TEST_CYCLE", "TEST_EXECUTION"):
        page = await site.read("/statuses", statusType=kind, maxResults=2)
        seen = [s["name"] for s in page["values"]]
        while not page["isLast"]:
            page = await site.read(
                "/statuses",
                statusType=kind,
                maxResults=2,
                startAt=page["startAt"] + page["maxResults"],
            )
            seen += [s["name"] for s in page["values"]]
        names[kind] = seen
    assert names["TEST_EXECUTION"] == ["Not Executed", "In Progress", "Pass", "Fail", "Blocked"]
    assert names["TEST_CASE"] == names["TEST_PLAN"] == ["Draft", "Deprecated", "Approved"]
    assert names["TEST_CYCLE"] == ["Not Executed", "In Progress", "Done"]
    assert (await site.read("/statuses", statusType=""))["total"] == 14
    assert fault(await site.get("/statuses", statusType="PRIORITY"))[0] == 400


@pytest.mark.parametrize("path", FAMILIES)
async def test_a_new_option_reads_back(site: Site, path: str) -> None:
    color = {} if path == "/environments" else {"color": "#AABBCC"}
    made = await site.create(path, name="Über", description="d", **color, **EXTRA[path])
    assert made == {
        "id": site.id(FIRST_CUSTOM_OPTION_NUMBER),
        "self": site.url(f"{path}/{made['id']}"),
    }
    option = await site.read(f"{path}/{made['id']}")
    assert set(option) == FIELDS[path]
    assert (option["name"], option["description"]) == ("Über", "d")
    assert option.get("color", "#AABBCC") == "#AABBCC"
    assert option["index"] == {"/statuses": 5, "/priorities": 3, "/environments": 0}[path]
    assert not option.get("default")
    listed = await site.read(path, projectKey="DEMO", maxResults=100)
    assert listed["values"][-1] == option
    # the other two know nothing of it
    for other in set(FAMILIES) - {path}:
        assert fault(await site.get(f"{other}/{made['id']}"))[0] == 404


@pytest.mark.parametrize("path", FAMILIES)
async def test_the_least_option_shows_every_field(site: Site, path: str) -> None:
    made = await site.create(path, name="n", description=None, **EXTRA[path])
    option = await site.read(f"{path}/{made['id']}")
    assert set(option) == FIELDS[path]
    assert option["description"] is None
    # the schema knows no colour that is null
    assert option.get("color", "#cfcfc4") == "#cfcfc4"


@pytest.mark.parametrize("path", FAMILIES)
@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": None},
        {"name": " "},
        {"name": "x" * 256},
        {"name": "n", "description": ""},
        {"name": "n", "description": "x" * 256},
        {"name": "n", "projectKey": "demo"},
    ],
)
async def test_what_an_option_must_not_say(
    untouched: Site, path: str, body: dict[str, Any]
) -> None:
    assert (await untouched.refused(path, **EXTRA[path], **body))[0] == 400


async def test_types_and_colors_that_are_none(site: Site) -> None:
    assert (await site.refused("/statuses", name="n"))[0] == 400
    assert (await site.refused("/statuses", name="n", type="PRIORITY"))[0] == 400
    for color in ("red", "#12", "#12345", "#GGGGGG", ""):
        assert (await site.refused("/priorities", name="n", color=color))[0] == 400
    await site.create("/priorities", name="n", color="#abc")


@pytest.mark.parametrize("path", FAMILIES)
async def test_a_name_is_taken_once_whatever_its_case(site: Site, path: str) -> None:
    await site.create(path, name="Mine", **EXTRA[path])
    status, message = await site.refused(path, name=" mINE ", **EXTRA[path])
    assert (status, "already used" in message) == (400, True)
    # another type or project has names of its own
    if path == "/statuses":
        await site.create(path, name="Mine", type="TEST_PLAN")
    other = await site.library.add_project(site.tenant, "OTHER")
    await other.create(path, name="Mine", **EXTRA[path])


async def test_of_many_who_want_one_name_one_gets_it(site: Site) -> None:
    body = {"projectKey": "DEMO", "name": "Chrome"}
    answers = await asyncio.gather(*(site.post("/environments", body) for _ in range(12)))
    assert sorted(a.status_code for a in answers) == [201] + [400] * 11
    assert (await site.read("/environments"))["total"] == 1


async def test_an_unknown_project_is_400_for_environments_and_404_for_the_rest(
    site: Site,
) -> None:
    narrow = site.as_(projects=[site.project % 1000 + 1])
    for path in FAMILIES:
        wanted = 400 if path == "/environments" else 404
        assert (await narrow.refused(path, name="n", **EXTRA[path]))[0] == wanted
        assert fault(await narrow.get(path, projectKey="DEMO"))[0] == 404


async def test_ids_that_name_nothing(site: Site) -> None:
    for path in FAMILIES:
        for ident in (1, site.id(99), site.id(5000), 2**53, 2**63 - 1):
            assert fault(await site.get(f"{path}/{ident}"))[0] == 404, (path, ident)
        for nonsense in ("x", "0", "-1", str(2**63)):
            assert fault(await site.get(f"{path}/{nonsense}"))[0] == 400, (path, nonsense)


async def test_defaults_are_there_when_the_project_is(library: Library, stored: Database) -> None:
    """The consumer makes them without anybody asking, once, whatever is repeated."""
    name = await library.world.tenant()
    state = await library.world.project(name)

    async def made() -> int:
        return await stored["options"].count_documents({"tenant": name})

    await eventually(made, lambda n: n == len(DEFAULT_OPTIONS))
    for _ in range(3):
        await library.world.publish_project(name, state)
    marker = await library.world.project(name, "LATER")  # handled after the repeats

    async def later() -> int:
        return await stored["options"].count_documents({"tenant": name, "project": marker.id})

    await eventually(later, lambda n: n == len(DEFAULT_OPTIONS))
    rows = await stored["options"].find({"tenant": name, "project": state.id}).to_list(None)
    assert len(rows) == len(DEFAULT_OPTIONS)
    assert {row["rev"] for row in rows} == {1}


async def test_whoever_is_faster_than_the_consumer_finds_them_too(
    site: Site, stored: Database
) -> None:
    """As a process sees a project that it meets first: nothing remembered, nothing there."""
    tenant, project = "faster", 77
    store = OptionRepository(stored, Pending(SystemClock(), SystemIds()))
    numbers = CounterNumbers(Counters(stored["counters"]))
    makers = [Options(store, DefaultOptions(store, numbers), numbers) for _ in range(8)]
    found = await asyncio.gather(
        *(m.of_project(tenant, project, tuple(OptionType)) for m in makers)
    )
    ids = {d.id(project) for d in DEFAULT_OPTIONS}
    assert all({o.id for o in options} == ids for options in found)
    # half-made, as a crash leaves them: the marker is missing
    await stored["projects"].delete_one({"_id": f"{tenant}/{project}"})
    await stored["options"].delete_one({"tenant": tenant, "name": "Normal"})
    again = Options(store, DefaultOptions(store, numbers), numbers)
    assert {o.id for o in await again.of_project(tenant, project, tuple(OptionType))} == ids


async def test_other_services_get_all_options_of_a_project(site: Site) -> None:
    await site.create("/environments", name="Chrome")
    options = await site.options()
    assert len(options) == len(DEFAULT_OPTIONS) + 1
    by_id = {o.id: o for o in options}
    for wanted in DEFAULT_OPTIONS:
        option = by_id[wanted.id(site.project)]
        assert (option.name, option.type) == (wanted.name, wanted.type)
        assert (option.default, option.index) == (wanted.default, wanted.position)
    assert [o.name for o in options if o.type is OptionType.ENVIRONMENT] == ["Chrome"]
