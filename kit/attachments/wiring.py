"""Puts attachments of one service together, as its settings say."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from pymongo import IndexModel

from kit.attachments import gridfs, rows
from kit.attachments.attachments import Attachments
from kit.attachments.gridfs import ChunkDocument, FileDocument, GridFsBytes
from kit.attachments.moving import INDEX as MOVING_INDEX
from kit.attachments.moving import MovingAttachments
from kit.attachments.rows import AttachmentDocument, AttachmentRows
from kit.attachments.settings import AttachmentSettings, StoreKind
from kit.attachments.store import ByteStore
from kit.attachments.sweeping import Sweeper
from kit.counters import Counters
from kit.leases import Lease
from kit.service import Background, Role, Runtime

S = TypeVar("S", bound=AttachmentSettings)

INDEXES: dict[str, list[IndexModel]] = {
    rows.COLLECTION: [*rows.INDEXES[rows.COLLECTION], MOVING_INDEX],
    **gridfs.INDEXES,
}
DOCUMENTS: dict[str, type] = {
    rows.COLLECTION: AttachmentDocument,
    gridfs.FILES: FileDocument,
    gridfs.CHUNKS: ChunkDocument,
}
_TURN = timedelta(seconds=60)


@dataclass(frozen=True)
class Wired:
    """What a service's ``build`` needs. ``attachments.close`` belongs to its closers."""

    attachments: Attachments
    background: Background
    moving: MovingAttachments


def wired(runtime: Runtime[S], counters: Counters) -> Wired:
    """Return the attachments of a service, and what sweeps behind them."""
    kept, store = AttachmentRows(runtime.database), _store(runtime)
    most, clock = runtime.settings.attachment_max_bytes, runtime.clock
    turn = Lease(runtime.database["leases"], "attachments", runtime.instance, _TURN, clock)
    return Wired(
        Attachments(kept, store, counters, clock, most),
        Background(Role.API, Sweeper(kept, store, turn, clock).run),
        MovingAttachments(runtime.database, store, counters, clock),
    )


def _store(runtime: Runtime[S]) -> ByteStore:
    settings = runtime.settings
    if settings.attachment_store is StoreKind.GRIDFS:
        return GridFsBytes(runtime.database, runtime.clock)
    # needs the extra "s3"
    from kit.attachments.s3 import S3Bytes  # noqa: PLC0415

    endpoint = settings.s3_endpoint
    bucket = str(settings.s3_bucket)
    return S3Bytes(bucket, runtime.service, str(endpoint) if endpoint is not None else None)
