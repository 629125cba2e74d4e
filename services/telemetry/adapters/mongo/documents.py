"""Documents of telemetry's own collections, each field with its data class."""

from datetime import datetime
from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from contracts.classes import DataClass

PSEUDONYM_KEYS = "pseudonym_keys"
TENANT_HANDLES = "tenant_handles"
CONSENTS = "consents"
BUGSNAG_SENT = "bugsnag_sent"


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


DOCUMENTS: dict[str, type] = {
    PSEUDONYM_KEYS: PseudonymKeyDocument,
    TENANT_HANDLES: TenantHandleDocument,
    CONSENTS: ConsentDocument,
    BUGSNAG_SENT: BugsnagSentDocument,
}
"""Collection to document, for the data inventory."""
