"""Both lives of the app: Connect's hooks and Forge's."""

from dataclasses import dataclass

from kit.clock import Clock
from kit.ids import Ids
from kit.mongo import Database
from services.tenancy.adapters.jira.identity import HttpSiteIdentity
from services.tenancy.adapters.mongo.lives import MongoLives
from services.tenancy.adapters.mongo.seen_tokens import MongoSeenTokens
from services.tenancy.api.connect import Hooks
from services.tenancy.api.forge import ForgeHooks
from services.tenancy.composition.credentials import Credentials
from services.tenancy.composition.jira import Jira
from services.tenancy.settings import TenancySettings
from services.tenancy.usecases.forge import ForgeLife
from services.tenancy.usecases.identity import Identity
from services.tenancy.usecases.lifecycle import Lifecycle
from services.tenancy.usecases.ports import ClientKeyIndex, Vault
from services.tenancy.usecases.seen_tokens import ActOnce


@dataclass(frozen=True)
class Held:
    """What both lives stand on."""

    store: MongoLives
    vault: Vault
    index: ClientKeyIndex
    jira: Jira
    clock: Clock
    ids: Ids


def connect_hooks(settings: TenancySettings, inbound: Credentials, held: Held) -> Hooks:
    """Build what takes Connect's lifecycle calls."""
    lifecycle = Lifecycle(
        held.store,
        held.vault,
        held.index,
        settings.site_rules,
        settings.cell,
        held.clock,
        held.ids,
    )
    return Hooks(inbound.signed, inbound.symmetric, lifecycle, settings.app_key)


def forge_hooks(
    settings: TenancySettings, database: Database, inbound: Credentials, held: Held
) -> ForgeHooks:
    """Build what takes Forge's calls."""
    identity = Identity(
        held.store,
        HttpSiteIdentity(held.jira.caller),
        held.vault,
        held.index,
        settings.site_rules,
        held.clock,
    )
    once = ActOnce(MongoSeenTokens(database))
    life = ForgeLife(held.store, identity, once, held.vault, settings.cell, held.clock, held.ids)
    return ForgeHooks(inbound.forge, life)
