"""The Forge invocation token: RS256 by a key of Forge's JWKS, behind ``Authorization: Bearer``.

It is bound to no method, path or body: only its short life limits it, so calls that change
something remember its id (``usecases/seen_tokens.py``). Source: facts.md 10.1.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from kit.clock import Clock
from services.tenancy.domain import jwt
from services.tenancy.domain.forge import ApiHosts, environment_of, installation_of
from services.tenancy.domain.jwt import BadToken
from services.tenancy.domain.requests import SignedRequest

ALGORITHM = "RS256"
ISSUER = "forge/invocation-token"
_MAX_KID = 256
_MAX_ID = 255
_ISOLATED_CLOUD = re.compile(r"[a-z0-9_-]{1,50}")


class ForgeKeys(Protocol):
    """The key set of Forge, from our configuration."""

    async def public_key(self, kid: str) -> RSAPublicKey | None:
        """Return the key of at least 2,048 bits, None when the set does not hold it.

        Raises ``Unavailable`` when the set cannot be asked and is not known.
        """
        ...


@dataclass(frozen=True)
class ForgeApp:
    """Our app as Forge knows it; an empty ``id`` refuses every call."""

    id: str
    environments: frozenset[str]
    hosts: ApiHosts


@dataclass(frozen=True)
class ForgeCall:
    """A call of Forge for one installation of our app."""

    installation_id: str
    """Last part of the ARI, as ``ForgeInstall`` keeps it."""
    cloud_id: str
    api_base_url: str
    """``https://api.atlassian.com/ex/jira/<cloudId>``, of an allowed host."""
    environment_id: str
    """Last part of the ARI."""
    environment_type: str
    app_id: str
    """The whole ARI."""
    account_id: str | None
    """The person behind a call from the user interface; None for events and triggers."""
    issued_at: int
    expires_at: int
    jti: str | None
    digest: str
    module: str | None
    """Key of the manifest module that was called."""


class ForgeInvocation:
    """Verifier of this credential kind, and of no other."""

    def __init__(self, keys: ForgeKeys, app: ForgeApp, clock: Clock) -> None:
        self._keys = keys
        self._app = app
        self._clock = clock

    async def verify(self, request: SignedRequest) -> ForgeCall:
        """Return the call; raise ``BadToken`` (401), or ``Unavailable`` without the key set."""
        token = request.token("Bearer")
        if token is None:
            raise BadToken("no token")
        if not self._app.id:
            raise BadToken("no Forge app is configured")
        claimed = jwt.read_unverified(token, ALGORITHM)
        if claimed.issuer != ISSUER:
            raise BadToken("iss")
        claims = jwt.verified_claims(claimed, await self._key(claimed))
        issued_at = jwt.check_times(claims, self._clock.now().timestamp())
        self._check_audience(claims)
        return self._call(claims, issued_at, jwt.digest(token))

    async def _key(self, claimed: jwt.Unverified) -> RSAPublicKey:
        kid = claimed.header.get("kid")
        if not isinstance(kid, str) or not 0 < len(kid) <= _MAX_KID:
            raise BadToken("kid")
        key = await self._keys.public_key(kid)
        if key is None:
            raise BadToken("unknown kid")
        return key

    def _check_audience(self, claims: Mapping[str, Any]) -> None:
        found = claims.get("aud")
        if self._app.id not in (found if isinstance(found, list) else [found]):
            raise BadToken("aud")
        label = claims.get("icLabel")
        if "icLabel" in claims and not (
            isinstance(label, str) and _ISOLATED_CLOUD.fullmatch(label)
        ):
            raise BadToken("icLabel")

    def _call(self, claims: Mapping[str, Any], issued_at: int, digest: str) -> ForgeCall:
        app = _part(claims, "app")
        if app.get("id") != self._app.id:
            raise BadToken("app.id")
        environment = _part(app, "environment")
        kind = environment.get("type")
        if not isinstance(kind, str) or kind not in self._app.environments:
            raise BadToken("app.environment.type")
        environment_id = environment_of(_text(environment, "id"))
        if environment_id is None:
            raise BadToken("app.environment.id")
        api_base_url = _text(app, "apiBaseUrl")
        cloud_id = self._app.hosts.cloud_of(api_base_url)
        if cloud_id is None:
            raise BadToken("app.apiBaseUrl")
        if _optional_part(claims, "context").get("cloudId", cloud_id) != cloud_id:
            raise BadToken("context.cloudId")
        jti = claims.get("jti")
        return ForgeCall(
            installation_id=_installation(app),
            cloud_id=cloud_id,
            api_base_url=api_base_url,
            environment_id=environment_id,
            environment_type=kind,
            app_id=self._app.id,
            account_id=jwt.account(claims, "principal"),
            issued_at=issued_at,
            expires_at=int(jwt.seconds(claims, "exp")),
            jti=None if jti is None else _text(claims, "jti"),
            digest=digest,
            module=_module(app),
        )


def _installation(app: Mapping[str, Any]) -> str:
    """Return the installation; both places must agree where both are there."""
    named = [app["installationId"]] if "installationId" in app else []
    if "id" in (installation := _optional_part(app, "installation")):
        named.append(installation["id"])
    found = {installation_of(n) if isinstance(n, str) else None for n in named}
    if len(found) != 1 or (only := found.pop()) is None:
        raise BadToken("app.installationId")
    return only


def _module(app: Mapping[str, Any]) -> str | None:
    module = _optional_part(app, "module")
    return _text(module, "key") if module.get("key") is not None else None


def _part(claims: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = claims.get(name)
    if not isinstance(found, dict):
        raise BadToken(name)
    return found


def _optional_part(claims: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return _part(claims, name) if claims.get(name) is not None else {}


def _text(claims: Mapping[str, Any], name: str) -> str:
    found = claims.get(name)
    if not isinstance(found, str) or not 0 < len(found) <= _MAX_ID or not found.isprintable():
        raise BadToken(name)
    return found
