"""A request as the verifiers of Jira's credentials need it."""

from collections.abc import Mapping
from typing import Any

from services.tenancy.domain.jwt import BadToken
from services.tenancy.domain.requests import SignedRequest


def signed_request(request: Mapping[str, Any]) -> SignedRequest:
    """Take what ``qsh`` covers from the wire (an ASGI scope, or a request): raw path and query.

    Raises ``BadToken`` for two Authorization headers: proxies and servers differ about which of
    them counts.
    """
    target: bytes = request["raw_path"]
    if query := request["query_string"]:
        target += b"?" + query
    found = [value for name, value in request["headers"] if name == b"authorization"]
    if len(found) > 1:
        raise BadToken("two credentials")
    authorization = found[0].decode("latin-1") if found else None
    return SignedRequest(request["method"], target.decode("utf-8", "replace"), authorization)
