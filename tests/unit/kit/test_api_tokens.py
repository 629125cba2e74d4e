"""API tokens: the vendor's five refusals, forgeries, expiry, revocation, other cells."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from contracts.tenancy import TenantState, TenantStatus
from kit.auth.api_tokens import ApiTokens
from kit.auth.principal import Scope
from kit.errors import Forbidden, Misdirected, Unauthenticated
from tests.harness.fakes import START, ManualClock
from tests.unit.kit.directory import PRIVATE_PEM, PUBLIC_PEM, FixedDirectory

MISSING = "The Authorization header with a bearer token is missing."
PARTS = "The token must consist of three parts separated by dots."
BASE64 = "A part of the token is not valid base64."
JSON = "A part of the token is not valid JSON."
SIGNATURE = "The token's signature or issuer is not valid."
INVALID = "The token is not valid."


def claims(**changed: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "iss": "ostro",
        "sub": "t1",
        "iat": int(START.timestamp()),
        "exp": int((START + timedelta(days=365)).timestamp()),
        "jti": "tok1",
        "context": {"baseUrl": "https://x.example", "user": {"accountId": "acc"}},
        "ostro": {"tenant": "t1", "cell": "local", "scopes": ["read", "write"], "projects": [5]},
    }
    return {k: v for k, v in (found | changed).items() if v is not None}


def sign(payload: dict[str, Any], key: Any = PRIVATE_PEM, **header: Any) -> str:
    algorithm = header.pop("alg", "ES256")
    return jwt.encode(payload, key, algorithm=algorithm, headers={"kid": "k1"} | header)


def part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unsigned(header: dict[str, Any], payload: dict[str, Any], signature: str = "") -> str:
    return f"{part(json.dumps(header).encode())}.{part(json.dumps(payload).encode())}.{signature}"


def hs256_with_public_pem() -> str:
    import hashlib
    import hmac

    token = unsigned({"alg": "HS256", "kid": "k1"}, claims()).rstrip(".")
    return f"{token}.{part(hmac.new(PUBLIC_PEM, token.encode(), hashlib.sha256).digest())}"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def tokens(directory: FixedDirectory, clock: ManualClock) -> ApiTokens:
    return ApiTokens(directory, "local", clock)


async def refused(tokens: ApiTokens, token: str) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        await tokens.verify(f"Bearer {token}", public_api=True)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None
    return refusal.value.message


async def test_a_good_token_gives_its_principal(tokens: ApiTokens) -> None:
    found = await tokens.verify(f"bearer  {sign(claims())}", public_api=True)
    principal = found.principal
    assert (principal.tenant, principal.account_id, principal.token_id) == ("t1", "acc", "tok1")
    principal.require(Scope.WRITE)
    principal.require(Scope.ADMIN, Scope.READ)
    with pytest.raises(Forbidden, match="The token lacks the scope results or admin"):
        principal.require(Scope.RESULTS, Scope.ADMIN)
    assert principal.may_see(5)
    assert not principal.may_see(6)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "token"])
async def test_variant_1_header_missing(tokens: ApiTokens, header: str | None) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        await tokens.verify(header, public_api=True)
    assert refusal.value.message == MISSING


@pytest.mark.parametrize("token", ["a", "a.b", "a.b.c.d", "a.b." + "x" * 9000])
async def test_variant_2_not_three_parts(tokens: ApiTokens, token: str) -> None:
    assert await refused(tokens, token) == PARTS


@pytest.mark.parametrize("token", ["?.e30.x", "e30.a!b.x", "ü.e30.x", "e.e30.x"])
async def test_variant_3_not_base64(tokens: ApiTokens, token: str) -> None:
    assert await refused(tokens, token) == BASE64


@pytest.mark.parametrize(
    "raw", [b"not JSON", b"\xff\xfe", b"[]", b"7", b"", b"[" * 5000, b"9" * 5000]
)
async def test_variant_4_not_json(tokens: ApiTokens, raw: bytes) -> None:
    assert await refused(tokens, f"{part(raw)}.{part(b'{}')}.x") == JSON
    assert await refused(tokens, f"{part(b'{}')}.{part(raw)}.x") == JSON


FORGED: dict[str, Callable[[], str]] = {
    "alg none": lambda: unsigned({"alg": "none", "kid": "k1"}, claims()),
    "alg none in capitals": lambda: unsigned({"alg": "NONE", "kid": "k1"}, claims(), "eA"),
    "HS256 with the public key as secret": hs256_with_public_pem,
    "another key": lambda: sign(claims(), ec.generate_private_key(ec.SECP256R1())),
    "unknown kid": lambda: sign(claims(), kid="k2"),
    "kid of another type": lambda: unsigned({"alg": "ES256", "kid": ["k1"]}, claims(), "eA"),
    "no kid": lambda: unsigned({"alg": "ES256"}, claims(), "eA"),
    "critical extension": lambda: sign(claims(), crit=["x"], x=1),
    "changed payload": lambda: ".".join(
        [sign(claims()).split(".")[0], part(json.dumps(claims(jti="x")).encode()), "eA"]
    ),
    "cut signature": lambda: sign(claims())[:-8],
    "empty signature": lambda: sign(claims()).rsplit(".", 1)[0] + ".",
    "another issuer": lambda: sign(claims(iss="com.kanoah.test-manager")),
    "no issuer": lambda: sign(claims(iss=None)),
    "no expiry": lambda: sign(claims(exp=None)),
    "no token id": lambda: sign(claims(jti=None)),
    "no tenant": lambda: sign(claims(ostro={"cell": "local", "scopes": []})),
    "unknown scope": lambda: sign(
        claims(ostro={"tenant": "t1", "cell": "local", "scopes": ["root"]})
    ),
}


@pytest.mark.parametrize("name", FORGED)
async def test_variant_5_signature_or_issuer(tokens: ApiTokens, name: str) -> None:
    assert await refused(tokens, FORGED[name]()) == SIGNATURE


async def test_an_expired_token_is_refused_also_after_it_was_good(
    tokens: ApiTokens, clock: ManualClock
) -> None:
    token = sign(claims(exp=int((START + timedelta(seconds=20)).timestamp())))
    await tokens.verify(f"Bearer {token}", public_api=True)
    clock.advance(seconds=51)  # leeway for clocks that differ: 30 s
    assert await refused(tokens, token) == "The token has expired."


async def test_revocation_and_the_tenants_state_count_at_once(
    tokens: ApiTokens, directory: FixedDirectory
) -> None:
    token = sign(claims())
    await tokens.verify(f"Bearer {token}", public_api=True)
    directory.revoked = frozenset({"tok1"})
    assert await refused(tokens, token) == INVALID
    directory.revoked = frozenset()
    directory.tenants["t1"] = TenantState(
        tenant="t1", status=TenantStatus.UNINSTALLED, cell="local"
    )
    assert await refused(tokens, token) == INVALID
    directory.tenants.clear()
    assert await refused(tokens, token) == INVALID


async def test_a_retired_or_withdrawn_signing_key_ends_its_tokens_at_once(
    tokens: ApiTokens, directory: FixedDirectory, clock: ManualClock
) -> None:
    token = sign(claims())
    await tokens.verify(f"Bearer {token}", public_api=True)
    key = directory.keys["k1"]
    directory.keys["k1"] = key.model_copy(update={"retired_at": START + timedelta(seconds=5)})
    await tokens.verify(f"Bearer {token}", public_api=True)
    clock.advance(seconds=6)
    assert await refused(tokens, token) == SIGNATURE
    directory.keys.clear()
    assert await refused(tokens, token) == SIGNATURE


@pytest.mark.parametrize("in_token", [True, False])
async def test_a_tenant_of_another_cell_is_told_where_to_go(
    tokens: ApiTokens, directory: FixedDirectory, in_token: bool
) -> None:
    ours = {"tenant": "t1", "scopes": ["read"], "cell": "eu" if in_token else "local"}
    if not in_token:
        directory.tenants["t1"] = TenantState(tenant="t1", status=TenantStatus.ACTIVE, cell="eu")
    token = f"Bearer {sign(claims(ostro=ours))}"
    with pytest.raises(Unauthenticated) as vendor:
        await tokens.verify(token, public_api=True)
    with pytest.raises(Misdirected) as beside:
        await tokens.verify(token, public_api=False)
    assert vendor.value.headers == beside.value.headers == {"Ostro-Cell": "eu"}
    assert (vendor.value.message, beside.value.status) == (INVALID, 421)


async def test_the_public_api_answers_401_and_the_rest_421(
    http: httpx.AsyncClient, directory: FixedDirectory
) -> None:
    ours = {"tenant": "t1", "scopes": ["read"], "cell": "eu"}
    headers = {"authorization": f"Bearer {sign(claims(ostro=ours))}"}
    vendor = await http.get("/v2/me", headers=headers)
    assert (vendor.status_code, vendor.json()) == (401, {"error": INVALID})
    assert vendor.headers["ostro-cell"] == "eu"
    beside = await http.get("/ostro/v1/executions/me", headers=headers)
    assert beside.status_code == 421
    assert beside.json()["errorCode"] == 421


async def test_the_signature_is_checked_again_after_a_minute(
    tokens: ApiTokens, directory: FixedDirectory, clock: ManualClock
) -> None:
    token = sign(claims())
    await tokens.verify(f"Bearer {token}", public_api=True)
    other = ec.generate_private_key(ec.SECP256R1())
    resigned = sign(claims(), other)
    assert await refused(tokens, resigned) == SIGNATURE  # the verdict is the token's own
    clock.advance(seconds=61)
    await tokens.verify(f"Bearer {token}", public_api=True)


async def test_a_request_acts_for_its_caller(http: httpx.AsyncClient) -> None:
    far = int((datetime.now(UTC) + timedelta(days=1)).timestamp())
    headers = {"authorization": f"Bearer {sign(claims(exp=far))}"}
    assert (await http.get("/v2/acting", headers=headers)).json() == {"acting": True}
