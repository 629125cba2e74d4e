"""Permission schemes: who may read and set them, what is refused, and what is told of them."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.permissions import Entity, Grant, Holder, Right
from contracts.topics import PERMISSIONS_STATE, PROJECT_STATE
from kit.auth.principal import Scope
from services.tenancy.usecases.projects import Wanted
from services.tenancy.usecases.tokens import TokenRequest
from tests.harness.grants import everything, to_group, to_user
from tests.harness.polling import eventually
from tests.integration.tenancy.operator import Console, console
from tests.integration.tenancy.world import OPERATOR_BY, World

URL = "/ostro/v1/tenancy/projects/DEMO/permissions"
ME, YOU = "557058:me", "557058:you"
CONFIGURE = to_user(ME, Entity.CONFIGURATION, Right.VIEW, Right.EDIT)


def body(*grants: Grant, enforced: bool = True) -> dict[str, Any]:
    return {"enforced": enforced, "grants": [grant.model_dump(mode="json") for grant in grants]}


class Team:
    """A tenant without Jira: grants to users count there, too."""

    def __init__(self, world: World, tenant: str, project: int) -> None:
        self.world = world
        self.tenant = tenant
        self.project = project

    async def headers(
        self, account: str | None, *scopes: Scope, projects: list[str] | None = None
    ) -> dict[str, str]:
        request = TokenRequest("t", scopes, timedelta(days=1), projects, account)
        minted = await self.world.core.tokens.mint(self.tenant, request, OPERATOR_BY)
        return {"authorization": f"Bearer {minted.text}"}

    async def put(
        self, headers: dict[str, str], *grants: Grant, url: str = URL, **options: Any
    ) -> httpx.Response:
        enforced = options.pop("enforced", True)
        return await self.world.http.put(
            url, json=body(*grants, enforced=enforced), headers=headers, params=options
        )

    async def get(self, headers: dict[str, str], path: str = URL) -> httpx.Response:
        return await self.world.http.get(path, headers=headers)


@pytest.fixture
async def team(world: World) -> Team:
    tenant = await world.plain_tenant()
    project, _ = await world.core.projects.enable(tenant, Wanted("DEMO"), OPERATOR_BY)
    return Team(world, tenant, project.id)


async def test_nobody_has_set_any_then_an_administrator_does(team: Team) -> None:
    admin = await team.headers(None, Scope.ADMIN)
    assert (await team.get(admin)).json() == {"enforced": False, "grants": []}
    twice = (
        to_group("g-1", Entity.TEST_CASE, Right.VIEW),
        to_group("g-1", Entity.TEST_CASE, Right.EDIT, Right.VIEW),
    )
    answer = await team.put(admin, *twice, CONFIGURE)
    assert answer.status_code == 200, answer.text
    once = to_group("g-1", Entity.TEST_CASE, Right.VIEW, Right.EDIT)
    assert answer.json() == body(CONFIGURE, once)
    assert (await team.get(admin)).json() == answer.json()

    rows = await team.world.database["audit"].find({"tenant": team.tenant}).to_list(None)
    changed = [row for row in rows if row["action"] == "permissions.changed"]
    assert [row["subject"] for row in changed] == [str(team.project)]
    # again changes nothing
    assert (await team.put(admin, *twice, CONFIGURE)).status_code == 200
    found = await team.world.database["audit"].count_documents({"action": "permissions.changed"})
    assert found >= 1
    rows = await team.world.database["audit"].find({"tenant": team.tenant}).to_list(None)
    assert len([row for row in rows if row["action"] == "permissions.changed"]) == 1


async def test_schemes_are_published_with_the_projects_state(team: Team) -> None:
    admin = await team.headers(None, Scope.ADMIN)
    key = f"{team.tenant}/{team.project}"
    await team.put(admin, CONFIGURE)
    schemes = await eventually(lambda: team.world.newest(PERMISSIONS_STATE), lambda s: key in s)
    event = schemes[key]
    assert event is not None
    assert event.data.model_dump(mode="json") == {
        "project": team.project,
        **body(CONFIGURE),
    }
    projects = await team.world.newest(PROJECT_STATE)
    state = projects[key]
    assert state is not None
    assert state.data.enforced
    assert state.sequence == event.sequence
    # a change of the project keeps its scheme
    await team.world.core.projects.switch(team.tenant, "DEMO", OPERATOR_BY, enabled=False)
    assert (await team.get(admin)).json() == body(CONFIGURE)


@pytest.mark.parametrize(
    ("grant", "said"),
    [
        ({"entity": "test-suite"}, "entity"),
        ({"rights": ["view", "own"]}, "rights"),
        ({"rights": []}, "rights"),
        ({"holder": "everybody"}, "holder"),
        ({"id": ""}, "id"),
        ({"id": "x" * 129}, "id"),
        ({"id": "Marta Example"}, "no name"),
        ({"holder": "role", "id": "Administrators"}, "no name"),
        ({"holder": "group", "id": "jira software users"}, "no name"),
        ({"name": "Marta"}, "name"),
    ],
)
async def test_what_is_no_grant_is_refused(team: Team, grant: dict[str, Any], said: str) -> None:
    admin = await team.headers(None, Scope.ADMIN)
    good = CONFIGURE.model_dump(mode="json")
    answer = await team.world.http.put(
        URL, json={"enforced": False, "grants": [good, good | grant]}, headers=admin
    )
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert (await team.get(admin)).json()["grants"] == []


async def test_at_most_a_thousand_grants(team: Team) -> None:
    admin = await team.headers(None, Scope.ADMIN)
    many = [to_user(f"u-{n}", Entity.TEST_CASE, Right.VIEW) for n in range(1_000)]
    assert (await team.put(admin, *many, enforced=False)).status_code == 200
    refused = await team.put(admin, *many, CONFIGURE, enforced=False)
    assert refused.status_code == 400
    assert "1000" in refused.json()["message"]


async def test_a_scheme_that_nobody_could_change_is_forced_only(team: Team) -> None:
    admin = await team.headers(None, Scope.ADMIN)
    view = to_user(ME, Entity.CONFIGURATION, Right.VIEW)
    refused = await team.put(admin, view)
    assert (refused.status_code, "force" in refused.json()["message"]) == (400, True)
    assert (await team.put(admin, view, enforced=False)).status_code == 200
    assert (await team.put(admin, view, force=True)).status_code == 200
    # the way back
    assert (await team.put(admin, CONFIGURE)).status_code == 200


async def test_who_may_set_a_scheme(team: Team) -> None:
    admin = await team.headers(None, Scope.ADMIN)
    mine = await team.headers(ME, Scope.READ, Scope.WRITE)
    # nobody forbids it, but that is no right
    for headers in (mine, await team.headers(None, Scope.WRITE)):
        assert (await team.put(headers, CONFIGURE)).status_code == 403
    assert (await team.put(admin, CONFIGURE, enforced=False)).status_code == 200
    assert (await team.put(mine, CONFIGURE)).status_code == 403

    assert (await team.put(admin, CONFIGURE)).status_code == 200

    async def changes() -> int:
        return (await team.put(mine, CONFIGURE)).status_code

    await eventually(changes, lambda code: code == 200)
    for headers in (
        await team.headers(YOU, Scope.READ, Scope.WRITE),
        await team.headers(ME, Scope.READ),
        await team.headers(None, Scope.WRITE),
        await team.headers(ME, Scope.RESULTS),
    ):
        assert (await team.put(headers, CONFIGURE)).status_code == 403
    # and it may be given on, and lost, at once: nobody gives it back to itself
    assert (await team.put(mine, to_user(YOU, Entity.CONFIGURATION, Right.EDIT))).status_code == 200
    assert await changes() == 403


async def test_who_may_read_a_scheme(team: Team) -> None:
    admin = await team.headers(None, Scope.ADMIN)
    mine, yours = await team.headers(ME, Scope.READ), await team.headers(YOU, Scope.READ)
    assert (await team.put(admin, CONFIGURE)).status_code == 200

    async def yours_is() -> int:
        return (await team.get(yours)).status_code

    await eventually(yours_is, lambda code: code == 403)
    assert (await team.get(mine)).status_code == 200
    assert (await team.get(await team.headers(ME, Scope.WRITE))).status_code == 403
    await team.world.core.projects.enable(team.tenant, Wanted("OTHER"), OPERATOR_BY)
    elsewhere = await team.headers(ME, Scope.READ, projects=["OTHER"])
    for key in ("DEMO", "NONE"):
        found = await team.get(elsewhere, URL.replace("DEMO", key))
        assert found.status_code == 404
        assert found.json()["message"] == f"Project {key} does not exist or is not enabled."


async def test_projects_of_which_one_may_see_nothing_are_left_out(team: Team) -> None:
    admin = await team.headers(None, Scope.ADMIN)
    await team.world.core.projects.enable(team.tenant, Wanted("OPEN"), OPERATOR_BY)
    mine, yours = await team.headers(ME, Scope.READ), await team.headers(YOU, Scope.READ)
    await team.put(admin, to_user(ME, Entity.TEST_PLAN, Right.VIEW), CONFIGURE)

    async def listed(headers: dict[str, str]) -> set[str]:
        page = (await team.get(headers, "/v2/projects")).json()
        assert page["total"] == len(page["values"])
        return {project["key"] for project in page["values"]}

    await eventually(lambda: listed(yours), lambda keys: keys == {"OPEN"})
    assert await listed(mine) == {"OPEN", "DEMO"}
    for name in ("DEMO", team.project):
        refused = await team.get(yours, f"/v2/projects/{name}")
        assert refused.status_code == 403
        assert refused.json()["errorCode"] == 403
        assert (await team.get(mine, f"/v2/projects/{name}")).status_code == 200
    # the operator's token has no account: scopes and projects alone bind it
    assert await listed(await team.headers(None, Scope.READ)) == {"OPEN", "DEMO"}


async def test_the_scope_admin_does_not_bypass_a_scheme(team: Team) -> None:
    everything_else = await team.headers(YOU, *Scope)
    assert (await team.put(everything_else, CONFIGURE)).status_code == 200

    async def seen() -> int:
        return (await team.get(everything_else, "/v2/projects/DEMO")).status_code

    await eventually(seen, lambda code: code == 403)
    # what it may do is to give itself the right, and that is in the audit trail
    gift = everything(Holder.USER, YOU)
    assert (await team.put(everything_else, *gift)).status_code == 200
    await eventually(seen, lambda code: code == 200)


@pytest.fixture
async def operator(world: World) -> AsyncIterator[Console]:
    async with console(world.installation) as found:
        yield found


async def test_the_operator_shows_sets_and_enforces(
    team: Team, operator: Console, tmp_path: Path
) -> None:
    where = ("DEMO", "--tenant", team.tenant)
    file = tmp_path / "scheme.json"
    file.write_text(json.dumps(body(to_user(ME, Entity.TEST_CASE, Right.VIEW), enforced=False)))
    done = await operator.run("permissions", "set", *where, "--file", str(file))
    assert (done.code, done.err) == (0, "DEMO has 1 grants, not enforced\n")
    refused = await operator.run("permissions", "enforce", *where)
    assert (refused.code, "force" in refused.err) == (1, True)
    assert (await operator.run("permissions", "enforce", *where, "--force")).code == 0
    shown = await operator.run("permissions", "show", *where)
    assert json.loads(shown.out) == body(to_user(ME, Entity.TEST_CASE, Right.VIEW))
    assert (await operator.run("permissions", "enforce", *where, "--off")).code == 0
    assert not json.loads((await operator.run("permissions", "show", *where)).out)["enforced"]
    for text in ('{"enforced": true', '{"enforced": true, "grants": [{}]}'):
        file.write_text(text)
        failed = await operator.run("permissions", "set", *where, "--file", str(file))
        assert failed.code == 1
        assert "Traceback" not in failed.err
