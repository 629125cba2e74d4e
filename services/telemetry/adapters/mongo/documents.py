"""Documents of telemetry's own collections, each field with its data class."""

from datetime import datetime
from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from contracts.classes import DataClass

PSEUDONYM_KEYS = "pseudonym_keys"
TENANT_HANDLES = "tenant_handles"
CONSENTS = "consents"
BUGSNAG_SENT = "bugsnag_sent"
ERASURES = "erasures"
SUPPRESSED_ACCOUNTS = "suppressed_accounts"
SUPPRESSED_USERS = "suppressed_users"
BEAMER_USERS = "beamer_users"
BEAMER_QUOTA = "beamer_quota"


class PseudonymKeyDocument(TypedDict):
    """The key of one tenant and epoch, or what is left of it. ``_id`` is ``tenant/epoch``."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    epoch: Annotated[str, DataClass.OPERATIONAL]
    sealed: NotRequired[Annotated[bytes, DataClass.SECRET]]
    """AES-256-GCM under the wrapping key. Absent once it is destroyed: a tombstone is left."""
    created_at: NotRequired[Annotated[datetime, DataClass.OPERATIONAL]]
    destroyed_at: NotRequired[Annotated[datetime, DataClass.OPERATIONAL]]
    destroyed_by: NotRequired[Annotated[str, DataClass.OPERATIONAL]]
    """Id of the API token, or the name of the tool; never a person."""


class TenantHandleDocument(TypedDict):
    """The random name that anonymous events carry of a tenant. ``_id`` is the tenant."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    handle: Annotated[str, DataClass.PSEUDONYM]


class ConsentDocument(TypedDict):
    """What a tenant consents to. ``_id`` is the tenant."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    processors: Annotated[list[str], DataClass.OPERATIONAL]
    keep_keys: NotRequired[Annotated[bool, DataClass.OPERATIONAL]]
    """Whether issue and test keys may stay in URL paths."""
    changed_at: Annotated[datetime, DataClass.OPERATIONAL]
    changed_by: Annotated[str, DataClass.OPERATIONAL]
    """Id of the API token, or the name of the tool; never a person."""


class BugsnagSentDocument(TypedDict):
    """A diagnostic that BugSnag has accepted. ``_id`` is the id it was sent with."""

    _id: Annotated[str, DataClass.PSEUDONYM]
    at: Annotated[datetime, DataClass.OPERATIONAL]


class ErasurePart(TypedDict):
    """One request to a processor."""

    processor: Annotated[str, DataClass.OPERATIONAL]
    ids: Annotated[list[str], DataClass.PSEUDONYM]
    state: Annotated[str, DataClass.OPERATIONAL]
    reference: Annotated[str | None, DataClass.OPERATIONAL]
    """What the processor calls it."""
    reason: Annotated[str | None, DataClass.OPERATIONAL]
    attempts: Annotated[int, DataClass.OPERATIONAL]
    next_at: Annotated[datetime, DataClass.OPERATIONAL]


class ErasureDocument(TypedDict):
    """A request for erasure: pseudonyms, never the account. ``_id`` is ``tenant/id``."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    id: Annotated[str, DataClass.OPERATIONAL]
    subject: Annotated[str, DataClass.OPERATIONAL]
    digest: NotRequired[Annotated[str, DataClass.PSEUDONYM]]
    """Keyed hash of the account, by which a repeat is told. Absent once it has ended."""
    parts: Annotated[list[ErasurePart], DataClass.OPERATIONAL]
    requested_at: Annotated[datetime, DataClass.OPERATIONAL]
    requested_by: Annotated[str, DataClass.OPERATIONAL]
    """Id of the API token, or the name of the tool; never a person."""
    next_at: NotRequired[Annotated[datetime, DataClass.OPERATIONAL]]
    """Absent once it has ended."""
    ended_at: NotRequired[Annotated[datetime, DataClass.OPERATIONAL]]
    keys_destroyed: NotRequired[Annotated[int, DataClass.OPERATIONAL]]


class SuppressedAccountDocument(TypedDict):
    """An account whose events are dropped. ``_id`` is ``tenant/digest``."""

    _id: Annotated[str, DataClass.PSEUDONYM]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    digest: Annotated[str, DataClass.PSEUDONYM]
    at: Annotated[datetime, DataClass.OPERATIONAL]


class SuppressedUserDocument(TypedDict):
    """A pseudonym of such an account, while events of it may be on their way. ``_id`` is it."""

    _id: Annotated[str, DataClass.PSEUDONYM]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    at: Annotated[datetime, DataClass.OPERATIONAL]


class BeamerUserDocument(TypedDict):
    """Whom Beamer knows, and with what. ``_id`` is ``tenant/user``."""

    _id: Annotated[str, DataClass.PSEUDONYM]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    user: Annotated[str, DataClass.PSEUDONYM]
    attributes: Annotated[str, DataClass.PSEUDONYM]
    """Hash of the attributes that were sent."""
    at: Annotated[datetime, DataClass.OPERATIONAL]


class BeamerQuotaDocument(TypedDict):
    """Requests of a month or a second, or the circuit. ``_id`` says which."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    requests: NotRequired[Annotated[int, DataClass.OPERATIONAL]]
    until: NotRequired[Annotated[datetime, DataClass.OPERATIONAL]]
    """The circuit is open until then."""
    at: NotRequired[Annotated[datetime, DataClass.OPERATIONAL]]


DOCUMENTS: dict[str, type] = {
    PSEUDONYM_KEYS: PseudonymKeyDocument,
    TENANT_HANDLES: TenantHandleDocument,
    CONSENTS: ConsentDocument,
    BUGSNAG_SENT: BugsnagSentDocument,
    ERASURES: ErasureDocument,
    SUPPRESSED_ACCOUNTS: SuppressedAccountDocument,
    SUPPRESSED_USERS: SuppressedUserDocument,
    BEAMER_USERS: BeamerUserDocument,
    BEAMER_QUOTA: BeamerQuotaDocument,
}
"""Collection to document, for the data inventory."""
