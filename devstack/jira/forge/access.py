"""System and user tokens: lent with each call to the app, checked when they come back."""

from devstack.jira import tokens
from devstack.jira.forge.app import GrantedToken, TokenKind
from devstack.jira.model import ForgeInstallation, Site
from devstack.jira.world import World

LIFETIME_SECONDS = 55 * 60  # facts.md 10.2; assumed to be that of user tokens, too


def grant(world: World, site: Site, kind: TokenKind, account_id: str | None = None) -> str:
    """A token for this site's installation. Raises ValueError when there is none."""
    if site.forge is None:
        raise ValueError(f"no Forge app on site {site.name}")
    now = world.clock.now()
    claims = {
        "iss": "forge-oauth-stand-in",
        "sub": account_id or site.forge.installation.account_id,
        "iat": int(now),
        "exp": int(now) + LIFETIME_SECONDS,
        "jti": world.chance.uuid(),
    }
    value = tokens.hs256(claims, world.chance.secret())
    alive = [one for one in site.forge.tokens if one.expires_at > now]
    site.forge.tokens = [
        *alive,
        GrantedToken(
            value=value, kind=kind, account_id=account_id, expires_at=now + LIFETIME_SECONDS
        ),
    ]
    return world.issued(site, "token", value)


def granted(world: World, site: Site, value: str) -> tuple[ForgeInstallation, GrantedToken] | None:
    """Whom a token speaks for on this site; None for one that is unknown, expired or foreign."""
    if site.forge is None or site.forge.installation.state != "installed":
        return None
    for token in site.forge.tokens:
        if token.value == value and token.expires_at > world.clock.now():
            return site.forge, token
    return None
