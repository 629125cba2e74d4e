"""The outbox of each collection: which documents the relay reads and what it sends for them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from contracts.base import Contract
from contracts.envelope import Event
from contracts.topics import (
    MEMBERSHIP_STATE,
    PERMISSIONS_STATE,
    PROJECT_STATE,
    SIGNING_KEY_STATE,
    TENANT_STATE,
    TOKEN_REVOCATION_STATE,
    USAGE,
    Topic,
)
from contracts.usage import ProductEvent
from kit.ids import stable_uuid
from kit.kafka.client import Names
from kit.kafka.records import Outgoing, outgoing, tombstone
from kit.outbox.relay import Source
from services.tenancy.adapters.mongo import (
    memberships,
    permissions,
    projects,
    signing_keys,
    tenants,
    tokens,
)
from services.tenancy.adapters.mongo.changes import USAGE as USAGE_ENTRY
from services.tenancy.adapters.mongo.documents import (
    MEMBERSHIPS,
    PROJECTS,
    SIGNING_KEYS,
    TENANTS,
    TOKENS,
)
from services.tenancy.domain.signing_keys import NO_TENANT

_SOURCE = "ostro/tenancy"
Row = Mapping[str, Any]


def sources(names: Names) -> Sequence[Source]:
    """Return what the relay drains, keys and tenants before what depends on them."""
    render = _Renderer(names)
    return (
        Source(SIGNING_KEYS, render.signing_key),
        Source(TENANTS, render.tenant),
        Source(PROJECTS, render.project),
        Source(TOKENS, render.token),
        Source(MEMBERSHIPS, render.membership, purge_deleted=True),
    )


class _Renderer:
    """(document, entry) to records. State is that of the current document."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def tenant(self, row: Row, pending: Row) -> Sequence[Outgoing]:
        """A tenant's state, or what happened to it."""
        tenant = row["_id"]
        if pending["kind"] == USAGE_ENTRY:
            return [self._usage(tenant, pending)]
        state = tenants.load(row).state()
        return [self._state(TENANT_STATE, tenant, tenant, tenant, state, row, pending)]

    def project(self, row: Row, pending: Row) -> Sequence[Outgoing]:
        """A project's state and permissions, or what happened to it."""
        tenant, project = row["tenant"], projects.load(row)
        if pending["kind"] == USAGE_ENTRY:
            return [self._usage(tenant, pending)]
        subject = str(project.id)
        key = f"{tenant}/{subject}"
        sent = [self._state(PROJECT_STATE, key, subject, tenant, project.state(), row, pending)]
        scheme = permissions.load(row)
        if scheme is not None:
            sent.insert(
                0, self._state(PERMISSIONS_STATE, key, subject, tenant, scheme, row, pending)
            )
        return sent

    def membership(self, row: Row, pending: Row) -> Sequence[Outgoing]:
        """What a user is a member of; a tombstone once it was forgotten."""
        tenant, member = row["tenant"], memberships.load(row)
        key = f"{tenant}/{member.account_id}"
        if row["deleted"]:
            return [tombstone(self._names.topic(MEMBERSHIP_STATE), key, row["rev"])]
        return [self._state(MEMBERSHIP_STATE, key, member.account_id, tenant, member, row, pending)]

    def signing_key(self, row: Row, pending: Row) -> Sequence[Outgoing]:
        """The public half of a key."""
        key = signing_keys.load(row)
        return [
            self._state(SIGNING_KEY_STATE, key.kid, key.kid, NO_TENANT, key.state(), row, pending)
        ]

    def token(self, row: Row, pending: Row) -> Sequence[Outgoing]:
        """A revocation (a tombstone once it is not needed), or what happened to the token."""
        tenant, token = row["tenant"], tokens.load(row)
        if pending["kind"] == USAGE_ENTRY:
            return [self._usage(tenant, pending)]
        key, topic = f"{tenant}/{token.id}", TOKEN_REVOCATION_STATE
        if row["forgotten"]:
            return [tombstone(self._names.topic(topic), key, row["rev"])]
        revocation = token.revocation()
        if revocation is None:
            return []
        return [self._state(topic, key, token.id, tenant, revocation, row, pending)]

    def _state(
        self,
        topic: Topic,
        key: str,
        subject: str,
        tenant: str,
        state: Contract,
        row: Row,
        pending: Row,
    ) -> Outgoing:
        event = Event[Any](
            id=stable_uuid(topic.name, key, row["rev"]),
            source=_SOURCE,
            type=topic.type,
            subject=subject,
            time=_moment(pending),
            tenantid=tenant,
            sequence=row["rev"],
            traceparent=pending["trace"],
            data=state,
        )
        return outgoing(self._names.topic(topic), key, event)

    def _usage(self, tenant: str, pending: Row) -> Outgoing:
        event = Event[ProductEvent](
            id=pending["id"],
            source=_SOURCE,
            type=USAGE.type,
            subject=tenant,
            time=_moment(pending),
            tenantid=tenant,
            traceparent=pending["trace"],
            data=ProductEvent.model_validate(pending["data"]),
        )
        return outgoing(self._names.topic(USAGE), tenant, event)


def _moment(pending: Row) -> datetime:
    return datetime.fromtimestamp(pending["seq"] / 1000, UTC)
