"""What tenancy would publish, for tests of the other services.

Tenants, projects, keys, tokens, permissions and memberships.

States go to the real topics, tokens are signed for real (ES256); nothing answers /internal, so a
question that a service asks tenancy about something unknown here ends in 503.
"""

import contextlib
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from contracts.base import Contract
from contracts.envelope import Event
from contracts.ids import MAX_PROJECT_ID
from contracts.permissions import Grant, Membership, ProjectPermissions, RoleMembership
from contracts.tenancy import (
    ProjectState,
    SigningKeyState,
    TenantState,
    TenantStatus,
    TokenRevocation,
)
from contracts.topics import (
    MEMBERSHIP_STATE,
    PERMISSIONS_STATE,
    PROJECT_STATE,
    SIGNING_KEY_STATE,
    TENANT_STATE,
    TOKEN_REVOCATION_STATE,
    Topic,
)
from kit.auth.api_tokens import ALGORITHM, ISSUER
from kit.auth.principal import Scope
from kit.clock import Clock, SystemClock
from kit.ids import stable_uuid
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.kafka.records import outgoing
from tests.harness.installation import Installation

EVERY_SCOPE = tuple(Scope)
ACCOUNT = "5b10ac8d82e05b22cc7d4ef5"
"""Whose tokens are, unless told otherwise."""
_SITE = "https://{tenant}.atlassian.net"


class TenancyWorld:
    """Publishes states with rising revisions; every change is awaited until Kafka has it."""

    def __init__(self, publisher: Publisher, names: Names, clock: Clock, cell: str) -> None:
        self._publisher = publisher
        self._names = names
        self._clock = clock
        self._cell = cell
        self._revisions: defaultdict[str, int] = defaultdict(int)
        self._kid = f"kid-{secrets.token_hex(4)}"
        self._key = ec.generate_private_key(ec.SECP256R1())

    async def publish_signing_key(self) -> None:
        """Publish the public half of the key that signs ``token``."""
        public = self._key.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
        state = SigningKeyState(
            kid=self._kid, public_pem=public.decode(), not_before=self._clock.now()
        )
        await self._publish(SIGNING_KEY_STATE, "", self._kid, state)

    async def tenant(
        self,
        name: str | None = None,
        *,
        status: TenantStatus = TenantStatus.ACTIVE,
        cell: str | None = None,
        jira: bool = True,
        **fields: Any,
    ) -> str:
        """Publish a tenant (again, with another state, when the name is known); return its id.

        ``fields`` as in ``TenantState``.
        """
        tenant = name or f"ten{secrets.token_hex(5)}"
        site = _SITE.format(tenant=tenant) if jira else None
        cell = cell or self._cell
        state = TenantState(tenant=tenant, status=status, cell=cell, **{"site_url": site, **fields})
        await self._publish(TENANT_STATE, tenant, tenant, state)
        return tenant

    async def project(self, tenant: str, key: str = "DEMO", **fields: Any) -> ProjectState:
        """Publish an enabled project with a random id; ``fields`` as in ``ProjectState``."""
        project = fields.pop("id", None) or 1 + secrets.randbelow(MAX_PROJECT_ID)
        values = {"jira_project_id": 10_000 + project, "enabled": True} | fields
        return await self.publish_project(tenant, ProjectState(id=project, key=key, **values))

    async def publish_project(self, tenant: str, state: ProjectState) -> ProjectState:
        """Publish a project's state; change one with ``state.model_copy(update={...})``."""
        await self._publish(PROJECT_STATE, tenant, f"{tenant}/{state.id}", state)
        return state

    async def permissions(
        self, tenant: str, project: ProjectState, *grants: Grant, enforced: bool = True
    ) -> None:
        """Publish the scheme of a project, and whether it is enforced."""
        state = ProjectPermissions(project=project.id, enforced=enforced, grants=grants)
        await self._publish(PERMISSIONS_STATE, tenant, f"{tenant}/{project.id}", state)
        await self.publish_project(tenant, project.model_copy(update={"enforced": enforced}))

    async def membership(
        self,
        tenant: str,
        account_id: str = ACCOUNT,
        *,
        groups: Sequence[str] = (),
        roles: Mapping[int, Sequence[str]] | None = None,
        active: bool = True,
        resolved_at: datetime | None = None,
    ) -> Membership:
        """Publish what a user is a member of, resolved now unless told otherwise."""
        state = Membership(
            account_id=account_id,
            active=active,
            groups=tuple(groups),
            roles=tuple(
                RoleMembership(project=project, roles=tuple(held))
                for project, held in (roles or {}).items()
            ),
            resolved_at=resolved_at or self._clock.now(),
        )
        await self._publish(MEMBERSHIP_STATE, tenant, f"{tenant}/{account_id}", state)
        return state

    def token(
        self,
        tenant: str,
        *,
        scopes: Sequence[Scope] = EVERY_SCOPE,
        projects: Sequence[int] | None = None,
        account_id: str | None = ACCOUNT,
        token_id: str | None = None,
        life: timedelta = timedelta(days=365),
        cell: str | None = None,
    ) -> str:
        """Mint an API token in the shape that ``kit.auth.api_tokens`` expects."""
        now = self._clock.now()
        claims = {
            "iss": ISSUER,
            "sub": tenant,
            "iat": int(now.timestamp()),
            "exp": int((now + life).timestamp()),
            "jti": token_id or secrets.token_hex(8),
            "context": {
                "baseUrl": _SITE.format(tenant=tenant),
                "user": {"accountId": account_id},
            },
            "ostro": {
                "tenant": tenant,
                "cell": cell or self._cell,
                "scopes": sorted(scopes),
                "projects": None if projects is None else list(projects),
            },
        }
        pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return jwt.encode(claims, pem, algorithm=ALGORITHM, headers={"kid": self._kid})

    def headers(self, tenant: str, **claims: Any) -> dict[str, str]:
        """Return request headers with a fresh token."""
        return {"authorization": f"Bearer {self.token(tenant, **claims)}"}

    async def revoke(self, tenant: str, token_id: str) -> None:
        """Publish the revocation of a token."""
        now = self._clock.now()
        state = TokenRevocation(
            token_id=token_id, revoked_at=now, expires_at=now + timedelta(days=365)
        )
        await self._publish(TOKEN_REVOCATION_STATE, tenant, f"{tenant}/{token_id}", state)

    async def _publish(self, topic: Topic, tenant: str, key: str, state: Contract) -> None:
        self._revisions[f"{topic.name}/{key}"] += 1
        sequence = self._revisions[f"{topic.name}/{key}"]
        event: Event[Any] = Event(
            id=stable_uuid(topic.name, key, sequence),
            source="ostro/tenancy",
            type=topic.type,
            subject=key.removeprefix(f"{tenant}/"),
            time=self._clock.now(),
            tenantid=tenant,
            sequence=sequence,
            data=state,
        )
        await self._publisher.send([outgoing(self._names.topic(topic), key, event)])


@contextlib.asynccontextmanager
async def tenancy_world(
    installation: Installation, *, clock: Clock | None = None, cell: str = "local"
) -> AsyncIterator[TenancyWorld]:
    """Yield a world on the installation's topics; its signing key is published already."""
    publisher = Publisher(installation.kafka, client_id="test-tenancy-world")
    world = TenancyWorld(publisher, Names(installation.prefix), clock or SystemClock(), cell)
    try:
        await world.publish_signing_key()
        yield world
    finally:
        await publisher.stop()
