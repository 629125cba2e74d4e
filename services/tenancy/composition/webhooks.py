"""Webhooks: from the endpoint to Kafka, and what tenancy makes of them."""

from kit.clock import Clock
from kit.ids import Ids
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.mongo import Database
from services.tenancy.adapters.kafka.jira_changes import ChangePublisher
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.projects import MongoProjects
from services.tenancy.api.webhooks import Receiver, Room
from services.tenancy.consumers.jira_changes import JiraChangesConsumer, Refresher
from services.tenancy.settings import TenancySettings
from services.tenancy.usecases.credentials.server_to_server import ServerToServer
from services.tenancy.usecases.project_changes import ProjectChanges
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
    database: Database, memberships: Refresher, clock: Clock, ids: Ids
) -> JiraChangesConsumer:
    """Build the handler of ``tenancy.jira-changes``."""
    projects = MongoProjects(database, Changes(database, clock, ids))
    return JiraChangesConsumer(ProjectChanges(projects), memberships)
