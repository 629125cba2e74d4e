"""Tokens between services: one minute, one audience, the caller's own key."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from kit.auth.principal import Principal, Scope
from kit.auth.service_tokens import ServiceTokens
from kit.errors import Unauthenticated
from tests.harness.fakes import ManualClock


def private_pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def public_pem(key: Any) -> str:
    public = key.public_key()
    return str(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


KEYS = {name: Ed25519PrivateKey.generate() for name in ("executions", "testcases", "tenancy")}
PEERS = {name: public_pem(key) for name, key in KEYS.items()}
ACT = {"tenant": "t1", "account": None, "token": "tok", "scopes": ["read"], "projects": None}
PRINCIPAL = Principal("t1", None, "tok", frozenset({Scope.READ}), frozenset({1, 2}))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def of(service: str, clock: ManualClock) -> ServiceTokens:
    return ServiceTokens(service, private_pem(KEYS[service]), PEERS, clock)


@pytest.mark.parametrize("principal", [None, PRINCIPAL])
@pytest.mark.parametrize("tenant", [None, "t1"])
def test_the_caller_comes_through(
    clock: ManualClock, principal: Principal | None, tenant: str | None
) -> None:
    token = of("executions", clock).sign("tenancy", tenant, principal)
    caller = of("tenancy", clock).verify(token)
    assert (caller.service, caller.tenant, caller.principal) == ("executions", tenant, principal)


def test_another_audience_is_refused(clock: ManualClock) -> None:
    token = of("executions", clock).sign("tenancy", "t1", None)
    with pytest.raises(Unauthenticated):
        of("testcases", clock).verify(token)


@pytest.mark.parametrize(("seconds", "good"), [(69, True), (71, False), (-9, True), (-11, False)])
def test_it_lives_a_minute_give_or_take_the_clocks(
    clock: ManualClock, seconds: int, good: bool
) -> None:
    token = of("executions", clock).sign("tenancy", "t1", None)
    clock.advance(seconds=seconds)
    if good:
        of("tenancy", clock).verify(token)
    else:
        with pytest.raises(Unauthenticated):
            of("tenancy", clock).verify(token)


def forged(clock: ManualClock, key: Any, algorithm: str, **changed: Any) -> str:
    now = clock.now()
    claims = {
        "iss": "executions",
        "aud": "tenancy",
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(seconds=60)).timestamp()),
        "tenant": "t1",
    } | changed
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, key, algorithm)


@pytest.mark.parametrize(
    ("key", "algorithm", "changed"),
    [
        (KEYS["testcases"], "EdDSA", {}),  # signed by somebody else
        (KEYS["executions"], "EdDSA", {"iss": "stranger"}),
        (KEYS["executions"], "EdDSA", {"iss": None}),
        (KEYS["executions"], "EdDSA", {"aud": None}),
        (KEYS["executions"], "EdDSA", {"exp": None}),
        (KEYS["executions"], "EdDSA", {"exp": "tomorrow"}),
        (KEYS["executions"], "EdDSA", {"iat": [1]}),
        (KEYS["executions"], "EdDSA", {"tenant": {"$ne": ""}}),
        (KEYS["executions"], "EdDSA", {"act": "t1"}),
        (KEYS["executions"], "EdDSA", {"act": {"tenant": "t1"}}),
        (KEYS["executions"], "EdDSA", {"act": {**ACT, "scopes": ["everything"]}}),
        (KEYS["executions"], "EdDSA", {"act": {**ACT, "tenant": "t2"}}),  # another's principal
        (None, "none", {}),
        (ec.generate_private_key(ec.SECP256R1()), "ES256", {}),
        ("x" * 40, "HS256", {}),
    ],
)
def test_a_forgery_is_refused(
    clock: ManualClock, key: Any, algorithm: str, changed: dict[str, Any]
) -> None:
    with pytest.raises(Unauthenticated):
        of("tenancy", clock).verify(forged(clock, key, algorithm, **changed))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "." * 5000])
def test_rubbish_is_refused(clock: ManualClock, token: str) -> None:
    with pytest.raises(Unauthenticated):
        of("tenancy", clock).verify(token)


def test_keys_are_read_from_files_and_faults_name_the_setting(
    clock: ManualClock, tmp_path: Path
) -> None:
    key, peers = tmp_path / "key.pem", tmp_path / "peers.json"

    def load() -> ServiceTokens:
        return ServiceTokens.from_files("executions", key, peers, clock)

    for content in (None, "rubbish", private_pem(rsa.generate_private_key(65537, 2048))):
        if content is not None:
            key.write_text(content)
        with pytest.raises(SystemExit, match="OSTRO_SERVICE_KEY_FILE"):
            load()
    key.write_text(private_pem(KEYS["executions"]))
    for content in (None, "[]", "{", '{"tenancy": 1}'):
        if content is not None:
            peers.write_text(content)
        with pytest.raises(SystemExit, match="OSTRO_PEER_KEYS_FILE"):
            load()
    peers.write_text("{}")
    assert load().sign("tenancy", None, None)
