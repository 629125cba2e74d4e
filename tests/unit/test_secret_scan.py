"""The search for canaries finds them in every form, and nothing else."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from tests.harness.secret_scan import forms, leaks

SECRET = b'canary/0123+456789 "ab\\cd\xc3\xa9f='
TEXT = SECRET.decode()

HIDDEN = {
    "plain": SECRET,
    "hex": SECRET.hex().encode(),
    "upper hex": SECRET.hex().upper().encode(),
    **{f"base64 after {n}": base64.b64encode(b"p" * n + SECRET + b"tail") for n in range(4)},
    **{f"url-safe after {n}": base64.urlsafe_b64encode(b"\xff" * n + SECRET) for n in range(4)},
    "in a URL": quote(TEXT, safe="").encode(),
    "in a path": quote(TEXT).encode(),
    "in a form": quote_plus(TEXT).encode(),
    "in JSON": json.dumps({"a": TEXT}).encode(),
    "in JSON as UTF-8": json.dumps({"a": TEXT}, ensure_ascii=False).encode(),
    "in JSON in a log": json.dumps({"event": json.dumps({"a": TEXT})}).encode(),
    "as Python shows it": repr(SECRET).encode(),
}


@pytest.mark.parametrize("way", HIDDEN)
def test_it_is_found(way: str) -> None:
    place = b"before " + HIDDEN[way] + b" after"
    assert leaks({"s": SECRET}, {"log": [b"nothing", place]}) == ["s in log"]


def test_nothing_else_is() -> None:
    assert leaks({"s": SECRET}, {"log": [b"canary", b"0123", SECRET[:20], SECRET[4:]]}) == []
    assert leaks({"s": SECRET}, {"log": [SECRET[:16], SECRET[16:]]}) == []


def test_bytes_that_are_no_text() -> None:
    secret = bytes(range(200, 232))
    assert all(len(form) >= 12 for form in forms(secret))
    for place in (secret, secret.hex().encode(), base64.b64encode(secret), repr(secret).encode()):
        assert leaks({"s": secret}, {"log": [place]}) == ["s in log"]


def test_a_short_secret_is_not_searched_for_in_vain() -> None:
    with pytest.raises(ValueError, match="too short"):
        forms(b"short")
