"""An operator gives the data of a former tenant to what is on its site after an import."""

import pytest

from kit.auth.principal import Scope
from kit.errors import Conflict, NotFound
from tests.harness.polling import eventually
from tests.integration.tenancy.forge_site import ForgeSite, join
from tests.integration.tenancy.jira_site import JiraSite
from tests.integration.tenancy.world import OPERATOR_BY, World


async def after_an_import(world: World) -> tuple[JiraSite, JiraSite, str, str]:
    """Return both client keys' sites, the former tenant and the new one."""
    site, former = await world.installed()
    world.clock.advance(seconds=1)
    newcomer = JiraSite(world.keys, world.clock, world.base, site.base_url)
    _, new = await world.installed(newcomer)
    return site, newcomer, former, new


async def code(world: World, headers: dict[str, str]) -> int:
    return (await world.http.get("/v2/healthcheck", headers=headers)).status_code


async def test_the_former_tenant_goes_on_with_the_new_client_key(world: World) -> None:
    site, former = await world.installed()
    headers = await world.token(former, Scope.READ)
    world.clock.advance(seconds=1)
    newcomer = JiraSite(world.keys, world.clock, world.base, site.base_url)
    _, new = await world.installed(newcomer)
    forge = ForgeSite(world.keys, world.clock, world.servers_url)
    await join(world.database, new, forge)
    lent = {"authorization": forge.token(), "x-forge-oauth-system": "lent"}
    assert (await world.http.post("/forge/refresh", headers=lent)).status_code == 204
    await eventually(lambda: code(world, headers), lambda found: found == 401)

    read = {"$set": {"facts.read_at": world.clock.now(), "facts.version": "1001.0.0"}}
    await world.database["tenants"].update_one({"_id": new}, read)
    adopted = await world.core.adoption.adopt(former, new, OPERATOR_BY)
    assert (adopted.id, adopted.status.value) == (former, "active")
    # what Jira says is read anew, and the former tenant's projects are compared with that site
    assert (adopted.facts.version, adopted.facts.read_at) == ("1001.0.0", None)
    await eventually(lambda: code(world, headers), lambda found: found == 200)
    # Jira's next calls reach it: with the secret that the new tenant had, and on rotation
    world.clock.advance(seconds=1)
    assert (await world.call(newcomer, "enabled")).status_code == 204
    newcomer.new_secret()
    assert (await world.installed(newcomer))[1] == former
    left = await world.core.tenant_store.get(new)
    assert left is not None
    assert (left.status.value, left.install, left.forge) == ("uninstalled", None, None)
    assert left.site_url is None
    at_the_site = [t.id for t in await world.core.tenants.all() if t.site_url == site.base_url]
    assert at_the_site == [former]
    row = await world.core.tenant_store.get(former)
    assert row is not None
    assert row.forge is not None
    assert row.forge.token is not None
    token = await world.core.vault.open(row.forge.token.sealed, row.forge.token.place(former))
    assert token.reveal() == b"lent"
    actions = {
        (entry["tenant"], entry["action"])
        async for entry in world.database["audit"].find({"actor": "operator"})
    }
    assert {(former, "tenant.adopted"), (new, "tenant.given-up")} <= actions


async def test_what_is_not_both_sides_of_an_import_stays_as_it_is(world: World) -> None:
    _, _, former, new = await after_an_import(world)
    _, elsewhere = await world.installed()
    plain = await world.plain_tenant()
    before = await world.stored()
    for one, other in ((new, former), (former, elsewhere), (former, plain), (former, former)):
        with pytest.raises(Conflict):
            await world.core.adoption.adopt(one, other, OPERATOR_BY)
    with pytest.raises(NotFound):
        await world.core.adoption.adopt(former, "nobody", OPERATOR_BY)
    assert await world.stored() == before


async def test_a_tenant_with_data_of_its_own_is_not_given_up(world: World) -> None:
    _, _, former, new = await after_an_import(world)
    await world.token(new, Scope.READ)
    before = await world.stored()
    with pytest.raises(Conflict, match="tokens of its own"):
        await world.core.adoption.adopt(former, new, OPERATOR_BY)
    assert await world.stored() == before


async def test_the_operators_word_links_a_site_that_takes_our_secret_no_more(
    world: World,
) -> None:
    _, tenant = await world.installed()
    forge = ForgeSite(world.keys, world.clock, world.servers_url)
    linked = await world.core.adoption.link(tenant, forge.cloud, OPERATOR_BY)
    assert linked.cloud_id == forge.cloud
    plain = await world.plain_tenant()
    with pytest.raises(Conflict):
        await world.core.adoption.link(plain, forge.cloud, OPERATOR_BY)
    await join(world.database, tenant, forge)
    with pytest.raises(Conflict, match="another cloud id"):
        await world.core.adoption.link(tenant, "another", OPERATOR_BY)
