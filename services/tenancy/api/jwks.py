"""``/.well-known/jwks.json``: the public keys that verify API tokens."""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from fastapi import APIRouter, Response
from jwt.algorithms import ECAlgorithm

from kit.auth.api_tokens import ALGORITHM
from kit.clock import Clock
from kit.http.pages import json_response
from services.tenancy.domain.signing_keys import SigningKey
from services.tenancy.usecases.signing_keys import SigningKeys

_MAX_AGE_SECONDS = 60


def jwk(key: SigningKey) -> dict[str, Any]:
    """Return the public half as a JSON Web Key (RFC 7517)."""
    public = load_pem_public_key(key.public_pem.encode())
    assert isinstance(public, EllipticCurvePublicKey)
    fields: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(public))
    return {**fields, "kid": key.kid, "alg": ALGORITHM, "use": "sig"}


def router(keys: SigningKeys, clock: Clock) -> APIRouter:
    """Build the route."""
    routes = APIRouter(tags=["Keys"])

    @routes.get("/.well-known/jwks.json", summary="List the public keys of API tokens")
    async def jwks() -> Response:
        """Return the public keys that API tokens are signed with, as a JSON Web Key Set."""
        now = clock.now()
        valid = [k for k in await keys.all() if k.retired_at is None or k.retired_at > now]
        return json_response(
            {"keys": [jwk(key) for key in valid]},
            headers={"Cache-Control": f"public, max-age={_MAX_AGE_SECONDS}"},
        )

    return routes
