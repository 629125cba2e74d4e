"""API tokens over HTTP: minted, used, listed, revoked, expired."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest

from contracts.topics import TOKEN_REVOCATION_STATE, TOKEN_USE
from kit.auth.principal import Scope
from kit.clock import vendor_time
from kit.errors import NotFound
from kit.kafka.records import Record
from services.tenancy.consumers.token_use import TokenUseConsumer
from services.tenancy.usecases.tokens import TokenRequest
from tests.harness.polling import eventually
from tests.integration.tenancy.world import OPERATOR_BY, World

TOKENS = "/ostro/v1/tenancy/tokens"


def claims_of(text: str) -> dict[str, Any]:
    return jwt.decode(text, options={"verify_signature": False})


async def mint(world: World, headers: dict[str, str], **body: Any) -> httpx.Response:
    wanted = {"name": "ci", "scopes": ["read"], **body}
    return await world.http.post(TOKENS, json=wanted, headers=headers)


async def health(world: World, text: str) -> httpx.Response:
    return await world.http.get("/v2/healthcheck", headers={"authorization": f"Bearer {text}"})


async def test_minted_for_the_caller_in_the_vendors_shape(world: World) -> None:
    site, tenant = await world.installed()
    admin = await world.token(tenant)
    answer = await mint(world, admin, scopes=["write", "read"], expiresInDays=30)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    made = answer.json()
    now = int(world.clock.now().timestamp())
    assert claims_of(made["token"]) == {
        "iss": "ostro",
        "sub": site.client_key,
        "iat": now,
        "exp": now + 30 * 86_400,
        "jti": made["id"],
        "context": {
            "baseUrl": site.base_url,
            "user": {"accountId": "557058:acc", "tokenId": made["id"]},
        },
        "ostro": {
            "tenant": tenant,
            "cell": "local",
            "scopes": ["read", "write"],
            "projects": None,
        },
    }
    good = await health(world, made["token"])
    assert (good.status_code, good.content) == (200, b"")

    listed = (await world.http.get(TOKENS, headers=admin)).json()
    del made["token"]
    assert listed["total"] == 2
    assert made in listed["values"]
    assert all("token" not in row for row in listed["values"])
    usage = await eventually(lambda: world.usage(tenant), lambda u: len(u) == 3)
    created = [e.data for e in usage if e.data.name == "Created API token"]
    assert [c.account_id for c in created] == [None, "557058:acc"]


async def test_without_jira_the_base_url_is_ours(world: World) -> None:
    tenant = await world.plain_tenant()
    claims = claims_of((await world.token(tenant))["authorization"].partition(" ")[2])
    assert claims["sub"] == tenant
    assert claims["context"]["baseUrl"] == world.base


async def test_limited_to_projects(world: World) -> None:
    tenant = await world.plain_tenant()
    admin = await world.token(tenant)
    project = (
        await world.http.post("/ostro/v1/tenancy/projects", json={"key": "DEMO"}, headers=admin)
    ).json()
    made = (await mint(world, admin, projects=["DEMO"])).json()
    assert made["projects"] == ["DEMO"]
    assert claims_of(made["token"])["ostro"]["projects"] == [project["id"]]
    assert (await mint(world, admin, projects=["NOPE"])).status_code == 404
    assert (await mint(world, admin, projects=[])).status_code == 400
    refused = await mint(world, admin, projects=["DEMO"], scopes=["admin"])
    assert refused.status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "  "},
        {"name": None},
        {"name": "n" * 256},
        {"scopes": []},
        {"scopes": ["owner"]},
        {"scopes": None},
        {"expiresInDays": 0},
        {"expiresInDays": 366},
        {"expiresInDays": "soon"},
    ],
)
async def test_bad_requests(world: World, body: dict[str, Any]) -> None:
    tenant = await world.plain_tenant()
    answer = await mint(world, await world.token(tenant), **body)
    assert answer.status_code == 400
    assert answer.json()["errorCode"] == 400
    assert await world.database["tokens"].count_documents({"tenant": tenant}) == 1


@pytest.mark.parametrize("typo", ["project", "expiresInDay", "requests_per_minute", "accountId"])
async def test_a_misspelt_limit_gives_no_wider_token(world: World, typo: str) -> None:
    tenant = await world.plain_tenant()
    answer = await mint(world, await world.token(tenant), **{typo: ["DEMO"]})
    assert answer.status_code == 400
    assert answer.json()["message"] == f"{typo} is no field of this body"
    assert await world.database["tokens"].count_documents({"tenant": tenant}) == 1


async def test_a_value_in_place_of_a_name_is_not_repeated(world: World) -> None:
    secret = "s3cr3t-in-place-of-a-name"
    answer = await mint(world, await world.token(await world.plain_tenant()), **{secret: "x"})
    assert answer.json() == {
        "errorCode": 400,
        "message": "The request body has a field that is not known",
    }


async def test_a_revoked_token_is_worthless_within_a_second(world: World) -> None:
    tenant = await world.plain_tenant()
    admin = await world.token(tenant)
    made = (await mint(world, admin)).json()
    assert (await health(world, made["token"])).status_code == 200

    revoked = await world.http.delete(f"{TOKENS}/{made['id']}", headers=admin)
    assert (revoked.status_code, revoked.content) == (204, b"")
    # what was read of the tenant counts for under a second
    await eventually(
        lambda: health(world, made["token"]), lambda a: a.status_code == 401, seconds=1.5
    )
    body = (await health(world, made["token"])).json()
    assert body == {"error": "The token is not valid."}

    key = f"{tenant}/{made['id']}"
    states = await eventually(lambda: world.newest(TOKEN_REVOCATION_STATE), lambda s: key in s)
    event = states[key]
    assert event is not None
    assert event.data.token_id == made["id"]
    assert event.data.expires_at > event.data.revoked_at

    again = await world.http.delete(f"{TOKENS}/{made['id']}", headers=admin)
    assert again.status_code == 204
    actions = await world.database["audit"].find({"subject": made["id"]}).to_list(None)
    assert sorted(a["action"] for a in actions) == ["token.created", "token.revoked"]
    assert {a["account_id"] for a in actions} == {"557058:acc"}


async def test_a_revocation_is_forgotten_after_the_token_has_expired(world: World) -> None:
    tenant = await world.plain_tenant()
    admin = await world.token(tenant, life=timedelta(days=9))
    made = (await mint(world, admin, expiresInDays=2)).json()
    key = f"{tenant}/{made['id']}"
    await world.http.delete(f"{TOKENS}/{made['id']}", headers=admin)
    await eventually(lambda: world.newest(TOKEN_REVOCATION_STATE), lambda s: key in s)
    world.clock.advance(days=2)
    await world.core.upkeep.round()
    assert (
        await world.database["tokens"].count_documents({"id": made["id"], "forgotten": True}) == 0
    )
    world.clock.advance(days=1, seconds=1)
    await world.core.upkeep.round()
    await eventually(
        lambda: world.newest(TOKEN_REVOCATION_STATE), lambda s: key in s and s[key] is None
    )
    assert (await health(world, made["token"])).json() == {"error": "The token has expired."}


async def test_an_expired_token(world: World) -> None:
    tenant = await world.plain_tenant()
    headers = await world.token(tenant, life=timedelta(hours=1))
    assert (await world.http.get("/v2/healthcheck", headers=headers)).status_code == 200
    world.clock.advance(hours=1, seconds=31)
    answer = await world.http.get("/v2/healthcheck", headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"error": "The token has expired."})


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer x",
        "Bearer x.y",
        "Bearer a.b.c",
        "Bearer e30.e30.e30",
        "Basic abc",
        "Bearer " + "x" * 9000,
    ],
)
async def test_broken_tokens(world: World, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}
    for path in ("/v2/healthcheck", "/v2/projects", "/v2/projects/x", TOKENS):
        answer = await world.http.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.json().keys() == {"error"}


async def test_a_token_of_a_key_that_is_not_ours(world: World) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    tenant = await world.plain_tenant()
    text = (await world.token(tenant))["authorization"].partition(" ")[2]
    kid = jwt.get_unverified_header(text)["kid"]
    stranger = ec.generate_private_key(ec.SECP256R1())
    forged = jwt.encode(claims_of(text), stranger, algorithm="ES256", headers={"kid": kid})
    assert (await health(world, forged)).status_code == 401
    unknown = jwt.encode(claims_of(text), stranger, algorithm="ES256", headers={"kid": "k"})
    assert (await health(world, unknown)).status_code == 401


@pytest.mark.parametrize("scope", [Scope.READ, Scope.WRITE, Scope.RESULTS])
async def test_administration_needs_the_scope_admin(world: World, scope: Scope) -> None:
    tenant = await world.plain_tenant()
    headers = await world.token(tenant, scope)
    before = await world.stored()
    answers = [
        await mint(world, headers),
        await world.http.get(TOKENS, headers=headers),
        await world.http.delete(f"{TOKENS}/x", headers=headers),
    ]
    assert [a.status_code for a in answers] == [403] * 3
    assert await world.stored() == before


async def test_another_tenants_token_is_unknown(world: World) -> None:
    mine, yours = await world.plain_tenant(), await world.plain_tenant()
    theirs = (await mint(world, await world.token(yours))).json()
    headers = await world.token(mine)
    answer = await world.http.delete(f"{TOKENS}/{theirs['id']}", headers=headers)
    unknown = await world.http.delete(f"{TOKENS}/nope", headers=headers)
    assert answer.status_code == unknown.status_code == 404
    listed = (await world.http.get(TOKENS, headers=headers)).json()
    assert theirs["id"] not in str(listed)
    assert (await health(world, theirs["token"])).status_code == 200


async def test_a_person_sees_and_revokes_only_what_acts_for_them(world: World) -> None:
    tenant = await world.plain_tenant()
    tokens = world.core.tokens

    async def minted(account: str | None) -> str:
        request = TokenRequest("mine", [Scope.READ], timedelta(days=1), account_id=account)
        return (await tokens.mint(tenant, request, OPERATOR_BY)).token.id

    mine, later = await minted("a"), await minted("a")
    theirs, nobodys = await minted("b"), await minted(None)
    found = await tokens.of_account(tenant, "a")
    assert {t.id for t in found} == {mine, later}
    assert await tokens.of_account(await world.plain_tenant(), "a") == []
    for other in (theirs, nobodys, "unknown"):
        with pytest.raises(NotFound):
            await tokens.revoke(tenant, other, OPERATOR_BY, owner="a")
    assert (await tokens.revoke(tenant, mine, OPERATOR_BY, owner="a")).revoked_at is not None
    revoked = [t.id for t in await tokens.all(tenant) if t.revoked_at is not None]
    assert revoked == [mine]


async def test_the_list_says_when_a_token_was_last_used(world: World) -> None:
    tenant = await world.plain_tenant()
    admin = await world.token(tenant)
    made = (await mint(world, admin, requestsPerMinute=9)).json()
    assert (made["lastUsedAt"], made["requestsPerMinute"]) == (None, 9)
    assert claims_of(made["token"])["ostro"]["requestsPerMinute"] == 9

    async def row() -> dict[str, Any]:
        listed = (await world.http.get(TOKENS, headers=admin)).json()["values"]
        return next(r for r in listed if r["id"] == made["id"])

    good = await health(world, made["token"])
    assert good.headers["x-ratelimit-limit"] == "9"
    used = await eventually(row, lambda r: r["lastUsedAt"] is not None)
    assert used["lastUsedAt"] == vendor_time(world.clock.now())
    before = await world.database["tokens"].find_one({"id": made["id"]})
    assert before is not None

    # older ones, unknown ones and another tenant's change nothing; a clock ahead is brought back
    key, now = (tenant, made["id"]), world.clock.now()
    tokens = world.core.tokens
    await tokens.used({key: now - timedelta(hours=1), (tenant, "unknown"): now})
    await tokens.used({("nobody", made["id"]): now})
    assert await world.database["tokens"].find_one({"id": made["id"]}) == before
    assert await world.database["tokens"].count_documents({"id": "unknown"}) == 0
    await tokens.used({key: now + timedelta(days=3)})
    assert (await row())["lastUsedAt"] == vendor_time(now)


async def test_a_use_and_a_revocation_at_the_same_time_are_both_kept(world: World) -> None:
    tenant = await world.plain_tenant()
    admin = await world.token(tenant)
    tokens, database = world.core.tokens, world.database["tokens"]
    for _ in range(5):
        made = (await mint(world, admin)).json()
        key, now = (tenant, made["id"]), world.clock.now()
        uses = [tokens.used({key: now + timedelta(seconds=n - 9)}) for n in range(10)]
        await asyncio.gather(*uses[:5], tokens.revoke(*key, OPERATOR_BY), *uses[5:])
        row = await database.find_one({"id": made["id"]})
        assert row is not None
        assert (row["last_used_at"], row["rev"]) == (now, 2)
        assert row["revoked_at"] is not None


async def test_uses_that_cannot_be_read_are_parked(world: World) -> None:
    consumer = TokenUseConsumer(world.core.tokens)
    tenant = await world.plain_tenant()
    token = (await mint(world, await world.token(tenant))).json()["id"]

    def record(offset: int, value: bytes | None) -> Record:
        return Record(TOKEN_USE, 0, offset, b"k", value, {}, 0)

    def use(token: str, at: str) -> bytes:
        data = {"token_id": token, "used_at": at}
        envelope = {"id": "e", "source": "s", "type": TOKEN_USE.type, "subject": token}
        return json.dumps(
            {**envelope, "time": at, "tenantid": tenant, "sequence": 0, "data": data}
        ).encode()

    values = [
        b"no JSON",
        None,
        use(token, "2020-01-02T00:00:00Z"),
        use(token, "2020-01-01T00:00:00Z"),
        use("gone", "2020-01-01T00:00:00Z"),
    ]
    poison = await consumer.handle([record(n, value) for n, value in enumerate(values)])
    assert [p.record.offset for p in poison] == [0, 1]
    row = await world.database["tokens"].find_one({"id": token})
    assert row is not None
    assert row["last_used_at"].isoformat() == "2020-01-02T00:00:00+00:00"


@pytest.mark.parametrize("limit", [0, -1, 10**9, "many"])
async def test_a_limit_that_is_none(world: World, limit: object) -> None:
    tenant = await world.plain_tenant()
    answer = await mint(world, await world.token(tenant), requestsPerMinute=limit)
    assert answer.status_code == 400
    assert "requestsPerMinute" in answer.json()["message"]


async def test_many_at_once_and_pages(world: World) -> None:
    tenant = await world.plain_tenant()
    admin = await world.token(tenant)
    answers = await asyncio.gather(*(mint(world, admin, name=f"t{n}") for n in range(12)))
    assert {a.status_code for a in answers} == {201}
    page = (await world.http.get(f"{TOKENS}?maxResults=5&startAt=10", headers=admin)).json()
    assert (page["total"], len(page["values"]), page["isLast"]) == (13, 3, True)
    twice = await asyncio.gather(
        *(world.http.delete(f"{TOKENS}/{answers[0].json()['id']}", headers=admin) for _ in range(5))
    )
    assert {a.status_code for a in twice} == {204}
