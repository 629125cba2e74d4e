"""What an enforced scheme does here, with tenancy's states alone: nothing answers a question."""

import pytest

from contracts.permissions import Entity, Holder, Right
from contracts.tenancy import ProjectState
from tests.harness.grants import everything, to_group, to_role, to_user
from tests.harness.polling import eventually
from tests.harness.tenancy_world import ACCOUNT
from tests.integration.testcases.site import Library, Site, fault

pytestmark = pytest.mark.long

GROUP, ROLE = "g-testers", "10002"
_QUICK_SECONDS = 3
"""A second, and the way through Kafka on a busy machine."""


def state(site: Site) -> ProjectState:
    """The project as the site made it."""
    return ProjectState(
        id=site.project, jira_project_id=10_000 + site.project, key=site.key, enabled=True
    )


async def until_shut(site: Site) -> None:
    await site.until("/testcases", 403, projectKey=site.key)


@pytest.fixture
async def shut(library: Library) -> Site:
    """A site with a case and a folder, whose project is enforced and lets nobody do anything."""
    site = await library.site()
    folder = await site.create("/folders", name="f", folderType="TEST_CASE")
    await site.create("/testcases", name="one", folderId=folder["id"])
    await library.world.membership(site.tenant, groups=[GROUP], roles={site.project: [ROLE]})
    await library.world.permissions(site.tenant, state(site))
    await until_shut(site)
    return site


async def test_everything_named_is_forbidden_whether_it_is_there_or_not(shut: Site) -> None:
    said = (403, "You do not have permission to view test cases in this project.")
    for path in ("/testcases/DEMO-T1", "/testcases/DEMO-T99", "/testcases/DEMO-T1/versions/7"):
        assert fault(await shut.get(path)) == said
    for ident in (shut.id(1), shut.id(4000)):
        assert fault(await shut.get(f"/folders/{ident}")) == said
        assert fault(await shut.get("/testcases", folderId=ident)) == said
    for kind in ("statuses", "priorities", "environments"):
        for ident in (shut.id(1), shut.id(4000)):
            assert (await shut.get(f"/{kind}/{ident}")).status_code == 403
    for path, fields in (
        ("/testcases", {"name": "n"}),
        ("/testcases", {"name": "n", "folderId": shut.id(1)}),
        ("/folders", {"name": "n", "folderType": "TEST_CASE"}),
        ("/environments", {"name": "n"}),
    ):
        assert (await shut.refused(path, **fields))[0] == 403


async def test_lists_of_everything_leave_the_project_out(shut: Site) -> None:
    other = await shut.library.add_project(shut.tenant, "OPEN")
    await other.create("/testcases", name="seen")
    for path in ("/testcases", "/testcases/nextgen", "/folders", "/statuses", "/environments"):
        page = await shut.read(path, maxResults=100)
        assert {value["project"]["id"] for value in page["values"]} <= {other.project}
    assert [case["name"] for case in (await shut.read("/testcases"))["values"]] == ["seen"]


async def test_who_has_no_account_is_bound_by_scopes_and_projects_alone(shut: Site) -> None:
    assert (await shut.as_(account_id=None).get("/testcases/DEMO-T1")).status_code == 200


@pytest.mark.parametrize("holder", list(Holder))
async def test_a_grant_counts_within_a_second_and_so_does_its_end(
    shut: Site, holder: Holder
) -> None:
    world, project = shut.library.world, state(shut)
    ident = {Holder.USER: ACCOUNT, Holder.GROUP: GROUP, Holder.ROLE: ROLE}[holder]
    for grants, status in ((everything(holder, ident), 200), ([], 403)):
        await world.permissions(shut.tenant, project, *grants)
        await shut.until("/testcases/DEMO-T1", status, seconds=_QUICK_SECONDS)


async def test_what_a_user_is_a_member_of_counts_within_a_second_once_it_is_told(
    shut: Site,
) -> None:
    world = shut.library.world
    view = Entity.TEST_CASE, Right.VIEW
    await world.permissions(shut.tenant, state(shut), to_group(GROUP, *view), to_role(ROLE, *view))
    await shut.until("/testcases/DEMO-T1", 200)
    for membership, status in (
        ({"roles": {shut.project: []}}, 403),
        ({"groups": [GROUP], "roles": {shut.project: []}}, 200),
        ({"groups": ["other"], "roles": {shut.project: [ROLE]}}, 200),
        ({"groups": [GROUP], "active": False}, 403),
    ):
        await world.membership(shut.tenant, **membership)
        await shut.until("/testcases/DEMO-T1", status, seconds=_QUICK_SECONDS)


async def test_rights_are_told_apart(shut: Site) -> None:
    world = shut.library.world
    await world.permissions(
        shut.tenant,
        state(shut),
        to_user(ACCOUNT, Entity.TEST_CASE, Right.VIEW),
        to_user(ACCOUNT, Entity.CONFIGURATION, Right.CREATE),
    )
    await shut.until("/testcases/DEMO-T1", 200)
    assert (await shut.refused("/testcases", name="n"))[0] == 403
    assert (await shut.get("/statuses", projectKey="DEMO")).status_code == 403
    assert (
        await shut.post("/environments", {"projectKey": "DEMO", "name": "e"})
    ).status_code == 201


async def test_a_scheme_that_is_turned_off_forbids_nothing(shut: Site) -> None:
    await shut.library.world.permissions(shut.tenant, state(shut), enforced=False)
    await shut.until("/testcases/DEMO-T1", 200)
    # nobody is looked up for it
    assert (await shut.as_(account_id="stranger").get("/testcases/DEMO-T1")).status_code == 200


async def test_who_is_not_known_while_tenancy_is_down_may_try_again(shut: Site) -> None:
    stranger = shut.as_(account_id="stranger")
    for path in ("/testcases/DEMO-T1", "/testcases"):
        answer = await stranger.get(path)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
    # whoever is known needs no tenancy
    world = shut.library.world
    await world.permissions(shut.tenant, state(shut), *everything(Holder.GROUP, GROUP))
    await shut.until("/testcases/DEMO-T1", 200)
    await world.membership(shut.tenant, "stranger", groups=[GROUP])

    async def known() -> int:
        return (await stranger.get("/testcases/DEMO-T1")).status_code

    await eventually(known, lambda status: status == 200)


async def test_an_enforced_project_is_shut_until_its_scheme_is_there(library: Library) -> None:
    site = await library.site()
    await library.world.publish_project(
        site.tenant, state(site).model_copy(update={"enforced": True})
    )
    await site.until("/testcases", 503, projectKey="DEMO")
    await library.world.membership(site.tenant)
    await library.world.permissions(site.tenant, state(site), *everything(Holder.USER, ACCOUNT))
    await site.until("/testcases", 200, projectKey="DEMO")
