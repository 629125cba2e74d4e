"""The batch consumer: FastStream's batch subscriber with our rules for failure.

Order of truth: database write, DLQ acknowledgement, offset commit. A handler that returns has
stored its effect; FastStream then commits. Whatever is raised rewinds the whole batch, so
handlers are idempotent. See the guide in CONTRIBUTING.md, "dangerous constructs".
"""

import asyncio
import random
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import httpx
import structlog
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from contracts.diagnostics import Place
from contracts.topics import topics_of
from kit.errors import Unavailable
from kit.kafka.client import Names, security
from kit.kafka.dead_letters import DeadLetters, TooMuchPoison
from kit.kafka.records import Poison, Record, is_for, records_from, tenant_of
from kit.mongo import is_transient
from kit.observability.diagnostics import concerning, note
from kit.observability.health import Health
from kit.observability.metrics import LAG, RECORDS, RETRIES
from kit.observability.tracing import batch_span
from kit.settings import KafkaSettings

log = structlog.get_logger(__name__)

Handler = Callable[[Sequence[Record]], Awaitable[Sequence[Poison]]]
"""Stores the effect of a batch (records of several partitions, each in order) and returns what
can never be processed. Raises on anything that may work later."""
Parked = Callable[[Sequence[Poison]], Awaitable[None]]
"""Hears of poison once its letters are safe, before the offset moves; idempotent."""


class GiveBack(Exception):
    """Raised by a handler that has waited long enough itself: rewind now, do not try again here.

    Whoever raises it has slept (a rewound batch comes back at once) and stays well below
    ``MAX_POLL_INTERVAL_MS`` in one call.
    """


MAX_POLL_INTERVAL_MS = 300_000
GRACEFUL_SECONDS = 25.0
_RETRY_BUDGET = MAX_POLL_INTERVAL_MS / 1000 / 4
_ATTEMPTS_BEFORE_ISOLATION = 3
_STUCK_SECONDS = 15.0
_LEAST_SECONDS = 0.2
"""Between two runs of a failing batch, also while the service stops."""

Sleep = Callable[[float], Awaitable[None]]


def broker_for(settings: KafkaSettings, client_id: str) -> KafkaBroker:
    """Build the process's FastStream broker; it creates no topics and logs no records."""
    return KafkaBroker(
        settings.kafka_bootstrap.split(","),
        security=security(settings),
        client_id=client_id,
        logger=None,
        allow_auto_create_topics=False,
        ack_policy=AckPolicy.NACK_ON_ERROR,
        graceful_timeout=GRACEFUL_SECONDS,
    )


class BatchProcessor:
    """Runs one group's handler with retries, isolation of poison and dead letters."""

    def __init__(
        self,
        group: str,
        handler: Handler,
        dead_letters: DeadLetters,
        health: Health,
        sleep: Sleep = asyncio.sleep,
        *,
        retry_budget: float = _RETRY_BUDGET,
        stopping: asyncio.Event | None = None,
        parked: Parked | None = None,
    ) -> None:
        self._group = group
        self._handler = handler
        self._dead_letters = dead_letters
        self._health = health
        self._sleep = sleep
        self._retry_budget = retry_budget
        self._stopping = stopping or asyncio.Event()
        self._parked = parked

    async def process(self, records: Sequence[Record]) -> None:
        """Return when every record is stored or parked; raise to have the batch again."""
        poison = await self._handle(records)
        try:
            await self._dead_letters.park(poison, len(records))
            if poison and self._parked is not None:
                await self._parked(poison)
        except TooMuchPoison as error:
            self._health.stuck(self._group, str(error))
            log.warning("too much poison, not moving", group=self._group, reason=str(error))
            await self._pause(_STUCK_SECONDS)
            raise
        except Unavailable:
            await self._pause(1)  # NACK has no backoff of its own
            raise
        self._health.stuck(self._group, None)
        for topic, count in Counter(r.topic.name for r in records).items():
            RECORDS.labels(self._group, topic).inc(count)

    async def _handle(self, records: Sequence[Record]) -> Sequence[Poison]:
        loop, attempt = asyncio.get_running_loop(), 0
        # the handler's own time counts too: past max.poll.interval the group throws us out
        deadline = loop.time() + self._retry_budget
        while True:
            attempt += 1
            try:
                return await self._handler(records)
            except GiveBack:
                if self._stopping.is_set():  # then its own waits end at once
                    await self._pause(_LEAST_SECONDS)
                raise
            except Exception as error:
                cause = type(error).__name__
                RETRIES.labels(self._group, cause).inc()
                if not may_pass(error) and attempt >= _ATTEMPTS_BEFORE_ISOLATION:
                    log.warning("isolating a failing batch", group=self._group, exc_info=error)
                    return await self._one_by_one(records)
                # spread out, so that all members do not come back at once
                delay = min(0.1 * 2**attempt, 5.0) * (0.5 + random.random())  # noqa: S311
                if loop.time() + delay > deadline or self._stopping.is_set():
                    await self._pause(_LEAST_SECONDS)
                    raise
                if attempt == 1:
                    log.warning("batch failed, trying again", group=self._group, cause=cause)
                await self._pause(delay)

    async def _pause(self, seconds: float) -> None:
        """Wait, but do not keep a stop waiting: what failed comes again anyway."""
        if self._stopping.is_set():
            await asyncio.sleep(min(seconds, _LEAST_SECONDS))
            return
        waits = [asyncio.ensure_future(w) for w in (self._sleep(seconds), self._stopping.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _one_by_one(self, records: Sequence[Record]) -> Sequence[Poison]:
        poison: list[Poison] = []
        for record in records:
            try:
                poison += await self._handler([record])
            except GiveBack:
                raise
            except Exception as error:
                if may_pass(error):
                    raise
                with concerning(tenant_of(record)):
                    note(error, Place.CONSUMER, handled=False)
                poison.append(Poison(record, f"handler failed: {type(error).__name__}"))
        return poison


# other OSErrors (a missing file, a full disk) are ours and would stop the group without a word
_DOWN = (
    Unavailable,
    KafkaError,
    ConnectionError,
    TimeoutError,
    socket.gaierror,
    httpx.TransportError,
)


def may_pass(error: BaseException) -> bool:
    """Whether the same batch may succeed later: something else is down."""
    return isinstance(error, _DOWN) or is_transient(error)


def subscribe(
    broker: KafkaBroker,
    processor: BatchProcessor,
    names: Names,
    group: str,
    *,
    max_records: int = 500,
    max_partition_fetch_bytes: int = 4 * 1024 * 1024,
    session_seconds: float = 10,
) -> Any:
    """Register one consumer group on all its topics of the registry; return the subscriber."""

    async def on_batch(_: Any, message: KafkaMessage) -> None:
        records = [r for r in records_from(message.raw_message, names) if is_for(r, group)]
        if not records:
            return
        parents = [
            r.headers["traceparent"].decode("ascii", "replace")
            for r in records
            if "traceparent" in r.headers
        ]
        with batch_span(f"process {group}", parents):
            await processor.process(records)

    subscriber = broker.subscriber(
        *(names.topic(t) for t in topics_of(group)),
        group_id=names.group(group),
        batch=True,
        max_records=max_records,
        max_partition_fetch_bytes=max_partition_fetch_bytes,
        batch_timeout_ms=25,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
        session_timeout_ms=int(session_seconds * 1000),
        heartbeat_interval_ms=int(session_seconds * 300),
        ack_policy=AckPolicy.NACK_ON_ERROR,
        parser=_without_headers,
        decoder=_raw_bytes,
    )
    subscriber(on_batch)
    return subscriber


async def _without_headers(raw: Any, original: Any) -> Any:
    # FastStream decodes header values as UTF-8 and drops the whole batch when one is not; we read
    # headers from the raw records ourselves, and need of its message what the first one makes
    message = await original((replace(raw[0], headers=()),))
    message.raw_message = raw
    return message


async def _raw_bytes(message: Any) -> Any:
    return message.body


async def report_lag(subscriber: Any, group: str, names: Names) -> None:
    """Set the lag gauges of the assigned partitions from what the fetcher already knows."""
    consumer = subscriber.consumer
    if consumer is None:
        return
    # topics whose partitions went to another member are no longer ours to report
    lag = {t.name: 0 for t in topics_of(group)}
    for partition in consumer.assignment():
        end = consumer.last_stable_offset(partition)
        if end is not None and end >= 0:
            async with asyncio.timeout(1):
                behind = max(0, end - await consumer.position(partition))
            lag[names.logical(partition.topic).name] += behind
    for topic, records in lag.items():
        LAG.labels(group, topic).set(records)


async def check_running(subscriber: Any) -> None:
    """Raise unless the subscriber still has a living consume loop."""
    if subscriber.consumer is None or all(task.done() for task in subscriber.tasks):
        raise Unavailable("The consumer has stopped.")
