"""Strict reading of tokens."""

import base64
import hmac
import json
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

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


def bare(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


HEADER, CLAIMS = part({"alg": "HS256"}), part({"iss": "x"})
MALFORMED = [
    bare(b'{"alg": "none", "alg": "HS256"}') + f".{CLAIMS}.c2ln",
    *(
        f"{HEADER}.{bare(claims)}.c2ln"
        for claims in (
            b'{"iss": "y", "iss": "x"}',
            b'{"iss": "x", "a": {"b": 1, "b": 1}}',
            b'{"iss": "x", "exp": NaN}',
            b'{"iss": "x", "exp": -Infinity}',
            b'{"iss": "x", "exp": ' + b"1" * 5000 + b"}",
            b'{"iss": "\xff"}',
            b'\xef\xbb\xbf{"iss": "x"}',
            b'{"iss": "x"} {}',
            b"",
        )
    ),
    # base64url: padding, other alphabets, spaces, loose bits at the end, an impossible length
    f"{HEADER}.{CLAIMS}.c2ln=",
    f"{HEADER}.{CLAIMS}.c2k=",
    f"{HEADER}.{CLAIMS}.+/+/",
    f"{HEADER}.{CLAIMS}.c2 ln",
    f"{HEADER}.{CLAIMS}.c2\nln",
    f"{HEADER} .{CLAIMS}.c2ln",
    f"{HEADER}.{CLAIMS}.c2l",
    f"{HEADER}.{CLAIMS}.c2lnc",
    f"{HEADER}.{CLAIMS}.c2lé",
    # other serializations
    f"{HEADER}.{CLAIMS}",
    f"{HEADER}.{CLAIMS}.c2ln.",
    f"{HEADER}.{CLAIMS}.c2ln.c2ln.c2ln",
]


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "malformed"),
        ("a.b", "malformed"),
        ("...", "malformed"),
        (raw({"alg": "HS256"}, []), "malformed"),
        (raw([], {}), "malformed"),
        (raw({"alg": "none"}, {"iss": "x"}), "algorithm"),
        (raw({"alg": "hs256"}, {"iss": "x"}), "algorithm"),
        (raw({}, {"iss": "x"}), "algorithm"),
        (raw({"alg": ["HS256"]}, {"iss": "x"}), "algorithm"),
        # PyJWT knows this extension, we allow none
        (raw({"alg": "HS256", "crit": ["b64"], "b64": True}, {"iss": "x"}), "crit"),
        (raw({"alg": "HS256", "crit": ["exp2"], "exp2": 1}, {"iss": "x"}), "crit"),
        (raw({"alg": "HS256", "crit": []}, {"iss": "x"}), "crit"),
        (raw({"alg": "HS256", "b64": False}, {"iss": "x"}), "crit"),
        (raw({"alg": "HS256", "b64": True}, {"iss": "x"}), "crit"),
        (raw({"alg": "HS256"}, {}), "iss"),
        (raw({"alg": "HS256"}, {"iss": ""}), "iss"),
        (raw({"alg": "HS256"}, {"iss": ["x"]}), "iss"),
        (raw({"alg": "HS256"}, {"iss": "x" * 256}), "iss"),
        (raw({"alg": "HS256"}, {"iss": "a\nb"}), "iss"),
        (raw({"alg": "HS256"}, {"iss": "\ud800"}), "iss"),
        ("x" * 9000, "too long"),
        *((token, "malformed") for token in MALFORMED),
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
    claimed = jwt.read_unverified(token, "HS256")
    assert jwt.verified_claims(claimed, KEY)["iss"] == "ck"
    for key in (b"x" * 40, b"", KEY + b"x"):
        with pytest.raises(BadToken):
            jwt.verified_claims(claimed, key)
    for algorithm in ("HS512", "RS256", "none", ""):
        with pytest.raises(BadToken):
            jwt.read_unverified(token, algorithm)


def test_a_changed_part_breaks_the_signature() -> None:
    head, claims, signature = made({}).split(".")
    for changed in (
        f"{part({'alg': 'HS256', 'x': 1})}.{claims}.{signature}",
        f"{head}.{part({'iss': 'other'})}.{signature}",
        f"{head}.{claims}.{signature[:-4]}AAAA",
        f"{head}.{claims}.",
    ):
        claimed = jwt.read_unverified(changed, "HS256")
        with pytest.raises(BadToken):
            jwt.verified_claims(claimed, KEY)


def test_the_text_of_a_public_key_is_no_shared_secret() -> None:
    public = (
        rsa.generate_private_key(65537, 2048)
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    head, claims = part({"alg": "HS256"}), part({"iss": "x"})
    signature = hmac.digest(public, f"{head}.{claims}".encode(), "sha256")
    signed = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    claimed = jwt.read_unverified(f"{head}.{claims}.{signed}", "HS256")
    with pytest.raises(BadToken):
        jwt.verified_claims(claimed, public)


@pytest.mark.parametrize(
    ("value", "found"),
    [(None, None), ("unknown", None), ("557058:ab", "557058:ab"), ("x" * 128, "x" * 128)],
)
def test_an_account(value: Any, found: str | None) -> None:
    assert jwt.account({"sub": value}, "sub") == found
    assert jwt.account({}, "sub") is None


@pytest.mark.parametrize("value", ["", 7, True, [], ["557058:ab"], {}, "x" * 129, "a\nb", "\ud800"])
def test_what_is_no_account(value: Any) -> None:
    with pytest.raises(BadToken):
        jwt.account({"sub": value}, "sub")


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
        {"iat": NOW, "exp": 2**53},
        {"iat": NOW, "exp": [NOW + 180]},
        {"iat": {}, "exp": NOW + 180},
        {"iat": NOW, "exp": NOW + 180, "nbf": None},
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


@pytest.mark.parametrize("found", [None, 7, "", "AB", "ab ", "context-qsh", "é", "\ud800", ["ab"]])
def test_qsh_compares_exactly(found: Any) -> None:
    jwt.check_qsh({"qsh": "ab"}, "ab")
    with pytest.raises(BadToken):
        jwt.check_qsh({"qsh": found}, "ab")
