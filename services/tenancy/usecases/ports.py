"""Ports that several use cases share. Adapters implement them; the composition root decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from contracts.usage import ProductEvent, UsageEventName
from kit.errors import Unavailable
from kit.version import VERSION
from services.tenancy.domain.audit import Action, Actor
from services.tenancy.domain.projects import Project
from services.tenancy.domain.secret import Place, Sealed, Secret
from services.tenancy.domain.signing_keys import SigningKey
from services.tenancy.domain.tenants import Tenant
from services.tenancy.domain.tokens import ApiToken


class ChangedMeanwhile(Exception):
    """Another writer was first: read again and decide again."""


@dataclass(frozen=True)
class By:
    """Who asks, and how the request came."""

    actor: Actor
    url_path: str | None = None
    user_agent: str | None = None

    def usage(self, name: UsageEventName, *, project: int | None = None) -> ProductEvent:
        """Build the product event of what was asked."""
        return ProductEvent(
            name=name.value,
            account_id=self.actor.account_id,
            url_path=self.url_path,
            user_agent=self.user_agent,
            app_version=VERSION,
            project=project,
        )


@dataclass(frozen=True)
class Note:
    """What is stored with a change, in the same transaction: audit row and usage event.

    The state event goes with every change.
    """

    action: Action
    by: By
    usage: ProductEvent | None = None


class TenantStore(Protocol):
    """Tenants. ``add`` and ``replace`` raise ``ChangedMeanwhile``."""

    async def get(self, tenant: str) -> Tenant | None:
        """Return a tenant by id."""
        ...

    async def by_client_key(self, client_key_hash: str) -> Tenant | None:
        """Return the tenant whose Jira site has this client key."""
        ...

    async def all(self) -> Sequence[Tenant]:
        """Return every tenant, oldest first."""
        ...

    async def add(self, tenant: Tenant, note: Note) -> None:
        """Store a new tenant."""
        ...

    async def replace(self, tenant: Tenant, note: Note) -> None:
        """Store a change of the tenant that was read at ``tenant.rev``."""
        ...

    async def wipe_replaced_secrets(self, now: datetime) -> None:
        """Forget previous secrets whose time is over."""
        ...


class ProjectStore(Protocol):
    """Projects of one tenant at a time. ``add`` and ``replace`` raise ``ChangedMeanwhile``."""

    async def all(self, tenant: str) -> Sequence[Project]:
        """Return every project of the tenant, by id."""
        ...

    async def add(self, tenant: str, project: Project, note: Note) -> None:
        """Store a new project; its id, key and Jira id must be new to the tenant."""
        ...

    async def replace(self, tenant: str, project: Project, note: Note) -> None:
        """Store a change of the project that was read at ``project.rev``."""
        ...


class TokenStore(Protocol):
    """Records of API tokens. ``replace`` raises ``ChangedMeanwhile``."""

    async def add(self, tenant: str, token: ApiToken, note: Note) -> None:
        """Store the record of a new token."""
        ...

    async def get(self, tenant: str, token: str) -> ApiToken | None:
        """Return one record."""
        ...

    async def all(self, tenant: str) -> Sequence[ApiToken]:
        """Return the records of the tenant, newest first."""
        ...

    async def of_account(self, tenant: str, account: str) -> Sequence[ApiToken]:
        """Return the records of the tokens that act for an account, newest first."""
        ...

    async def holders(self, tenant: str, at: datetime, account: str | None = None) -> Sequence[str]:
        """Return the accounts that tokens act for which are good and expire later, sorted.

        With an ``account`` that one only, if it has any.
        """
        ...

    async def unexpired(self, tenant: str, account: str, at: datetime) -> int:
        """Return how many tokens of an account expire later, revoked ones included."""
        ...

    async def replace(self, tenant: str, token: ApiToken, note: Note) -> None:
        """Store a change of the record that was read at ``token.rev``."""
        ...

    async def revoked(self, tenant: str) -> frozenset[str]:
        """Return the ids of revoked tokens that have not expired long ago."""
        ...

    async def used(self, uses: Mapping[tuple[str, str], datetime]) -> None:
        """Move forward when tokens, by tenant and id, were last used.

        It is no change of the record: no revision, no event, so nothing else is lost to it.
        """
        ...

    async def forget_expired_revocations(self, expired_before: datetime) -> None:
        """Publish tombstones for revocations of tokens that are refused for their age anyway."""
        ...


class SigningKeyStore(Protocol):
    """Signing keys. ``add`` and ``replace`` raise ``ChangedMeanwhile``."""

    async def all(self) -> Sequence[SigningKey]:
        """Return every key, oldest first."""
        ...

    async def add(self, key: SigningKey, note: Note) -> None:
        """Store a new key; its generation must be new."""
        ...

    async def replace(self, key: SigningKey) -> None:
        """Store a change of the key that was read at ``key.rev``."""
        ...


class SealBroken(Unavailable):
    """A sealed secret was changed, moved to another place, or sealed with another master key.

    503 for whoever needed it: an operator may yet name the key. Its text says what is wrong, the
    message, which goes to clients, does not.
    """

    def __init__(self, reason: str) -> None:
        super().__init__("A stored secret cannot be opened at present.", retry_after=60)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class KeyProvider(Protocol):
    """Holds the keys that wrap data keys: a file, or a key service that never hands them out."""

    @property
    def key_id(self) -> str:
        """Return the id of the key that wraps, as it is stored with what it wrapped."""
        ...

    async def wrap(self, data_key: Secret, place: Place) -> tuple[str, bytes]:
        """Return the id of the wrapping key and the wrapped data key, bound to the place.

        Raise ``Unavailable`` when a key service does not answer.
        """
        ...

    async def unwrap(self, key_id: str, wrapped: bytes, place: Place) -> Secret:
        """Return the data key; raise ``SealBroken`` or ``Unavailable``."""
        ...


class Vault(Protocol):
    """Seals secrets for one place each."""

    async def seal(self, secret: Secret, place: Place) -> Sealed:
        """Encrypt under a fresh data key."""
        ...

    async def open(self, sealed: Sealed, place: Place) -> Secret:
        """Decrypt; raise ``SealBroken`` when it was changed or belongs elsewhere."""
        ...

    async def rewrap(self, sealed: Sealed, place: Place) -> Sealed:
        """Wrap its data key with the current key; the ciphertext stays. Raises as ``open``."""
        ...


class ClientKeyIndex(Protocol):
    """Keyed hash by which a tenant is found from Jira's client key."""

    def hash(self, client_key: str) -> str:
        """Return the hash, hex."""
        ...
