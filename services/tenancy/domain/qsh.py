"""The canonical request of Atlassian Connect and its hash, ``qsh``.

Source: facts.md section 3.2; held to ``jwt-vectors.json``. Works on the request as it stood on the
wire: a framework's decoded path or parsed query is already something else.
"""

import hashlib
from urllib.parse import quote, unquote, urlsplit

CONTEXT_QSH = "context-qsh"
"""The constant in browser tokens; a request's hash can never equal it."""


def query_string_hash(method: str, target: str, base_path: str) -> str:
    """Return the lower-case hex SHA-256 of the canonical request.

    ``target`` is path and query as sent; ``base_path`` is the path of our base URL, left out of
    the hash.
    """
    return hashlib.sha256(canonical_request(method, target, base_path).encode()).hexdigest()


def canonical_request(method: str, target: str, base_path: str) -> str:
    """Return ``METHOD&path&query``."""
    path, _, query = target.partition("#")[0].partition("?")
    return f"{method.upper()}&{_path(path, base_path)}&{_query(query)}"


def base_path_of(base_url: str) -> str:
    """Return the path of a base URL without trailing slashes."""
    return urlsplit(base_url).path.rstrip("/")


def _path(path: str, base_path: str) -> str:
    base = base_path.rstrip("/")
    # at a segment boundary only: /jira-app is no prefix of /jira-application
    if base and (path == base or path.startswith(f"{base}/")):
        path = path[len(base) :]
    return path.rstrip("/").replace("&", "%26") or "/"


def _query(query: str) -> str:
    values: dict[str, list[str]] = {}
    for piece in filter(None, query.split("&")):
        name, _, value = piece.partition("=")
        values.setdefault(_decode(name), []).append(_decode(value))
    values.pop("jwt", None)
    joined = {
        _encode(name): ",".join(map(_encode, sorted(repeats, key=_utf16)))
        for name, repeats in values.items()
    }
    return "&".join(f"{name}={joined[name]}" for name in sorted(joined))


def _decode(text: str) -> str:
    return unquote(text.replace("+", " "), errors="replace")


def _encode(text: str) -> str:
    return quote(text, safe="-._~", errors="replace")


def _utf16(text: str) -> bytes:
    # Jira sorts as Java does, by UTF-16 code units
    return text.encode("utf-16-be", "surrogatepass")
