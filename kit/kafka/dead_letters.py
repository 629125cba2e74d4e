"""Dead letters: poison records go to ``<topic>.<group>.dlq``, up to a limit.

Too much poison means that we are broken, not the records: over the limit nothing is parked, the
group stops moving and the service reports itself unhealthy.
"""

from collections.abc import Sequence

from contracts.topics import Subscription
from kit.clock import Clock
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.kafka.records import Outgoing, Poison
from kit.observability.metrics import DEAD_LETTERS, DROPPED
from kit.version import VERSION


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
        """Count a batch; raise ``TooMuchPoison`` when it must not be parked."""
        in_a_row = bad if good else self._in_a_row + bad
        seen_good, seen_bad = self._good + good, self._bad + bad
        total = seen_good + seen_bad
        if bad and in_a_row > self._consecutive:
            raise TooMuchPoison(f"{in_a_row} poison records in a row")
        if bad and total >= self._window and seen_bad * 2 > total:
            raise TooMuchPoison(f"{seen_bad} of the last {total} records are poison")
        self._in_a_row = in_a_row if bad else 0
        self._good, self._bad = seen_good, seen_bad
        if total >= self._window:
            self._good //= 2
            self._bad //= 2


class DeadLetters:
    """Parks the poison of one consumer group and waits until the broker has it."""

    def __init__(self, publisher: Publisher, names: Names, group: str, clock: Clock) -> None:
        self._publisher = publisher
        self._names = names
        self._group = group
        self._clock = clock
        self._limit = DeadLetterLimit()

    async def park(self, poison: Sequence[Poison], batch_size: int) -> None:
        """Send poison to its DLQ; drop and count what has none (never personal data)."""
        self._limit.check(batch_size - len(poison), len(poison))
        letters: list[Outgoing] = []
        for item in poison:
            subscription = self._subscription(item)
            if subscription.dead_letters:
                letters.append(self._letter(item, subscription))
                DEAD_LETTERS.labels(self._group, item.record.topic.name).inc()
            else:
                DROPPED.labels(self._group, item.record.topic.name).inc()
        if letters:
            await self._publisher.send(letters)

    def _subscription(self, item: Poison) -> Subscription:
        return next(s for s in item.record.topic.subscriptions if s.group == self._group)

    def _letter(self, item: Poison, subscription: Subscription) -> Outgoing:
        record = item.record
        headers = {
            **record.headers,
            "dlq-reason": item.reason.encode(),
            "dlq-origin": record.origin.encode(),
            "dlq-group": self._group.encode(),
            "dlq-service-version": VERSION.encode(),
            "dlq-at": self._clock.now().isoformat().encode(),
        }
        return Outgoing(
            self._names.dead_letters(record.topic, subscription),
            record.key or b"",
            record.value,
            tuple(headers.items()),
        )
