"""A person's own tokens: the page inside Jira, and its API for both lives of the app."""

from fastapi import APIRouter

from kit.mongo import Database
from services.tenancy.adapters.mongo.seen_tokens import MongoSeenTokens
from services.tenancy.api import own_tokens, pages
from services.tenancy.api.persons import ContextPerson, ForgePerson
from services.tenancy.composition.credentials import Credentials
from services.tenancy.composition.jira import Jira
from services.tenancy.domain.tenants import Tenant
from services.tenancy.settings import TenancySettings
from services.tenancy.usecases.credentials.forge_invocation import ForgeCall
from services.tenancy.usecases.identity import own_tenant
from services.tenancy.usecases.lives import LifeStore
from services.tenancy.usecases.own_tokens import OwnTokens
from services.tenancy.usecases.projects import Projects
from services.tenancy.usecases.seen_tokens import ActOnce
from services.tenancy.usecases.tokens import Tokens


def own_token_routes(
    settings: TenancySettings,
    database: Database,
    inbound: Credentials,
    tenants: LifeStore,
    tokens: Tokens,
    projects: Projects,
    jira: Jira,
) -> list[APIRouter]:
    """Build the routes; each takes one kind of credential."""
    standing = jira.standing(projects)
    own = OwnTokens(tokens, standing, ActOnce(MongoSeenTokens(database)))
    app_key, public_url = settings.app_key, str(settings.public_url)

    async def owner_of(call: ForgeCall) -> Tenant | None:
        return await own_tenant(tenants, call)

    in_connect = ContextPerson(inbound.context, app_key)
    in_forge = ForgePerson(inbound.forge, owner_of, app_key)
    return [
        pages.router(inbound.iframe, app_key),
        own_tokens.router(own_tokens.CONNECT_PATH, in_connect, own, projects, public_url),
        own_tokens.router(own_tokens.FORGE_PATH, in_forge, own, projects, public_url),
    ]
