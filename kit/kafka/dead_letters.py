"""Dead letters: poison records go to ``<topic>.<group>.dlq``, up to a limit.

Too much poison means that we are broken, not the records: over the limit nothing is parked, the
group stops moving and the service reports itself unhealthy. ``python -m kit.dlq`` lists, shows,
replays and drops them.
"""

from collections import Counter
from collections.abc import Sequence

from contracts.topics import Subscription
from kit.clock import Clock
from kit.kafka.client import Names
from kit.kafka.producer import MAX_LETTER_BYTES, Publisher, size_of
from kit.kafka.records import Outgoing, Poison, Record
from kit.observability.metrics import DEAD_LETTERS, DROPPED
from kit.version import VERSION

PREFIX = "dlq-"
REASON = "dlq-reason"
ORIGIN = "dlq-origin"
GROUP = "dlq-group"
SERVICE_VERSION = "dlq-service-version"
AT = "dlq-at"
CUT = "dlq-cut"
"""Bytes of a value that was too large to park; the letter has none, its origin may still."""
KEYLESS = "dlq-keyless"
"""The record had no key; Kafka wants one on a letter without a value."""


class TooMuchPoison(Exception):
    """The limit is reached; the message holds counts only."""


class DeadLetterLimit:
    """At most ``consecutive`` poison records in a row, and half of the last ``window``."""

    def __init__(self, consecutive: int = 500, window: int = 2_000) -> None:
        self._consecutive = consecutive
        self._window = window
        self._in_a_row = 0
        self._good = 0
        self._bad = 0

    def check(self, good: int, bad: int) -> None:
        """Raise ``TooMuchPoison`` when the poison of a batch must not be parked."""
        in_a_row = self._row_after(good, bad)
        total = self._good + good + self._bad + bad
        if bad and in_a_row > self._consecutive:
            raise TooMuchPoison(f"{in_a_row} poison records in a row")
        if bad and total >= self._window and (self._bad + bad) * 2 > total:
            raise TooMuchPoison(f"{self._bad + bad} of the last {total} records are poison")

    def count(self, good: int, bad: int) -> None:
        """Count a batch that is done."""
        self._in_a_row = self._row_after(good, bad)
        self._good += good
        self._bad += bad
        if self._good + self._bad >= self._window:
            self._good //= 2
            self._bad //= 2

    def _row_after(self, good: int, bad: int) -> int:
        # a batch may hold more poison than the limit and mostly good records: the window judges it
        return 0 if good else self._in_a_row + bad


class DeadLetters:
    """Parks the poison of one consumer group and waits until the broker has it."""

    def __init__(
        self,
        publisher: Publisher,
        names: Names,
        group: str,
        clock: Clock,
        limit: DeadLetterLimit | None = None,
    ) -> None:
        self._publisher = publisher
        self._names = names
        self._group = group
        self._clock = clock
        self._limit = limit or DeadLetterLimit()

    async def park(self, poison: Sequence[Poison], batch_size: int) -> None:
        """Send poison to its DLQ; drop and count what has none (never personal data)."""
        good, bad = batch_size - len(poison), len(poison)
        self._limit.check(good, bad)
        letters: list[Outgoing] = []
        parked: Counter[str] = Counter()
        dropped: Counter[str] = Counter()
        for item in poison:
            subscription = self._subscription(item.record)
            if subscription.dead_letters:
                letters.append(self._letter(item, subscription))
                parked[item.record.topic.name] += 1
            else:
                dropped[item.record.topic.name] += 1
        if letters:
            await self._publisher.send(letters, max_bytes=MAX_LETTER_BYTES)
        self._limit.count(good, bad)
        for topic, number in parked.items():
            DEAD_LETTERS.labels(self._group, topic).inc(number)
        for topic, number in dropped.items():
            DROPPED.labels(self._group, topic).inc(number)

    def _subscription(self, record: Record) -> Subscription:
        return next(s for s in record.topic.subscriptions if s.group == self._group)

    def _letter(self, item: Poison, subscription: Subscription) -> Outgoing:
        record = item.record
        headers = {
            **{k: v for k, v in record.headers.items() if not k.startswith(PREFIX)},
            REASON: item.reason.encode(),
            ORIGIN: record.origin.encode(),
            GROUP: self._group.encode(),
            SERVICE_VERSION: VERSION.encode(),
            AT: self._clock.now().isoformat().encode(),
        }
        if record.key is None:
            headers[KEYLESS] = b"1"
        topic, key = self._names.dead_letters(record.topic, subscription), record.key or b""
        letter = Outgoing(topic, key, record.value, tuple(headers.items()))
        if size_of(letter) <= MAX_LETTER_BYTES:
            return letter
        # compressed, it fitted its topic; refused here it would block the group for ever
        headers[CUT] = str(len(record.value or b"")).encode()
        return Outgoing(topic, key, None, tuple(headers.items()))
