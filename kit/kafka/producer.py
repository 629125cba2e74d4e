"""The idempotent producer: all records acknowledged by all replicas, or ``Unavailable``."""

import asyncio
import contextlib
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from kit.errors import Unavailable
from kit.kafka.client import connection
from kit.kafka.records import Outgoing
from kit.settings import KafkaSettings

# below the topics' max.message.bytes, so that an oversize record fails here and alone
MAX_REQUEST_BYTES = 1024 * 1024 - 1024


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
        """Flush and close."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()
        if self._retired:
            await asyncio.wait(self._retired, timeout=5)

    async def send(self, records: Sequence[Outgoing]) -> None:
        """Send all and wait; on a failure some of them may still have been stored."""
        producer: AIOKafkaProducer | None = None
        try:
            async with asyncio.timeout(self._timeout):
                producer = await self._connected()
                futures = [
                    await producer.send(r.topic, r.value, key=r.key, headers=list(r.headers))
                    for r in records
                ]
                await asyncio.gather(*futures)
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
                    max_request_size=MAX_REQUEST_BYTES,
                    request_timeout_ms=int(self._timeout * 1000),
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    def _retire(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
        task = asyncio.create_task(_stop_quietly(producer))
        self._retired.add(task)
        task.add_done_callback(self._retired.discard)


async def _stop_quietly(producer: AIOKafkaProducer) -> None:
    # what it still holds was reported as failed; do not wait for a broker that is gone
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(5):
            await producer.stop()
