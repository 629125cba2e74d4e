"""The scanner of the privacy proof finds a token in every form it claims to know, and no other."""

import base64
import gzip
import hashlib
import hmac
import html
import json
import secrets
import unicodedata
import zlib
from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.harness.canary_scan import Scanner
from tests.harness.canary_tokens import Planter

TENANT = "ten0123456789"
FORMS: dict[str, Callable[[str], bytes]] = {
    "plain": lambda t: t.encode(),
    "lower case": lambda t: t.lower().encode(),
    "upper case": lambda t: t.upper().encode(),
    "NFD": lambda t: unicodedata.normalize("NFD", t).encode(),
    "UTF-16": lambda t: t.encode("utf-16-le"),
    "backwards": lambda t: t[::-1].encode(),
    "hex": lambda t: t.encode().hex().encode(),
    "hex in upper case": lambda t: t.encode().hex().upper().encode(),
    "percent-encoded": lambda t: quote(t, safe="").encode(),
    "every byte percent-encoded": lambda t: "".join(f"%{b:02X}" for b in t.encode()).encode(),
    "percent-encoded twice": lambda t: quote(
        "".join(f"%{b:02X}" for b in t.encode()), safe=""
    ).encode(),
    "JSON": lambda t: json.dumps(t).encode(),
    "JSON escapes": lambda t: "".join(f"\\u{ord(c):04X}" for c in t).encode(),
    "HTML": lambda t: html.escape(t).encode(),
    "HTML escapes": lambda t: "".join(f"&#{ord(c)};" for c in t).encode(),
    "base64": lambda t: base64.b64encode(t.encode()),
    "base64 one further": lambda t: base64.b64encode(b"a" + t.encode()),
    "base64 two further": lambda t: base64.b64encode(b"ab" + t.encode()),
    "base64 for URLs": lambda t: base64.urlsafe_b64encode(t.encode()).rstrip(b"="),
    "base64 of JSON in base64": lambda t: base64.b64encode(
        base64.b64encode(json.dumps({"a": t}).encode())
    ),
    "gzip": lambda t: gzip.compress(t.encode()),
    "zlib": lambda t: zlib.compress(t.encode()),
    "gzip in base64 in JSON": lambda t: json.dumps(
        {"body": base64.b64encode(gzip.compress(t.encode())).decode()}
    ).encode(),
}
for _algorithm in ("md5", "sha1", "sha256", "sha512"):
    for _case in (str, str.lower, str.upper):
        _name = f"{_algorithm} of {getattr(_case, '__name__', '')}"
        FORMS[f"{_name} in hex"] = lambda t, a=_algorithm, c=_case: (  # type: ignore[misc]
            hashlib.new(a, c(t).encode()).hexdigest().encode()
        )
        FORMS[f"{_name} in base64"] = lambda t, a=_algorithm, c=_case: (  # type: ignore[misc]
            base64.b64encode(hashlib.new(a, c(t).encode()).digest())
        )
for _key in (b"", TENANT.encode()):
    FORMS[f"HMAC with {_key!r}"] = (
        lambda t, k=_key: (  # type: ignore[misc]
            hmac.digest(k, t.encode(), "sha256").hex()[:24].encode()
        )
    )


def planted() -> Planter:
    """One token of each shape."""
    found = Planter()
    for make in (found.name, found.mail, found.summary, found.secret, found.word, found.account):
        make("here")
    found.long_account("here")
    found.address("here")
    return found


@pytest.mark.parametrize("form", FORMS)
def test_a_token_is_found_in_every_form(form: str) -> None:
    planter = planted()
    scanner = Scanner(planter, keys=[TENANT])
    for token in planter.planted:
        around = b'{"a": "' + FORMS[form](token.value) + b'", "b": 1}\n'
        assert scanner.scan("there", [b"x" * 100, around]), token.value


def test_a_hit_names_the_hole() -> None:
    planter = Planter()
    holes = [planter.name(f"hole {number}") for number in range(300)]
    (hit,) = Scanner(planter).scan("a log", [f"error: {holes[257]!r}".encode()])
    assert (hit.token, hit.place, hit.form) == ("hole 257", "a log", "plain text")


def test_what_was_not_planted_is_not_found() -> None:
    scanner = Scanner(planted(), keys=[TENANT], exact={"address": "198.51.100.7"})
    others = planted()
    texts = [form(token.value) for form in FORMS.values() for token in others.planted]
    texts += [secrets.token_bytes(100_000), secrets.token_hex(50_000).encode(), b"198.51.100.77"]
    assert scanner.scan("there", texts) == []
    assert scanner.scan("there", [b"from 198.51.100.7 at"])
