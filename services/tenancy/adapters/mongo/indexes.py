"""Indexes of every collection. They begin with the tenant, except where a comment says why."""

from pymongo import ASCENDING, DESCENDING, IndexModel

from kit.outbox.entries import INDEX as OUTBOX
from services.tenancy.adapters.mongo.documents import (
    AUDIT,
    MEMBERSHIPS,
    MISSING_ACCOUNTS,
    PROJECTS,
    SEEN_TOKENS,
    SIGNING_KEYS,
    SITE_CLAIMS,
    SITE_WEBHOOKS,
    TENANTS,
    TOKENS,
)

INDEXES = {
    TENANTS: [
        # the look-up that finds the tenant cannot begin with it
        IndexModel(
            [("install.client_key_hash", ASCENDING)],
            unique=True,
            partialFilterExpression={"install.client_key_hash": {"$type": "string"}},
        ),
        IndexModel(
            [("forge.installation_id", ASCENDING)],
            unique=True,
            partialFilterExpression={"forge.installation_id": {"$type": "string"}},
        ),
        # an orphaned tenant keeps the id and address of the site that it was on
        IndexModel([("cloud_id", ASCENDING)], sparse=True),
        IndexModel([("site_url", ASCENDING)], sparse=True),
        IndexModel([("install.installation_id", ASCENDING)], sparse=True),
        # for upkeep of all tenants: who is due
        IndexModel([("status", ASCENDING), ("facts.read_at", ASCENDING)]),
        IndexModel([("status", ASCENDING), ("install.installed.iat", ASCENDING)]),
        OUTBOX,
    ],
    # the collection is there before a transaction writes to it: several at once cannot make it
    SITE_CLAIMS: [IndexModel([("tenant", ASCENDING)])],
    PROJECTS: [
        IndexModel([("tenant", ASCENDING), ("key", ASCENDING)], unique=True),
        IndexModel([("tenant", ASCENDING), ("jira_project_id", ASCENDING)], unique=True),
        OUTBOX,
    ],
    MEMBERSHIPS: [
        IndexModel([("tenant", ASCENDING), ("account_id", ASCENDING)]),
        # for upkeep of all tenants
        IndexModel([("resolved_at", ASCENDING)]),
        IndexModel([("seen_at", ASCENDING)]),
        OUTBOX,
    ],
    TOKENS: [
        IndexModel([("tenant", ASCENDING), ("created_at", DESCENDING)]),
        IndexModel([("tenant", ASCENDING), ("revoked_at", ASCENDING)]),
        IndexModel([("tenant", ASCENDING), ("account_id", ASCENDING), ("created_at", DESCENDING)]),
        OUTBOX,
    ],
    # belong to no tenant
    SIGNING_KEYS: [IndexModel([("generation", ASCENDING)], unique=True), OUTBOX],
    # MongoDB's own sweeper needs it alone
    SEEN_TOKENS: [IndexModel([("until", ASCENDING)], expireAfterSeconds=0)],
    MISSING_ACCOUNTS: [
        IndexModel([("tenant", ASCENDING), ("account_id", ASCENDING)]),
        # MongoDB's own sweeper needs it alone
        IndexModel([("since", ASCENDING)], expireAfterSeconds=7 * 24 * 3600),
    ],
    # for upkeep of all tenants: the next look at each
    SITE_WEBHOOKS: [IndexModel([("due_at", ASCENDING)])],
    AUDIT: [
        IndexModel([("tenant", ASCENDING), ("at", ASCENDING)]),
        # for upkeep of all tenants: where something changed
        IndexModel([("at", ASCENDING)]),
    ],
}
