"""The idempotent producer: all records acknowledged by all replicas, or ``Unavailable``."""

import asyncio
import contextlib
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from kit.errors import TooLarge, Unavailable
from kit.kafka.client import connection
from kit.kafka.records import Outgoing
from kit.settings import KafkaSettings

# below the topics' max.message.bytes, so that an oversize record fails here and alone
MAX_REQUEST_BYTES = 1024 * 1024 - 1024
MAX_LETTER_BYTES = MAX_REQUEST_BYTES + 64 * 1024
"""A dead letter is a record of any size that the topic takes, plus our headers."""


class RecordTooLarge(TooLarge):
    """The record can never be sent; trying again does not help."""


class Publisher:
    """Sends records and waits for every acknowledgement.

    One refused record poisons an idempotent producer (every later send to that partition fails),
    so after any failure the instance is replaced.
    """

    def __init__(self, settings: KafkaSettings, client_id: str, *, timeout: float = 10.0) -> None:
        self._settings = settings
        self._client_id = client_id
        self._timeout = timeout
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._retired: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect now, so that a wrong address shows at start."""
        await self._connected()

    async def stop(self) -> None:
        """Flush and close; a broker that is gone is not waited for."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await stop_quietly(producer, self._timeout)
        if self._retired:
            await asyncio.wait(self._retired)

    async def send(
        self, records: Sequence[Outgoing], *, max_bytes: int = MAX_REQUEST_BYTES
    ) -> None:
        """Send all and wait; on a failure some of them may still have been stored.

        Raises ``RecordTooLarge`` before anything is sent, ``Unavailable`` for all other failures.
        """
        for record in records:
            if (size := size_of(record)) > max_bytes:
                raise RecordTooLarge(f"A record of {size} bytes is above the cap of {max_bytes}.")
        producer: AIOKafkaProducer | None = None
        try:
            async with asyncio.timeout(self._timeout):
                producer = self._producer or await self._connected()
                await send_all(producer, records)
        except (KafkaError, OSError, TimeoutError) as error:
            if producer is not None:
                self._retire(producer)
            raise Unavailable("The message broker is not available; try again.") from error

    async def _connected(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **connection(self._settings),
                    client_id=self._client_id,
                    enable_idempotence=True,
                    acks="all",
                    linger_ms=2,
                    max_batch_size=256 * 1024,
                    max_request_size=MAX_LETTER_BYTES,
                    request_timeout_ms=int(self._timeout * 1000),
                )
                try:
                    await producer.start()
                except BaseException:
                    await stop_quietly(producer, 1.0)
                    raise
                self._producer = producer
            return self._producer

    def _retire(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
        # what it still holds was reported as failed
        task = asyncio.create_task(stop_quietly(producer, 5.0))
        self._retired.add(task)
        task.add_done_callback(self._retired.discard)


def size_of(record: Outgoing) -> int:
    """Return the most bytes that a record can take in a request."""
    headers: list[tuple[str, bytes | None]] = list(record.headers)
    size: int = DefaultRecordBatchBuilder.estimate_size_in_bytes(record.key, record.value, headers)
    return size


async def send_all(producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> None:
    """Send in order and wait for every acknowledgement; raise the first failure."""
    futures: list[asyncio.Future[object]] = []
    try:
        for r in records:
            future = await producer.send(r.topic, r.value, key=r.key, headers=list(r.headers))
            futures.append(future)
        if len(futures) == 1:  # webhooks come one by one
            await futures[0]
        else:
            await asyncio.gather(*futures)
    finally:
        for future in futures:
            # the others' failures say the same; unread, each would be logged with its text
            future.add_done_callback(_read)


def _read(future: asyncio.Future[object]) -> None:
    if not future.cancelled():
        future.exception()


async def stop_quietly(producer: AIOKafkaProducer, seconds: float) -> None:
    """Flush and close within a time; then close without flushing, which leaves nothing running."""
    with contextlib.suppress(KafkaError, OSError, TimeoutError, AssertionError):
        async with asyncio.timeout(seconds):
            await producer.stop()
            return
    # a second stop() returns at once and would leave the sender's task and the sockets behind
    with contextlib.suppress(KafkaError, OSError, TimeoutError, AssertionError):
        async with asyncio.timeout(1):
            await producer._sender.close()  # noqa: SLF001  aiokafka has no other way to give up
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(1):
            await producer.client.close()
