"""The envelope of every Kafka record: CloudEvents 1.0 attribute names around a typed payload."""

from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from contracts.base import Contract
from contracts.classes import DataClass

T = TypeVar("T")


class Event(Contract, Generic[T]):
    """One fact. ``id`` is the idempotency key, ``sequence`` the revision of the subject."""

    specversion: Annotated[Literal["1.0"], DataClass.OPERATIONAL] = "1.0"
    id: Annotated[str, DataClass.OPERATIONAL]
    """UUIDv7, or UUIDv5 where the same fact may be published twice."""
    source: Annotated[str, DataClass.OPERATIONAL]
    """Service that owns the fact, for example ``ostro/executions``."""
    type: Annotated[str, DataClass.OPERATIONAL]
    """Name and major version, for example ``ostro.testcases.testcase.state.v1``."""
    subject: Annotated[str, DataClass.OPERATIONAL]
    """What the fact is about; on state topics the record key without the tenant."""
    time: Annotated[datetime, DataClass.OPERATIONAL]
    tenantid: Annotated[str, DataClass.OPERATIONAL]
    sequence: Annotated[int, DataClass.OPERATIONAL] = 0
    traceparent: Annotated[str | None, DataClass.OPERATIONAL] = None
    data: Annotated[T, Field()]
