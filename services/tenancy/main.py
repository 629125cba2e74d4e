"""Composition root: which adapter stands behind which port, and what the service consists of."""

import asyncio
import contextlib
from dataclasses import dataclass

import structlog

from contracts.tenancy import SERVICES
from kit.auth.api_tokens import ApiTokens
from kit.clock import Clock
from kit.errors import Unavailable
from kit.http.app import internal_app, public_app
from kit.http.docs import all_docs_router
from kit.ids import Ids
from kit.mongo import Database, MongoError
from kit.service import Background, Group, Parts, Role, Runtime
from services.tenancy.adapters.kafka.outbox import sources
from services.tenancy.adapters.mongo import indexes
from services.tenancy.adapters.mongo.audit import MongoAudit
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.client_key_index import HmacIndex
from services.tenancy.adapters.mongo.directory import OwnDirectory
from services.tenancy.adapters.mongo.lives import MongoLives
from services.tenancy.adapters.mongo.projects import MongoProjects
from services.tenancy.adapters.mongo.sealed_secrets import MongoSealedSecrets
from services.tenancy.adapters.mongo.signing_keys import MongoSigningKeys
from services.tenancy.adapters.mongo.tokens import MongoTokens
from services.tenancy.adapters.sealing.key_pairs import P256KeyPairs
from services.tenancy.adapters.sealing.key_ring import KeyRing
from services.tenancy.adapters.sealing.vault import EnvelopeVault
from services.tenancy.api import (
    audit,
    browser_calls,
    connect,
    forge,
    healthcheck,
    internal,
    jwks,
    memberships,
    permissions,
    projects,
    tokens,
    webhooks,
)
from services.tenancy.composition import lives
from services.tenancy.composition.credentials import credentials
from services.tenancy.composition.jira import Jira, facts_loop
from services.tenancy.composition.jira import jira as compose_jira
from services.tenancy.composition.keys import key_ring, open_index
from services.tenancy.composition.own_tokens import own_token_routes
from services.tenancy.composition.permissions import Rights, memberships_loop, rights
from services.tenancy.composition.webhooks import (
    changes_consumer,
    jira_changes,
    receiver,
    webhooks_loop,
)
from services.tenancy.consumers import token_use
from services.tenancy.settings import AdminSettings, TenancySettings
from services.tenancy.usecases.adoption import Adoption
from services.tenancy.usecases.projects import Projects
from services.tenancy.usecases.rewrap import Rewrap
from services.tenancy.usecases.signing_keys import SigningKeys
from services.tenancy.usecases.tenants import Tenants
from services.tenancy.usecases.tokens import Tokens
from services.tenancy.usecases.upkeep import Upkeep

log = structlog.get_logger(__name__)

SERVICE = "tenancy"
INDEXES = indexes.INDEXES
_UPKEEP_SECONDS = 30


@dataclass(frozen=True)
class Core:
    """What the service and the admin command share."""

    key_ring: KeyRing
    vault: EnvelopeVault
    index: HmacIndex
    jira: Jira
    tenant_store: MongoLives
    directory: OwnDirectory
    tenants: Tenants
    adoption: Adoption
    projects: Projects
    keys: SigningKeys
    rewrap: Rewrap
    tokens: Tokens
    rights: Rights
    audit: MongoAudit
    upkeep: Upkeep


async def compose(
    database: Database, settings: TenancySettings | AdminSettings, clock: Clock, ids: Ids
) -> Core:
    """Build the use cases; makes the first signing key of a new database."""
    ring = key_ring(settings)
    try:
        core = assemble(database, settings, clock, ids, ring, await open_index(database, ring))
        await core.keys.ensure_first()
    except BaseException:
        await ring.close()
        raise
    return core


def assemble(
    database: Database,
    settings: TenancySettings | AdminSettings,
    clock: Clock,
    ids: Ids,
    ring: KeyRing,
    index: HmacIndex,
) -> Core:
    """Build the use cases without touching the database."""
    vault = EnvelopeVault(ring)
    changes = Changes(database, clock, ids)
    tenant_store, project_store = MongoLives(database, changes), MongoProjects(database, changes)
    token_store, key_store = MongoTokens(database, changes), MongoSigningKeys(database, changes)
    jira = compose_jira(settings, database, changes, tenant_store, vault, clock, ids)
    tenants = Tenants(tenant_store, settings.cell, clock, ids)
    projects_ = Projects(project_store, tenants, jira.projects, jira.sites, clock, ids)
    keys = SigningKeys(key_store, vault, P256KeyPairs(), clock, ids)
    held = rights(settings, database, changes, tenant_store, projects_, jira, clock, ids)
    public_url = str(settings.public_url)
    return Core(
        key_ring=ring,
        vault=vault,
        index=index,
        jira=jira,
        tenant_store=tenant_store,
        directory=OwnDirectory(
            tenant_store, project_store, token_store, key_store, held.schemes, held.view
        ),
        tenants=tenants,
        adoption=Adoption(tenant_store, project_store, token_store, vault, clock),
        projects=projects_,
        keys=keys,
        rewrap=Rewrap(MongoSealedSecrets(database, changes), vault, ring),
        tokens=Tokens(token_store, tenants, projects_, keys, vault, public_url, clock, ids),
        rights=held,
        audit=MongoAudit(database),
        upkeep=Upkeep(tenant_store, token_store, keys, held.store, clock),
    )


async def build(runtime: Runtime[TenancySettings]) -> Parts:
    """Build the service from its runtime."""
    core = await compose(runtime.database, runtime.settings, runtime.clock, runtime.ids)
    return parts(runtime, core)


def parts(runtime: Runtime[TenancySettings], core: Core) -> Parts:
    """Wire the use cases to the listeners; no I/O, so the API documents are rendered from it."""
    settings, clock = runtime.settings, runtime.clock
    inbound = credentials(settings, runtime.database, core.vault, core.index, clock)
    changes = jira_changes(runtime.publisher, runtime.names, clock)
    held = lives.Held(core.tenant_store, core.vault, core.index, core.jira, clock, runtime.ids)
    hooks = lives.connect_hooks(settings, inbound, held)
    forge_hooks = lives.forge_hooks(settings, runtime.database, inbound, held)
    public = public_app(
        SERVICE,
        [
            connect.router(hooks, settings.app_key, settings.base_url),
            forge.router(forge_hooks),
            jwks.router(core.keys, clock),
            projects.router(core.projects, settings.api_base),
            projects.admin_router(core.projects, str(settings.public_url)),
            permissions.router(core.rights.permissions),
            tokens.router(core.tokens, core.projects, str(settings.public_url)),
            audit.router(core.audit, str(settings.public_url)),
            *own_token_routes(
                settings,
                runtime.database,
                inbound,
                core.tenant_store,
                core.tokens,
                core.projects,
                core.jira,
            ),
            healthcheck.router(),
            all_docs_router(SERVICES),
        ],
        ApiTokens(core.directory, settings.cell, clock),
    )
    routes = [
        internal.router(
            core.tenant_store, core.projects, core.keys, core.rights.schemes, core.tokens
        ),
        memberships.router(core.rights.memberships),
        browser_calls.router(inbound.context),
        core.jira.internal_routes(),
    ]
    return Parts(
        public=public,
        fast=webhooks.endpoints(receiver(settings, inbound.symmetric, changes)),
        internal=internal_app(SERVICE, routes, runtime.tokens, runtime.health),
        groups={
            token_use.GROUP: Group(token_use.TokenUseConsumer(core.tokens).handle),
            "tenancy.jira-changes": Group(
                changes_consumer(runtime, core.rights.memberships, core.jira.leavers).handle
            ),
        },
        outboxes=sources(runtime.names),
        background=[
            Background(Role.RELAY, lambda: _upkeep(core.upkeep)),
            Background(Role.RELAY, memberships_loop(core.rights, runtime)),
            Background(Role.RELAY, facts_loop(core.jira, runtime)),
            Background(Role.RELAY, webhooks_loop(runtime, core.jira, changes)),
        ],
        closers=[inbound.close, core.jira.close, core.key_ring.close],
    )


async def _upkeep(upkeep: Upkeep) -> None:
    while True:
        with contextlib.suppress(MongoError, Unavailable):
            await upkeep.round()
        await asyncio.sleep(_UPKEEP_SECONDS)
