"""The verifiers of inbound credentials: one per kind, and a route gets exactly one."""

from dataclasses import dataclass

from kit.clock import Clock
from kit.mongo import Database
from services.tenancy.adapters.jira.forge_keys import HttpForgeKeys
from services.tenancy.adapters.jira.key_servers import HttpKeyServers
from services.tenancy.adapters.mongo.installs import MongoInstalls
from services.tenancy.settings import TenancySettings
from services.tenancy.usecases.credentials.context_token import ContextToken
from services.tenancy.usecases.credentials.forge_invocation import ForgeApp, ForgeInvocation
from services.tenancy.usecases.credentials.iframe import Iframe
from services.tenancy.usecases.credentials.server_to_server import ServerToServer
from services.tenancy.usecases.credentials.signed_lifecycle import SignedLifecycle
from services.tenancy.usecases.credentials.tenant_secrets import TenantSecrets
from services.tenancy.usecases.ports import ClientKeyIndex, Vault


@dataclass(frozen=True)
class Credentials:
    """A verifier of each kind. Source: facts.md 0."""

    signed: SignedLifecycle
    symmetric: ServerToServer
    iframe: Iframe
    context: ContextToken
    forge: ForgeInvocation
    key_servers: HttpKeyServers
    forge_keys: HttpForgeKeys

    async def close(self) -> None:
        """Close the connections to the servers of keys."""
        await self.key_servers.close()
        await self.forge_keys.close()


def credentials(
    settings: TenancySettings, database: Database, vault: Vault, index: ClientKeyIndex, clock: Clock
) -> Credentials:
    """Build the verifiers; the symmetric ones share what they know of tenants."""
    key_servers = HttpKeyServers(settings.jira_key_servers, clock)
    forge_keys = HttpForgeKeys(settings.forge_jwks_url, clock)
    secrets = TenantSecrets(MongoInstalls(database), vault, index, clock)
    base_url = settings.base_url
    app = ForgeApp(
        settings.forge_app_id, frozenset(settings.forge_environments), settings.api_hosts
    )
    return Credentials(
        signed=SignedLifecycle(key_servers, frozenset({base_url}), clock),
        symmetric=ServerToServer(secrets, base_url, clock),
        iframe=Iframe(secrets, base_url, clock),
        context=ContextToken(secrets, clock),
        forge=ForgeInvocation(forge_keys, app, clock),
        key_servers=key_servers,
        forge_keys=forge_keys,
    )
