"""What tenancy answers to the other services out of Jira: issues, users, permissions."""

from collections.abc import AsyncIterator

import httpx
import pytest

from contracts.internal import (
    IssuesAnswer,
    IssuesRequest,
    PermissionCheckAnswer,
    PermissionCheckRequest,
    UsersAnswer,
    UsersRequest,
)
from devstack.jira import demo
from kit.errors import InvalidInput, NotFound, Unavailable
from services.tenancy.usecases.issues import Issues, JiraIssue
from services.tenancy.usecases.jira import JiraSite
from tests.harness.installation import Installation
from tests.harness.polling import eventually
from tests.integration.tenancy.standin_house import House, standin_house


@pytest.fixture(scope="module")
async def running_house(installation: Installation) -> AsyncIterator[House]:
    async with standin_house(installation) as found:
        yield found


@pytest.fixture
async def house(running_house: House) -> House:
    """The module's house a quarter of an hour later: nothing is remembered any more."""
    running_house.pass_time(900)
    running_house.standin.world.faults.clear()
    running_house.forget_calls()
    return running_house


async def issues(
    house: House, *keys: str, ids: tuple[int, ...] = ()
) -> dict[str, tuple[int, str, int]]:
    answer = await house.client.post(
        "/internal/v1/issues",
        IssuesRequest(keys=keys, ids=ids),
        IssuesAnswer,
        tenant=house.tenant,
    )
    return {one.asked: (one.id, one.key, one.project) for one in answer.issues}


async def test_issues_by_key_and_by_id(house: House) -> None:
    found = await issues(house, "demo-1", "DEMO-2", "DEMO-999", "NOPE-1", ids=(10003, 999999))
    assert found == {
        "DEMO-1": (10001, "DEMO-1", 10000),
        "DEMO-2": (10002, "DEMO-2", 10000),
        "10003": (10003, "DEMO-3", 10000),
    }
    # ids and keys only are asked for
    assert {target.split("?")[1] for target, _ in house.calls()} == {"fields=project"}


async def test_what_cannot_be_a_key_is_unknown_without_asking(house: House) -> None:
    odd = ("../project/DEMO", "DEMO-1/../2", "DEMO", "DEMO-0", "DEMO-1?x", "ß-1", "DEMO-1%2e", "")
    assert await issues(house, *odd, ids=(0, -5)) == {}
    assert house.calls() == []


async def test_a_moved_issue_has_its_new_key(house: House) -> None:
    await house.control("projects", project={"id": 10500, "key": "SHOP", "name": "Shop"})
    await house.control("issues", issue={"id": 10005, "project_id": 10500})
    assert await issues(house, "DEMO-5") == {"DEMO-5": (10005, "SHOP-1", 10500)}


async def test_what_the_app_may_not_see_is_unknown(house: House) -> None:
    house.site.issues[10004].hidden = True
    assert await issues(house, "DEMO-4", ids=(10004,)) == {}
    house.site.issues[10004].hidden = False
    assert await issues(house, "DEMO-4") == {"DEMO-4": (10004, "DEMO-4", 10000)}


async def test_what_is_known_is_remembered_for_a_minute(house: House) -> None:
    await issues(house, "DEMO-1", "DEMO-999")
    await issues(house, "DEMO-1", "DEMO-999")
    # an unknown one is asked for again: it may have been made since
    assert len(house.calls("DEMO-1?")) == 1
    assert len(house.calls("DEMO-999")) == 2
    house.pass_time(60)
    await issues(house, "DEMO-1")
    assert len(house.calls("DEMO-1?")) == 2


async def test_nothing_of_issues_or_names_is_stored(house: House) -> None:
    await issues(house, "DEMO-1", "DEMO-2")
    await names(house, demo.TESTER)
    stored = str(await house.world.stored())
    for trace in ("DEMO-1", "saved card", "Dvořák"):
        assert trace not in stored


async def test_a_hundred_issues_and_no_more(house: House) -> None:
    many = tuple(f"DEMO-{number}" for number in range(1, 101))
    assert len(await issues(house, *many)) in {4, 5}
    with pytest.raises(InvalidInput):
        await issues(house, *many, ids=(1,))


async def names(house: House, *account_ids: str) -> dict[str, str]:
    answer = await house.client.post(
        "/internal/v1/users",
        UsersRequest(account_ids=account_ids),
        UsersAnswer,
        tenant=house.tenant,
    )
    return {one.account_id: one.display_name for one in answer.users}


async def test_names_pass_through(house: House) -> None:
    found = await names(house, demo.TESTER, "nobody", demo.CLOSED, "", demo.TESTER)
    assert found == {demo.TESTER: "Tomáš Dvořák", demo.CLOSED: "Former user"}
    await names(house, demo.TESTER)
    assert len(house.calls("user/bulk")) == 1
    house.pass_time(120)
    await names(house, demo.TESTER)
    assert len(house.calls("user/bulk")) == 2
    with pytest.raises(InvalidInput):
        await names(house, *(f"account-{number}" for number in range(201)))


async def test_more_names_than_a_page_holds(house: House) -> None:
    for number in range(60):
        await house.control(
            "users",
            user={"account_id": f"many-{number}", "display_name": f"N{number}", "email": ""},
        )
    wanted = [f"many-{number}" for number in range(60)]
    assert await names(house, *wanted) == {one: f"N{one[5:]}" for one in wanted}


async def granted(
    house: House, account_id: str, *permissions: str, projects: tuple[int, ...] = (10000,)
) -> dict[str, tuple[int, ...]]:
    answer = await house.client.post(
        "/internal/v1/permission-check",
        PermissionCheckRequest(account_id=account_id, permissions=permissions, projects=projects),
        PermissionCheckAnswer,
        tenant=house.tenant,
    )
    return {one.permission: one.projects for one in answer.granted}


async def test_permissions_are_jiras_and_absence_is_denial(house: House) -> None:
    asked = ("BROWSE_PROJECTS", "ADMINISTER_PROJECTS")
    assert await granted(house, demo.TESTER, *asked, projects=(10000, 77)) == {
        "BROWSE_PROJECTS": (10000,)
    }
    both = {"BROWSE_PROJECTS": (10000,), "ADMINISTER_PROJECTS": (10000,)}
    assert await granted(house, demo.ADMIN, *asked) == both
    assert await granted(house, demo.CLOSED, *asked) == {}
    assert await granted(house, "nobody", *asked) == {}
    assert await granted(house, demo.ADMIN, "NO_SUCH_PERMISSION") == {}


@pytest.mark.parametrize("account_id", ["", " "])
async def test_permissions_of_nobody_are_not_those_of_the_app(
    house: House, account_id: str
) -> None:
    with pytest.raises(InvalidInput):
        await granted(house, account_id, "BROWSE_PROJECTS")
    with pytest.raises(InvalidInput):
        await granted(house, demo.ADMIN, "browse projects")
    assert house.calls() == []


async def test_a_permission_that_was_taken_counts_within_a_minute(house: House) -> None:
    assert await granted(house, demo.TESTER, "BROWSE_PROJECTS")
    house.site.users[demo.TESTER].groups.remove(demo.USERS)
    assert await granted(house, demo.TESTER, "BROWSE_PROJECTS")
    house.pass_time(60)
    assert await granted(house, demo.TESTER, "BROWSE_PROJECTS") == {}
    house.site.users[demo.TESTER].groups.append(demo.USERS)


async def test_groups_and_roles(house: House) -> None:
    jira = house.world.core.jira
    site = await jira.sites.get(house.tenant)
    groups = await jira.memberships.groups_of(site, demo.ADMIN)
    assert groups is not None
    assert len(groups) == 2
    assert await jira.memberships.groups_of(site, "nobody") is None
    assert await jira.memberships.is_active(site, demo.ADMIN)
    assert not await jira.memberships.is_active(site, demo.CLOSED)
    assert not await jira.memberships.is_active(site, "nobody")
    assert await jira.memberships.roles_of_project(site, 10000) == frozenset({"10002", "10003"})
    assert await jira.memberships.roles_of_project(site, 77) is None
    admins = await jira.memberships.role_actors(site, 10000, "10002")
    assert admins is not None
    assert (len(admins.accounts), len(admins.groups)) == (0, 1)
    assert admins.groups < groups
    members = await jira.memberships.role_actors(site, 10000, "10003")
    assert members is not None
    assert members.accounts == {demo.TESTER}
    for role in ("99", "../10002", ""):
        assert await jira.memberships.role_actors(site, 10000, role) is None
    assert await jira.memberships.role_actors(site, 77, "10002") is None


async def test_without_jira_there_is_nobody_to_ask(house: House) -> None:
    plain = await house.world.plain_tenant()
    for tenant in (plain, "nobody"):
        other = House(house.world, house.standin, house.jira, house.client, tenant)
        with pytest.raises(NotFound):
            await issues(other, "DEMO-1")
        with pytest.raises(NotFound):
            await names(other, demo.TESTER)
        with pytest.raises(NotFound):
            await granted(other, demo.TESTER, "BROWSE_PROJECTS")
    assert house.calls() == []


async def test_jira_down_is_503_and_never_unknown(house: House) -> None:
    await house.control("faults", status=503, times=None)
    for question in (issues(house, "DEMO-1"), names(house, demo.TESTER)):
        with pytest.raises(Unavailable):
            await question
    with pytest.raises(Unavailable):
        await granted(house, demo.TESTER, "BROWSE_PROJECTS")
    await house.jira.delete("/control/faults")

    async def answered() -> bool:
        try:
            return "DEMO-1" in await issues(house, "DEMO-1")
        except Unavailable:
            return False

    # a site that failed so often is left alone for a moment
    await eventually(answered, lambda back: back, seconds=5)


async def test_only_services_are_answered(house: House) -> None:
    url = str(house.world.settings.tenancy_url).rstrip("/")
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        for path in ("issues", "users", "permission-check"):
            assert (await http.post(f"/internal/v1/{path}", json={})).status_code == 401
        assert (await http.get("/internal/v1/jira")).status_code == 401


class Slow:
    """A Jira that knows every issue and takes its time; time passes for the answerer, too."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.seconds = 0.0

    async def find(self, site: JiraSite, id_or_key: str) -> JiraIssue | None:
        assert site.tenant == self._house.tenant
        self._house.pass_time(self.seconds)
        return JiraIssue(10001, id_or_key, 10000)


async def test_what_was_known_when_it_was_asked_stays_known_while_jira_is_slow(
    house: House,
) -> None:
    slow = Slow(house)
    found = Issues(house.world.core.jira.sites, slow, house.world.clock)
    assert len(await found.find(house.tenant, ["OLD-1"], [])) == 1
    house.pass_time(58)
    slow.seconds = 5
    both = await found.find(house.tenant, ["OLD-1", "NEW-1"], [])
    assert [one.asked for one in both] == ["OLD-1", "NEW-1"]
