"""Claims and limits of API tokens; which key signs."""

from datetime import timedelta

import pytest

from kit.auth.api_tokens import TokenClaims
from kit.auth.principal import Scope
from kit.errors import InvalidInput
from services.tenancy.domain.secret import Sealed
from services.tenancy.domain.signing_keys import SigningKey, signer
from services.tenancy.domain.tokens import MAX_LIFE, ApiToken, checked_request
from tests.harness.fakes import START

TOKEN = ApiToken(
    tenant="t1",
    id="tok1",
    name="ci",
    account_id="557058:f58131cb",
    scopes=frozenset({Scope.WRITE, Scope.READ}),
    projects=(3, 9),
    created_at=START,
    expires_at=START + MAX_LIFE,
)


def test_claims_have_the_vendors_shape_and_ours_beside() -> None:
    claims = TOKEN.claims(subject="client-key", base_url="https://a.atlassian.net", cell="eu")
    assert claims == {
        "iss": "ostro",
        "sub": "client-key",
        "iat": int(START.timestamp()),
        "exp": int(START.timestamp()) + 31_536_000,
        "jti": "tok1",
        "context": {
            "baseUrl": "https://a.atlassian.net",
            "user": {"tokenId": "tok1", "accountId": "557058:f58131cb"},
        },
        "ostro": {"tenant": "t1", "cell": "eu", "scopes": ["read", "write"], "projects": [3, 9]},
    }
    read = TokenClaims.model_validate(claims)
    assert read.ostro.projects == frozenset({3, 9})
    assert read.context.user.account_id == "557058:f58131cb"


@pytest.mark.parametrize(
    ("name", "scopes", "life", "limited"),
    [
        ("", [Scope.READ], MAX_LIFE, False),
        (" ", [Scope.READ], MAX_LIFE, False),
        ("n" * 256, [Scope.READ], MAX_LIFE, False),
        ("ci", [], MAX_LIFE, False),
        ("ci", [Scope.READ], MAX_LIFE + timedelta(seconds=1), False),
        ("ci", [Scope.READ], timedelta(0), False),
        ("ci", [Scope.READ], timedelta(days=-1), False),
        ("ci", [Scope.READ, Scope.ADMIN], MAX_LIFE, True),
    ],
)
def test_what_is_not_given_out(
    name: str, scopes: list[Scope], life: timedelta, limited: bool
) -> None:
    with pytest.raises(InvalidInput):
        checked_request(name, scopes, life, limited=limited)


def key(generation: int, minutes: int, *, private: bool = True) -> SigningKey:
    sealed = Sealed("local:x", b"w", b"n", b"c") if private else None
    not_before = START + timedelta(minutes=minutes)
    return SigningKey(f"k{generation}", generation, "pem", sealed, not_before)


def test_the_newest_key_in_use_signs() -> None:
    keys = [key(1, -60), key(2, -10), key(3, 5)]
    assert signer(keys, START) == keys[1]
    assert signer(keys, START + timedelta(minutes=5)) == keys[2]
    assert signer([key(1, -60, private=False)], START) is None
    assert signer([], START) is None
