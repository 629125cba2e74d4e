"""Sends dead letters back. See the ADR "Replaying dead letters".

A fact goes to its origin topic with a header that names the failed group; the other groups skip
it. State topics keep the last record of a key, so an old state must never come after a newer one:
there a letter is sent again only while nothing newer stands in the topic, without the header
(repeats of a revision do no harm), and is superseded otherwise.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition

from contracts.topics import Cleanup
from kit.dlq.letters import Letter
from kit.dlq.reading import Desk
from kit.kafka import dead_letters as dlq
from kit.kafka.client import Names
from kit.kafka.producer import MAX_LETTER_BYTES, Publisher
from kit.kafka.records import REPLAY_FORCED_HEADER, REPLAY_GROUP_HEADER, Outgoing


@dataclass
class Plan:
    """What to do with each letter."""

    send: list[Letter] = field(default_factory=list)
    superseded: list[Letter] = field(default_factory=list)
    impossible: list[Letter] = field(default_factory=list)
    looked: dict[TopicPartition, int] = field(default_factory=dict)
    """How far a state topic was read; what came later is looked at after sending."""


async def plan(desk: Desk, names: Names, letters: Sequence[Letter]) -> Plan:
    """Sort the letters of one queue; reads a state topic from the oldest letter's origin on."""
    found = Plan(impossible=[letter for letter in letters if letter.was_cut])
    rest = [letter for letter in letters if not letter.was_cut]
    if not rest or rest[0].queue.topic.cleanup is not Cleanup.COMPACT:
        found.send = rest
        return found
    latest = await _latest(desk, names, rest, found.looked)
    for letter in rest:
        at = latest.get((_origin(letter)[0], letter.original_key))
        newest = at is None or at == _origin(letter)[1]
        (found.send if newest else found.superseded).append(letter)
    return found


async def send(
    desk: Desk,
    names: Names,
    publisher: Publisher,
    letters: Sequence[Letter],
    looked: Mapping[TopicPartition, int],
    *,
    force: bool = False,
) -> None:
    """Send and wait for the acknowledgements; the caller marks them done."""
    if not letters:
        return
    compacted = letters[0].queue.topic.cleanup is Cleanup.COMPACT
    records = [_original(names, letter, for_all=compacted, force=force) for letter in letters]
    await publisher.send(records, max_bytes=MAX_LETTER_BYTES)
    if compacted:
        await _put_newest_last(desk, publisher, records, looked)


def _original(names: Names, letter: Letter, *, for_all: bool, force: bool) -> Outgoing:
    headers = dict(letter.headers)
    # a letter that was forced before and came back is not forced again by itself
    headers.pop(REPLAY_FORCED_HEADER, None)
    if not for_all:
        if force:
            headers[REPLAY_FORCED_HEADER] = b"1"
        headers[REPLAY_GROUP_HEADER] = letter.queue.subscription.group.encode()
    topic = names.topic(letter.queue.topic)
    return Outgoing(topic, letter.original_key, letter.value, tuple(headers.items()))


def _origin(letter: Letter) -> tuple[int, int]:
    """Partition and offset of the record."""
    _, partition, offset = letter.notes[dlq.ORIGIN].rsplit("/", 2)
    return int(partition), int(offset)


async def _latest(
    desk: Desk, names: Names, letters: Sequence[Letter], looked: dict[TopicPartition, int]
) -> dict[tuple[int, bytes | None], int]:
    """Return the last offset of each letter's key in its partition, where one is left."""
    topic = names.topic(letters[0].queue.topic)
    wanted: dict[TopicPartition, set[bytes | None]] = defaultdict(set)
    starts: dict[TopicPartition, int] = {}
    for letter in letters:
        number, offset = _origin(letter)
        partition = TopicPartition(topic, number)
        wanted[partition].add(letter.original_key)
        starts[partition] = min(offset, starts.get(partition, offset))
    latest: dict[tuple[int, bytes | None], int] = {}
    for partition, start in starts.items():
        looked[partition] = await desk.end(partition)
        async for raw in desk.records(partition, start, looked[partition]):
            if raw.key in wanted[partition]:
                latest[partition.partition, raw.key] = raw.offset
    return latest


async def _put_newest_last(
    desk: Desk,
    publisher: Publisher,
    sent: Sequence[Outgoing],
    looked: Mapping[TopicPartition, int],
) -> None:
    """Send a newer state again that came between our look at the topic and our record."""
    while sent:
        ours = {record.key: record.value for record in sent}
        ends = {partition: await desk.end(partition) for partition in looked}
        newer: dict[bytes, Any] = {}
        last: dict[bytes, Any] = {}
        for partition, start in looked.items():
            async for raw in desk.records(partition, start, ends[partition]):
                if raw.key in ours:
                    last[raw.key] = raw
                    if raw.value != ours[raw.key]:
                        newer[raw.key] = raw
        sent = [
            Outgoing(raw.topic, raw.key, raw.value, tuple(raw.headers))
            for key, raw in newer.items()
            if last[key] is not raw
        ]
        await publisher.send(sent, max_bytes=MAX_LETTER_BYTES)
        looked = ends
