"""What is stored of a block: the stamps of its segments and who writes to them at present."""

from datetime import datetime
from typing import Annotated

from pymongo import ASCENDING, IndexModel
from typing_extensions import TypedDict

from contracts.classes import DataClass

BLOCKS = "segment_blocks"


class StoredClaim(TypedDict):
    """Somebody may write to these ids."""

    token: Annotated[str, DataClass.OPERATIONAL]
    first: Annotated[int, DataClass.OPERATIONAL]
    end: Annotated[int, DataClass.OPERATIONAL]
    owner: Annotated[int | None, DataClass.OPERATIONAL]
    """What every id of the range belongs to, where that is one thing."""
    until: Annotated[datetime | None, DataClass.OPERATIONAL]
    """After that the writer is dead; None: whoever began it will end it."""


class StoredBlock(TypedDict):
    """One block of a tenant. ``_id`` is tenant/block."""

    _id: Annotated[str, DataClass.OPERATIONAL]
    tenant: Annotated[str, DataClass.OPERATIONAL]
    block: Annotated[int, DataClass.OPERATIONAL]
    rev: Annotated[int, DataClass.OPERATIONAL]
    """Grows with every change."""
    stamps: Annotated[dict[str, str], DataClass.OPERATIONAL]
    """By the segment's place: which writer claimed it last. A summary of another stamp is void."""
    claims: list[StoredClaim]


INDEXES = [
    IndexModel([("tenant", ASCENDING), ("block", ASCENDING), ("rev", ASCENDING)], name="block"),
    # exempt from the tenant-first rule: a sweeper's, for what dead writers left
    IndexModel(
        [("claims.until", ASCENDING)],
        name="expired",
        partialFilterExpression={"claims.until": {"$exists": True}},
    ),
]


def block_id(tenant: str, block: int) -> str:
    """Return the id of a block's document."""
    return f"{tenant}/{block}"
