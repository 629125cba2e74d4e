"""The audit trail is readable: by the operator, and over HTTP with the scope admin."""

from kit.auth.principal import Scope
from tests.integration.tenancy.operator import console
from tests.integration.tenancy.world import OPERATOR_BY, World

URL = "/ostro/v1/tenancy/audit"


async def test_newest_first_in_pages_and_of_the_own_tenant_alone(world: World) -> None:
    tenant, other = await world.plain_tenant(), await world.plain_tenant()
    admin = await world.token(tenant, Scope.ADMIN)
    await world.token(other, Scope.READ)
    world.clock.advance(seconds=10)
    since = world.clock.now().isoformat()
    await world.http.post("/ostro/v1/tenancy/projects", json={"key": "DEMO"}, headers=admin)
    project = await world.core.projects.get(tenant, "DEMO")
    world.clock.advance(seconds=1)
    await world.core.projects.switch(tenant, "DEMO", OPERATOR_BY, enabled=False)

    page = (await world.http.get(URL, headers=admin, params={"maxResults": 3})).json()
    assert (page["total"], page["isLast"]) == (4, False)
    assert [(row["action"], row["subject"], row["actor"]) for row in page["values"]] == [
        ("project.disabled", str(project.id), "operator"),
        ("project.enabled", str(project.id), "token"),
        ("token.created", page["values"][1]["tokenId"], "operator"),
    ]
    assert page["values"][1]["accountId"] == "557058:acc"
    rest = (await world.http.get(page["next"], headers=admin)).json()
    assert [row["action"] for row in rest["values"]] == ["tenant.created"]
    late = (await world.http.get(URL, headers=admin, params={"since": since})).json()
    assert late["values"] == page["values"][:2]
    bad = await world.http.get(URL, headers=admin, params={"since": "yesterday"})
    assert (bad.status_code, "since" in bad.json()["message"]) == (400, True)

    async with console(world.installation) as operator:
        shown = await operator.run("audit", "--tenant", tenant, "--limit", "2", "--since", since)
        assert (shown.code, shown.err) == (0, "")
        assert [row[1] for row in shown.rows] == ["project.disabled", "project.enabled"]
        first = await operator.run("audit", "--tenant", tenant, "--limit", "1")
        assert "3 older ones" in first.err
        for arguments in (("--since", "yesterday"), ()):
            failed = await operator.run("audit", "--tenant", "nobody", *arguments)
            assert (failed.code, failed.out) == (1, "")
            assert "Traceback" not in failed.err


async def test_without_the_scope_admin_nothing_is_shown(world: World) -> None:
    tenant = await world.plain_tenant()
    reader = await world.token(tenant, Scope.READ, Scope.WRITE, Scope.RESULTS)
    assert (await world.http.get(URL, headers=reader)).status_code == 403
    assert (await world.http.get(URL)).status_code == 401
