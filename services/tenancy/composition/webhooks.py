"""Webhooks: from the endpoint to Kafka, and what tenancy makes of them."""

from collections.abc import Awaitable, Callable

from kit.clock import Clock
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.service import Runtime
from services.tenancy.adapters.jira.webhooks import HttpJiraWebhooks
from services.tenancy.adapters.kafka.jira_changes import ChangePublisher
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.projects import MongoProjects
from services.tenancy.adapters.mongo.site_webhooks import MongoSiteWebhooks
from services.tenancy.api.webhooks import DYNAMIC_PATH, Receiver, Room
from services.tenancy.composition.jira import Jira
from services.tenancy.composition.leased import leased
from services.tenancy.consumers.jira_changes import JiraChangesConsumer
from services.tenancy.settings import TenancySettings
from services.tenancy.usecases.credentials.server_to_server import ServerToServer
from services.tenancy.usecases.leavers import ChangedPeople, Leavers
from services.tenancy.usecases.memberships import Memberships
from services.tenancy.usecases.project_changes import ProjectChanges
from services.tenancy.usecases.site_webhooks import WebhookKeeper
from services.tenancy.usecases.webhooks import JiraChanges


def jira_changes(publisher: Publisher, names: Names, clock: Clock) -> JiraChanges:
    """Build what takes deliveries, fresh ones and those that had failed."""
    return JiraChanges(ChangePublisher(publisher, names), clock)


def receiver(
    settings: TenancySettings, symmetric: ServerToServer, changes: JiraChanges
) -> Receiver:
    """Build the endpoint."""
    room = Room(
        settings.webhook_max_in_flight,
        settings.webhook_max_in_flight_per_tenant,
        settings.webhook_buffer_bytes,
    )
    return Receiver(symmetric, changes, room, settings.app_key, settings.webhook_max_bytes)


def changes_consumer(
    runtime: Runtime[TenancySettings], memberships: Memberships, leavers: Leavers
) -> JiraChangesConsumer:
    """Build the handler of ``tenancy.jira-changes``."""
    changes = Changes(runtime.database, runtime.clock, runtime.ids)
    projects = ProjectChanges(MongoProjects(runtime.database, changes))
    return JiraChangesConsumer(projects, ChangedPeople(memberships, leavers))


def webhooks_loop(
    runtime: Runtime[TenancySettings], jira: Jira, changes: JiraChanges
) -> Callable[[], Awaitable[None]]:
    """Return the background work that keeps what is registered on sites, in one process."""
    keeper = WebhookKeeper(
        MongoSiteWebhooks(runtime.database),
        jira.sites,
        HttpJiraWebhooks(jira.caller, runtime.settings.base_url + DYNAMIC_PATH),
        changes,
        runtime.clock,
    )

    return leased(runtime, "site-webhooks", keeper.round, runtime.settings.webhook_round_seconds)
