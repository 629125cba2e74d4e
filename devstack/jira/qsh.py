"""The canonical request and its hash (Connect `qsh`), from the request as it is on the wire.

Written for the stand-in alone: the app has its own, and both are held to the same vectors.
"""

import hashlib
import re
from urllib.parse import quote, unquote_plus

_UNRESERVED = "-._~"


def _encode(text: str) -> str:
    return quote(text, safe=_UNRESERVED)


def _canonical_path(path: str, base_path: str) -> str:
    prefix = base_path.rstrip("/")
    if prefix and (path == prefix or path.startswith(prefix + "/")):
        path = path[len(prefix) :]
    return path.rstrip("/").replace("&", "%26") or "/"


def _utf16(text: str) -> bytes:
    """Java and JavaScript compare UTF-16 code units; that differs for characters above U+FFFF."""
    return text.encode("utf-16-be", "surrogatepass")


def _canonical_query(query: str) -> str:
    values: dict[str, list[str]] = {}
    for piece in query.split("&"):
        if not piece:
            continue
        name, _, value = piece.partition("=")
        decoded = unquote_plus(name, errors="replace")
        if decoded != "jwt":
            values.setdefault(decoded, []).append(unquote_plus(value, errors="replace"))
    encoded = {
        _encode(name): ",".join(_encode(value) for value in sorted(repeats, key=_utf16))
        for name, repeats in values.items()
    }
    return "&".join(f"{name}={encoded[name]}" for name in sorted(encoded))


def canonical_request(method: str, target: str, base_path: str = "") -> str:
    """`target` is path and query exactly as sent; `base_path` is cut off at a segment boundary."""
    without_fragment = target.split("#", 1)[0]
    path, _, query = without_fragment.partition("?")
    return f"{method.upper()}&{_canonical_path(path, base_path)}&{_canonical_query(query)}"


def query_string_hash(method: str, target: str, base_path: str = "") -> str:
    """Lower-case hex SHA-256 of the canonical request."""
    return hashlib.sha256(canonical_request(method, target, base_path).encode()).hexdigest()


def base_path_of(base_url: str) -> str:
    """The path part of a base URL, which the hash leaves out."""
    match = re.match(r"[a-z][a-z0-9+.-]*://[^/?#]*([^?#]*)", base_url, re.IGNORECASE)
    return match.group(1).rstrip("/") if match else ""
