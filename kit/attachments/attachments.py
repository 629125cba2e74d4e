"""Attachments: upload as a stream, list, read as a stream. Constant memory both ways."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta

import structlog

from contracts.ids import project_of, public_id
from kit.attachments.rows import Attachment, AttachmentRows, Place, key_of
from kit.attachments.slots import Slots
from kit.attachments.store import ByteStore, Damaged
from kit.clock import Clock
from kit.counters import Counters
from kit.errors import InvalidInput, OstroError, TooLarge, Unavailable
from kit.mongo import MongoError

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=5)
"""How long an upload lives without a renewal; a store's own deadlines are shorter."""
SETTLE = timedelta(minutes=2)
"""Writes that were on their way when an upload ended have arrived or failed by then."""
_RENEW = timedelta(seconds=30)
_IDLE_SECONDS = 60.0
_PARALLEL = 8
_PATIENCE_SECONDS = 30.0


class Attachments:
    """What a service owns has attachments by place. Nobody's rights are looked at here."""

    def __init__(
        self,
        rows: AttachmentRows,
        store: ByteStore,
        counters: Counters,
        clock: Clock,
        max_bytes: int,
        idle_seconds: float = _IDLE_SECONDS,
    ) -> None:
        self._rows = rows
        self._store = store
        self._counters = counters
        self._clock = clock
        self._max_bytes = max_bytes
        self._idle = idle_seconds
        self._slots = Slots(_PARALLEL, _PATIENCE_SECONDS)
        self._ending: set[asyncio.Task[None]] = set()

    async def of(self, tenant: str, place: Place) -> Sequence[tuple[int, str]]:
        """Return ids and names of what is attached, oldest first."""
        return await self._rows.of(tenant, place)

    async def get(self, tenant: str, place: Place, ident: int) -> Attachment | None:
        """Return one that is attached there."""
        return await self._rows.get(tenant, place, ident)

    async def add(
        self,
        tenant: str,
        place: Place,
        name: str,
        content_type: str,
        declared: int | None,
        pieces: AsyncIterator[bytes],
    ) -> int:
        """Store a file; return its id. It shows when all of it is stored, or never.

        ``declared`` is how many bytes the client means to send, if it said so. Raises
        ``InvalidInput`` for no bytes, fewer or more than declared, or a body that stops arriving;
        ``TooLarge``; ``TooManyRequests``; ``Unavailable``.
        """
        if declared is not None and declared > self._max_bytes:
            raise self._too_large()
        async with self._slots.one(tenant):
            project = project_of(place.entity)
            number = await self._counters.reserve(f"{tenant}/{project}/attachment")
            ident, now = public_id(project, number), self._clock.now()
            await self._rows.begin(tenant, place, ident, name, content_type, now, now + LEASE)
            try:
                await self._receive(tenant, ident, declared, pieces)
            except BaseException:
                await self._end(tenant, ident)
                raise
            return ident

    async def remove(self, tenant: str, kind: str, entity: int, parts: Collection[int]) -> None:
        """Remove what is attached to parts of an entity that are no more, uploads too.

        It shows no longer when this returns; its bytes go with the sweeper.
        """
        await self._rows.remove(tenant, kind, entity, parts, self._clock.now())

    async def remove_one(self, tenant: str, place: Place, ident: int) -> bool:
        """Remove one; False when there is none there. It shows no longer when this returns."""
        return await self._rows.drop_one(tenant, place, ident, self._clock.now())

    def read(
        self, found: Attachment, start: int = 0, size: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the bytes, or ``size`` of them from an offset on.

        Of a whole file the checksum is compared before the last piece is yielded: ``Damaged``.
        """
        if size is None:
            return _verified(found, self._store.open(found.key, 0, found.size))
        return self._store.open(found.key, start, size)

    async def close(self) -> None:
        """Wait for ends of uploads, then close the store."""
        if self._ending:
            await asyncio.wait(self._ending, timeout=10)
        await self._store.close()

    async def _receive(
        self, tenant: str, ident: int, declared: int | None, pieces: AsyncIterator[bytes]
    ) -> None:
        digest, size = hashlib.sha256(), 0
        renewed = self._clock.now()

        async def measured() -> AsyncGenerator[bytes, None]:
            nonlocal size, renewed
            async for piece in _arriving(pieces, self._idle):
                size += len(piece)
                if size > self._max_bytes:
                    raise self._too_large()
                digest.update(piece)
                renewed = await self._renew(tenant, ident, renewed)
                yield piece
            if not size:
                raise InvalidInput("The request body must not be empty.")
            if declared is not None and size != declared:
                raise InvalidInput("The request body is not as long as its Content-Length says.")

        async with aclosing(measured()) as stream:
            await self._store.put(key_of(tenant, ident), stream)
        now = self._clock.now()
        if not await self._rows.stored(tenant, ident, size, digest.hexdigest(), now):
            raise _given_up()

    async def _renew(self, tenant: str, ident: int, renewed: datetime) -> datetime:
        now = self._clock.now()
        if now - renewed < _RENEW:
            return renewed
        if not await self._rows.renew(tenant, ident, now + LEASE):
            raise _given_up()
        return now

    async def _end(self, tenant: str, ident: int) -> None:
        """Leave nothing of an upload that failed, also when its request is cancelled."""
        task = asyncio.create_task(self._remove(tenant, ident))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        await asyncio.shield(task)

    async def _remove(self, tenant: str, ident: int) -> None:
        try:
            # stored after all, when only the answer to that write was lost: then it stays
            if await self._rows.give_up(tenant, ident, self._clock.now() + SETTLE):
                await self._store.delete(key_of(tenant, ident))
        except (MongoError, OstroError, Damaged) as error:
            log.warning("remains of an upload wait for the sweeper", cause=type(error).__name__)

    def _too_large(self) -> TooLarge:
        return TooLarge(
            f"The file is larger than {self._max_bytes} bytes (OSTRO_ATTACHMENT_MAX_BYTES)."
        )


def _given_up() -> Unavailable:
    return Unavailable("The upload took too long and was given up; try again.")


async def _arriving(pieces: AsyncIterator[bytes], idle_seconds: float) -> AsyncIterator[bytes]:
    """Yield what arrives; a client that falls silent holds nothing for ever."""
    while True:
        try:
            async with asyncio.timeout(idle_seconds):
                piece = await anext(pieces, None)
        except TimeoutError:
            raise InvalidInput("The request body stopped arriving.") from None
        if piece is None:
            return
        if piece:
            yield piece


async def _verified(found: Attachment, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    digest, last = hashlib.sha256(), b""
    async for piece in stream:
        if last:
            yield last
        digest.update(piece)
        last = piece
    if digest.hexdigest() != found.sha256:
        raise Damaged("the checksum differs")
    yield last
