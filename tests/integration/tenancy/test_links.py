"""Which tenant a Forge installation joins, and what proves it: a real MongoDB, a fake Jira."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contracts.tenancy import TenantStatus
from kit.errors import Forbidden, Unavailable
from kit.mongo import Database, ensure_indexes
from services.tenancy.adapters.mongo.indexes import INDEXES
from services.tenancy.domain.secret import Secret
from services.tenancy.domain.tenants import Tenant
from services.tenancy.usecases.credentials.forge_invocation import ForgeCall
from services.tenancy.usecases.forge import ForgeEvent, expiry
from tests.integration.tenancy.lives_model import BY, Answers, Call, Jira, Side, Site


@pytest.fixture
async def side(database: Database) -> Side:
    await ensure_indexes(database, INDEXES)
    return Side(database)


@pytest.fixture
def jira() -> Jira:
    return Jira()


async def told(side: Side, *calls: Call) -> None:
    """Deliver calls, with the site answering as it would at their time."""
    for call in calls:
        side.sites.answers = call.answers
        await call.run(side)


async def connect_installed(side: Side, jira: Jira, name: str = "a") -> Site:
    site = jira.sites[name]
    await told(side, *jira.act(site, "install"))
    return site


async def forge_installed(side: Side, jira: Jira, site: Site, *, bridged: bool = False) -> None:
    calls = jira.act(site, "install on forge")
    site.bridged = bridged
    await told(side, *(replace(call, answers=jira.answers()) for call in calls))


async def only(side: Side) -> Tenant:
    found = await side.store.all()
    assert len(found) == 1
    return found[0]


async def test_forge_joins_the_connect_tenant_whose_secret_the_site_takes(
    side: Side, jira: Jira
) -> None:
    site = await connect_installed(side, jira)
    before = await only(side)
    assert before.cloud_id is None
    await forge_installed(side, jira, site)
    after = await only(side)
    assert after.id == before.id
    assert (after.cloud_id, after.install) == (site.cloud, before.install)
    assert after.forge is not None
    assert after.forge.installation_id == site.forge
    assert await side.system_token(after) is not None


async def test_forge_joins_by_the_client_key_that_jira_keeps(side: Side, jira: Jira) -> None:
    site = await connect_installed(side, jira)
    calls = jira.act(site, "install on forge")
    assert site.forge is not None
    # the address is another one, so that nothing but the property can lead there
    by_cloud = {site.cloud: ("https://elsewhere.atlassian.net", site.keys[-1])}
    await told(side, *(replace(call, answers=Answers({}, by_cloud)) for call in calls))
    assert (await only(side)).forge is not None


async def test_forge_joins_the_tenant_whose_signed_payload_named_the_installation(
    side: Side, jira: Jira
) -> None:
    site = await connect_installed(side, jira)
    calls = jira.act(site, "install on forge")
    site.bridged = True
    await told(side, *jira.act(site, "update"))
    by_cloud = {site.cloud: ("https://elsewhere.atlassian.net", None)}
    await told(side, *(replace(call, answers=Answers({}, by_cloud)) for call in calls))
    assert (await only(side)).bridged


async def test_an_address_is_only_a_hint(side: Side, jira: Jira) -> None:
    """Somebody's install claims a site: without that site taking its secret it gets nothing."""
    site = await connect_installed(side, jira)
    calls = jira.act(site, "install on forge")
    site.bridged = False
    stranger = Answers({site.url: ("another secret", site.cloud)}, jira.answers().by_cloud)
    before = await only(side)
    with pytest.raises(Unavailable):
        await told(side, *(replace(call, answers=stranger) for call in calls))
    assert await only(side) == before
    # what Forge repeats is taken once the site does
    await told(side, *(replace(call, answers=jira.answers()) for call in calls))
    assert (await only(side)).forge is not None


async def test_a_site_that_says_it_is_another_gets_a_tenant_of_its_own(
    side: Side, jira: Jira
) -> None:
    site = await connect_installed(side, jira)
    calls = jira.act(site, "install on forge")
    site.bridged = False
    other = Answers({site.url: (site.secret, "another-cloud")}, jira.answers().by_cloud)
    await told(side, *(replace(call, answers=other) for call in calls))
    tenants = await side.store.all()
    assert sorted((t.install is None, t.forge is None) for t in tenants) == [
        (False, True),
        (True, False),
    ]
    assert {t.status for t in tenants} == {TenantStatus.ACTIVE}


async def test_an_installation_does_not_come_from_another_site(side: Side, jira: Jira) -> None:
    site = jira.sites["a"]
    await forge_installed(side, jira, site)
    before = await only(side)
    assert site.forge is not None
    site.cloud = "cloud-of-somebody-else"
    with pytest.raises(Forbidden):
        await told(side, jira.forge_call(site, ForgeEvent.REFRESH, site.forge))
    await told(side, jira.forge_call(site, None, site.forge))
    assert await only(side) == before


async def test_a_new_installation_without_a_token_is_told_again(side: Side, jira: Jira) -> None:
    call = _call(jira)
    with pytest.raises(Unavailable):
        await side.forge.called(ForgeEvent.INSTALLED, call, None, BY)
    assert await side.store.all() == []
    assert await side.database["site_claims"].count_documents({}) == 0


async def test_a_changed_installation_id_is_the_same_tenant(side: Side, jira: Jira) -> None:
    site = jira.sites["a"]
    await forge_installed(side, jira, site)
    before = await only(side)
    await told(side, *jira.act(site, "change installation"))
    after = await only(side)
    assert after.forge is not None
    assert (after.id, after.forge.installation_id) == (before.id, site.forge)


async def test_another_environment_of_the_app_is_another_tenant(side: Side, jira: Jira) -> None:
    site = jira.sites["a"]
    await forge_installed(side, jira, site)
    call = replace(_call(jira), environment_id="staging", installation_id="of-staging")
    await side.forge.called(ForgeEvent.INSTALLED, call, Secret(b"token"), BY)
    assert len(await side.store.all()) == 2


async def test_connect_after_forge_joins(side: Side, jira: Jira) -> None:
    site = jira.sites["a"]
    await forge_installed(side, jira, site)
    before = await only(side)
    assert (before.install, before.site_url) == (None, site.url)
    assert before.status is TenantStatus.ACTIVE
    await told(side, *jira.act(site, "install"))
    after = await only(side)
    assert after.id == before.id
    assert await side.client_key(after) == site.keys[-1]


async def test_two_apps_on_a_site_end_apart(side: Side, jira: Jira) -> None:
    site = await connect_installed(side, jira)
    await forge_installed(side, jira, site)
    await told(side, *jira.act(site, "uninstall"))
    assert (await only(side)).status is TenantStatus.ACTIVE
    await told(side, *jira.act(site, "uninstall from forge"))
    assert (await only(side)).status is TenantStatus.UNINSTALLED
    await told(side, *jira.act(site, "install"))
    assert (await only(side)).status is TenantStatus.ACTIVE


@pytest.mark.parametrize("lost", ["connect", "forge"])
async def test_a_bridged_app_ends_with_either_word(side: Side, jira: Jira, lost: str) -> None:
    site = await connect_installed(side, jira)
    await forge_installed(side, jira, site, bridged=True)
    await told(side, *jira.act(site, "update"))
    assert (await only(side)).bridged
    calls = [c for c in jira.act(site, "uninstall") if c.name != "disabled"]
    kept = [c for c in calls if c.name.startswith("forge") is (lost == "connect")]
    assert len(kept) == 1
    await told(side, *kept)
    assert (await only(side)).status is TenantStatus.UNINSTALLED


async def test_the_installation_follows_an_imported_site(side: Side, jira: Jira) -> None:
    site = await connect_installed(side, jira)
    await forge_installed(side, jira, site)
    first = await only(side)
    await told(side, *jira.act(site, "import"))
    orphan = await side.store.get(first.id)
    assert orphan is not None
    assert (orphan.status, orphan.forge) == (TenantStatus.UNINSTALLED, first.forge)

    await told(side, *jira.act(site, "refresh"))
    tenants = {await side.client_key(t): t for t in await side.store.all()}
    assert tenants[site.keys[0]].forge is None
    joined = tenants[site.keys[1]]
    assert joined.forge is not None
    assert (joined.status, joined.cloud_id) == (TenantStatus.ACTIVE, site.cloud)

    # and back when the site restores its own backup
    await told(side, *jira.act(site, "restore"), *jira.act(site, "refresh"))
    back = await side.store.get(first.id)
    assert back is not None
    assert back.forge is not None
    assert back.status is TenantStatus.ACTIVE


async def test_a_call_in_flight_does_not_bring_an_uninstalled_app_back(
    side: Side, jira: Jira
) -> None:
    site = jira.sites["a"]
    await forge_installed(side, jira, site)
    installation = site.forge
    assert installation is not None
    await told(side, *jira.act(site, "uninstall from forge"))
    await told(side, jira.forge_call(site, ForgeEvent.REFRESH, installation))
    assert (await only(side)).status is TenantStatus.UNINSTALLED
    jira.pass_time(400)
    await told(side, jira.forge_call(site, ForgeEvent.REFRESH, installation))
    assert (await only(side)).status is TenantStatus.ACTIVE


async def test_a_refresh_leaves_no_audit_row(side: Side, jira: Jira) -> None:
    site = jira.sites["a"]
    await forge_installed(side, jira, site)
    jira.pass_time(3600)
    await told(side, *jira.act(site, "refresh"))
    rows = await side.database["audit"].find({}).to_list(None)
    assert [row["action"] for row in rows] == ["app.forge-installed"]


def test_a_system_token_ends_when_it_says_or_after_55_minutes() -> None:
    at = int(datetime(2026, 11, 24, tzinfo=UTC).timestamp())

    def token(claims: object) -> Secret:
        middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
        return Secret(b"e30." + middle + b".x")

    after_55_minutes = datetime.fromtimestamp(at, UTC) + timedelta(minutes=55)
    assert expiry(token({"exp": at + 600}), at) == datetime.fromtimestamp(at + 600, UTC)
    for odd in ({}, {"exp": "soon"}, {"exp": True}, {"exp": -1}, [1], "text"):
        assert expiry(token(odd), at) == after_55_minutes
    for opaque in (b"opaque", b"a.b.c", b"a.\xff.c", b"..", b"a.b.c.d"):
        assert expiry(Secret(opaque), at) == after_55_minutes
    assert expiry(token({"exp": 10**18}), at) > after_55_minutes


def _call(jira: Jira) -> ForgeCall:
    site = jira.sites["a"]
    return ForgeCall(
        installation_id="one",
        cloud_id=site.cloud,
        api_base_url=f"https://api.atlassian.com/ex/jira/{site.cloud}",
        environment_id="production",
        environment_type="PRODUCTION",
        app_id="ari:cloud:ecosystem::app/1",
        account_id=None,
        issued_at=int(datetime(2027, 1, 1, tzinfo=UTC).timestamp()),
        expires_at=int(datetime(2027, 1, 2, tzinfo=UTC).timestamp()),
        jti="jti",
        digest="digest",
        module=None,
    )
