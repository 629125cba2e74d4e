"""Signing keys: the first, rotation, publication, what is sealed and what is wiped."""

import asyncio

import jwt
import pytest

from contracts.internal import SigningKeysAnswer
from contracts.topics import SIGNING_KEY_STATE
from kit.ids import SystemIds
from kit.mongo import Database, ensure_indexes
from services.tenancy.adapters.sealing.local_keys import LocalKeys
from services.tenancy.adapters.sealing.vault import EnvelopeVault
from services.tenancy.domain.secret import Secret
from services.tenancy.main import INDEXES, compose
from services.tenancy.usecases.ports import SealBroken
from tests.harness.polling import eventually
from tests.integration.tenancy.internal import internal_client
from tests.integration.tenancy.world import OPERATOR_BY, World


async def kid_of_new_token(world: World, tenant: str) -> str:
    text = (await world.token(tenant))["authorization"].partition(" ")[2]
    return str(jwt.get_unverified_header(text)["kid"])


async def published(world: World) -> list[str]:
    answer = await world.http.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=60"
    return [k["kid"] for k in answer.json()["keys"]]


async def test_rotation(world: World) -> None:
    # whatever another test published signs by now
    world.clock.advance(minutes=5)
    tenant = await world.plain_tenant()
    old_headers = await world.token(tenant)
    old = await kid_of_new_token(world, tenant)
    new = (await world.core.keys.rotate(OPERATOR_BY)).kid
    assert (await published(world))[-2:] == [old, new]
    states = await eventually(lambda: world.newest(SIGNING_KEY_STATE), lambda s: new in s)
    event = states[new]
    assert event is not None
    assert (event.tenantid, event.subject) == ("-", new)
    assert (event.data.not_before - world.clock.now()).total_seconds() == 300

    assert await kid_of_new_token(world, tenant) == old
    world.clock.advance(minutes=5)
    assert await kid_of_new_token(world, tenant) == new
    new_headers = await world.token(tenant)

    await world.core.upkeep.round()
    rows = {k.kid: k for k in await world.core.keys.all()}
    assert rows[old].private is None
    assert rows[new].private is not None
    for headers in (old_headers, new_headers):
        answer = await world.http.get("/v2/healthcheck", headers=headers)
        assert answer.status_code == 200

    async with internal_client(world, "executions") as client:
        keys = (await client.get("/internal/v1/signing-keys", SigningKeysAnswer)).keys
    retired = {k.kid: k.retired_at is not None for k in keys}
    assert (retired[old], retired[new]) == (True, False)

    # a token lives a year at most; then nothing needs the old key
    world.clock.advance(days=367)
    assert await published(world) == [new]


async def test_jwks_verifies_tokens(world: World) -> None:
    tenant = await world.plain_tenant()
    text = (await world.token(tenant))["authorization"].partition(" ")[2]
    keys = (await world.http.get("/.well-known/jwks.json")).json()["keys"]
    kid = jwt.get_unverified_header(text)["kid"]
    found = jwt.PyJWK(next(k for k in keys if k["kid"] == kid))
    options: jwt.types.Options = {"verify_iat": False, "verify_exp": False}
    claims = jwt.decode(text, found, algorithms=["ES256"], options=options)
    assert claims["ostro"]["tenant"] == tenant
    assert all("d" not in key for key in keys)


async def test_two_first_starts_make_one_key(world: World, database: Database) -> None:
    await ensure_indexes(database, INDEXES)
    cores = await asyncio.gather(
        *(compose(database, world.settings, world.clock, SystemIds()) for _ in range(4))
    )
    assert await database["signing_keys"].count_documents({}) == 1
    assert len({core.index.hash("x") for core in cores}) == 1
    rotated = await asyncio.gather(*(core.keys.rotate(OPERATOR_BY) for core in cores))
    assert await database["signing_keys"].count_documents({}) == 1 + len(rotated)
    for core in cores:
        await core.jira.close()


async def test_the_private_half_is_sealed_for_its_own_record(world: World) -> None:
    one = (await world.core.keys.all())[-1]
    two = await world.core.keys.rotate(OPERATOR_BY)
    assert one.private is not None
    assert two.private is not None
    assert (await world.core.vault.open(two.private, two.place)).reveal().startswith(b"-----BEGIN")
    with pytest.raises(SealBroken):
        await world.core.vault.open(one.private, two.place)
    with pytest.raises(SealBroken):
        await EnvelopeVault(LocalKeys(Secret(b"z" * 32))).open(two.private, two.place)
