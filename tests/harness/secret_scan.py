"""Looks for secrets in whatever a system left behind, in every form that text takes on its way."""

import base64
import json
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

_SHORTEST = 12
"""A form that is shorter may be found by chance."""


def forms(secret: bytes) -> frozenset[bytes]:
    """Return the ways to write it: plain, hex, base64, URL-encoded, escaped for JSON and repr.

    Base64 at every alignment and in both alphabets, without the characters at the ends, which
    depend on the neighbours.
    """
    if len(secret) < _SHORTEST:
        raise ValueError("too short: it would be found by chance")
    found = {secret, secret.hex().encode(), secret.hex().upper().encode()}
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + secret)
        middle = encoded[4 if shift else 0 : len(encoded) - 4]
        found |= {middle, middle.replace(b"+", b"-").replace(b"/", b"_")}
    found |= {quote(secret, safe=safe).encode() for safe in ("", "/", "/:@!$&'()*+,;=")}
    found |= {quote_plus(secret).encode(), repr(secret)[2:-1].encode()}
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        text = secret.decode("latin-1")
    for ascii_only in (True, False):
        escaped = json.dumps(text, ensure_ascii=ascii_only)[1:-1].encode()
        found |= {escaped, escaped.replace(b"/", b"\\/")}
        # JSON within JSON, as a body that is logged in a line of JSON
        found.add(json.dumps(escaped.decode(), ensure_ascii=ascii_only)[1:-1].encode())
    return frozenset(form for form in found if len(form) >= _SHORTEST)


def leaks(secrets: Mapping[str, bytes], places: Mapping[str, Iterable[bytes]]) -> list[str]:
    """Return ``name in place`` for every secret that a place holds, in whatever form."""
    wanted = {name: forms(secret) for name, secret in secrets.items()}
    found = []
    for place, contents in places.items():
        haystack = b"\0\n".join(contents)
        found += [
            f"{name} in {place}"
            for name, ways in wanted.items()
            if any(way in haystack for way in ways)
        ]
    return found
