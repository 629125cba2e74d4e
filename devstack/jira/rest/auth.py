"""Who calls a site: an app with its secret, nobody, or somebody to be refused."""

from dataclasses import dataclass

import jwt

from devstack.jira.model import Installation, Site
from devstack.jira.qsh import query_string_hash
from devstack.jira.records import Auth
from devstack.jira.rest.operation import Reply
from devstack.jira.world import World

LEEWAY_BEHIND_SECONDS = 30  # an expired token still passes this long; none for the future
# Times are compared below, by the stand-in's clock.
_OPTIONS: jwt.types.Options = {
    "require": ["iss", "iat", "exp", "qsh"],
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
}


@dataclass(frozen=True, slots=True)
class Caller:
    """`user`: the person a user token acts for; None when the app acts for itself."""

    auth: Auth
    app: Installation | None = None
    user: str | None = None


class Refused(Exception):
    """401; the reason goes to the call log, not to the caller."""

    def __init__(self, auth: Auth, reason: str) -> None:
        super().__init__(reason)
        self.auth: Auth = auth
        self.reason = reason

    @property
    def reply(self) -> Reply:
        return Reply(
            401,
            {"errorMessages": ["JWT validation failed"], "errors": {}},
            {"www-authenticate": 'JWT realm="Atlassian"'},
        )


def identify(
    world: World, site: Site, method: str, target: str, authorization: str | None
) -> Caller:
    """Without Authorization the caller is anonymous, as in Jira. Raises Refused."""
    if not authorization:
        return Caller("anonymous")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "bearer":
        raise Refused("bearer", "no bearer token was ever issued")
    if scheme.lower() != "jwt":
        raise Refused("jwt", f"scheme {scheme!r}")
    return Caller("jwt", _verified(world, site, method, target, token.strip()))


def _verified(world: World, site: Site, method: str, target: str, token: str) -> Installation:
    try:
        header = jwt.get_unverified_header(token)
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.PyJWTError as error:
        raise Refused("jwt", f"not a token: {error}") from error
    if header.get("alg") != "HS256":
        raise Refused("jwt", f"alg {header.get('alg')!r}")
    app = site.installations.get(issuer) if isinstance(issuer, str) else None
    if app is None:
        raise Refused("jwt", f"iss {issuer!r} is no app key known here")
    if app.state != "installed":
        raise Refused("jwt", f"the app is {app.state}")
    claims = _signed_claims(world, app, token)
    _check_times(world, claims)
    if claims.get("qsh") != query_string_hash(method, target):
        raise Refused("jwt", "qsh is not that of this request")
    return app


def _signed_claims(world: World, app: Installation, token: str) -> dict[str, object]:
    now = world.clock.now()
    secrets = [app.shared_secret]
    secrets += [old.value for old in app.retired_secrets if old.expires_at > now]
    reason = "no secret"
    for secret in secrets:
        try:
            return jwt.decode(token, secret, algorithms=["HS256"], options=_OPTIONS)
        except jwt.PyJWTError as error:
            reason = f"{type(error).__name__}: {error}"
    raise Refused("jwt", reason)


def _check_times(world: World, claims: dict[str, object]) -> None:
    now = world.clock.now()
    issued, expires = claims["iat"], claims["exp"]
    if not isinstance(issued, int | float) or not isinstance(expires, int | float):
        raise Refused("jwt", "iat and exp must be numbers")
    if issued > now:
        raise Refused("jwt", "iat lies in the future")
    if expires <= now - LEEWAY_BEHIND_SECONDS:
        raise Refused("jwt", "expired")
