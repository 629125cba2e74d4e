"""Strict reading of tokens."""

import base64
import json
from typing import Any

import jwt as pyjwt
import pytest

from services.tenancy.domain import jwt
from services.tenancy.domain.jwt import BadToken

KEY = b"0123456789abcdef0123456789abcdef0123456789abcdef"
NOW = 1_800_000_000.0


def made(claims: dict[str, Any], **header: Any) -> str:
    return pyjwt.encode({"iss": "ck", **claims}, KEY, algorithm="HS256", headers=header or None)


def part(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def raw(header: Any, claims: Any) -> str:
    return f"{part(header)}.{part(claims)}.c2ln"


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "malformed"),
        ("a.b", "malformed"),
        ("...", "malformed"),
        (raw({"alg": "HS256"}, []), "malformed"),
        (raw([], {}), "malformed"),
        (raw({"alg": "HS256", "kid": 7}, {"iss": "x"}), "malformed"),
        (raw({"alg": "none"}, {"iss": "x"}), "algorithm"),
        (raw({"alg": "hs256"}, {"iss": "x"}), "algorithm"),
        (raw({}, {"iss": "x"}), "algorithm"),
        (raw({"alg": ["HS256"]}, {"iss": "x"}), "algorithm"),
        # PyJWT knows this extension, we allow none
        (raw({"alg": "HS256", "crit": ["b64"], "b64": True}, {"iss": "x"}), "crit"),
        (raw({"alg": "HS256", "crit": ["exp2"], "exp2": 1}, {"iss": "x"}), "malformed"),
        (raw({"alg": "HS256", "crit": []}, {"iss": "x"}), "malformed"),
        (raw({"alg": "HS256"}, {}), "iss"),
        (raw({"alg": "HS256"}, {"iss": ""}), "iss"),
        (raw({"alg": "HS256"}, {"iss": ["x"]}), "iss"),
        ("x" * 9000, "too long"),
    ],
)
def test_what_is_no_usable_token(token: str, reason: str) -> None:
    with pytest.raises(BadToken) as caught:
        jwt.read_unverified(token, "HS256")
    assert caught.value.reason == reason


def test_deeply_nested_json_is_refused() -> None:
    nested = base64.urlsafe_b64encode(b"[" * 5000).rstrip(b"=").decode()
    with pytest.raises(BadToken):
        jwt.read_unverified(f"{nested}.e30.c2ln", "HS256")


def test_signature_decides_and_the_algorithm_is_ours() -> None:
    token = made({})
    assert jwt.verified_claims(token, KEY, "HS256")["iss"] == "ck"
    for key, algorithm in ((b"x" * 40, "HS256"), (KEY, "HS512"), (KEY, "RS256")):
        with pytest.raises(BadToken):
            jwt.verified_claims(token, key, algorithm)


@pytest.mark.parametrize(
    "claims",
    [
        {"iat": NOW, "exp": NOW + 180},
        {"iat": NOW + 29, "exp": NOW + 180},
        {"iat": NOW - 300, "exp": NOW - 29},
        {"iat": NOW - 300, "exp": NOW + 86_400},
        {"iat": NOW, "exp": NOW + 180, "nbf": NOW + 29},
    ],
)
def test_times_inside_the_leeway(claims: dict[str, Any]) -> None:
    assert jwt.check_times(claims, NOW) == int(claims["iat"])


@pytest.mark.parametrize(
    "claims",
    [
        {"iat": NOW},
        {"exp": NOW + 180},
        {"iat": NOW + 30, "exp": NOW + 180},
        {"iat": NOW - 300, "exp": NOW - 30},
        {"iat": NOW, "exp": str(NOW + 180)},
        {"iat": True, "exp": NOW + 180},
        {"iat": NOW, "exp": None},
        {"iat": NOW, "exp": float("inf")},
        {"iat": float("nan"), "exp": NOW + 180},
        {"iat": -1, "exp": NOW + 180},
        {"iat": NOW, "exp": NOW + 180, "nbf": NOW + 30},
        {"iat": NOW, "exp": NOW + 180, "nbf": "soon"},
    ],
)
def test_times_outside_or_unreadable(claims: dict[str, Any]) -> None:
    with pytest.raises(BadToken):
        jwt.check_times(claims, NOW)


OURS = frozenset({"https://app.example.com", "https://eu.example.com/app"})


@pytest.mark.parametrize(
    ("aud", "matched"),
    [
        ("https://app.example.com", "https://app.example.com"),
        (["https://app.example.com/"], "https://app.example.com"),
        (["https://x.example", "https://eu.example.com/app"], "https://eu.example.com/app"),
    ],
)
def test_audience_matches_as_a_whole(aud: Any, matched: str) -> None:
    assert jwt.audience({"aud": aud}, OURS) == matched


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": []},
        {"aud": None},
        {"aud": {"https://app.example.com": 1}},
        {"aud": "https://app.example.com.evil.example"},
        {"aud": "https://evil.example/?u=https://app.example.com"},
        {"aud": "https://app.example"},
        {"aud": [["https://app.example.com"]]},
    ],
)
def test_audience_of_somebody_else(claims: dict[str, Any]) -> None:
    with pytest.raises(BadToken):
        jwt.audience(claims, OURS)


@pytest.mark.parametrize("found", [None, 7, "", "AB", "ab ", "context-qsh", "é"])
def test_qsh_compares_exactly(found: Any) -> None:
    jwt.check_qsh({"qsh": "ab"}, "ab")
    with pytest.raises(BadToken):
        jwt.check_qsh({"qsh": found}, "ab")
