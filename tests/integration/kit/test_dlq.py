"""The dead letter commands on real poison records."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from typer.testing import CliRunner, Result

from contracts.topics import ANONYMOUS, RESULT, TEST_CASE_STATE, Topic
from kit.dlq.cli import cli
from kit.dlq.letters import letter_from, queues
from kit.dlq.reading import desk
from kit.dlq.replay import plan, send
from kit.kafka.dead_letters import DeadLetters
from kit.kafka.records import Outgoing, Poison, Record
from tests.harness.fakes import ManualClock
from tests.integration.kit.conftest import Namespace

Dlq = Callable[..., Awaitable[Result]]
GROUP = "executions.results"


@pytest.fixture
def dlq(kafka: Namespace, monkeypatch: pytest.MonkeyPatch) -> Dlq:
    """``python -m kit.dlq`` in this namespace."""
    monkeypatch.setenv("OSTRO_KAFKA_BOOTSTRAP", kafka.settings.kafka_bootstrap)
    monkeypatch.setenv("OSTRO_TOPIC_PREFIX", kafka.settings.topic_prefix)

    async def run(*arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, cli, list(arguments))

    return run


class Picky:
    """A handler that refuses values until it is mended."""

    def __init__(self, *bad: bytes) -> None:
        self.bad = set(bad)
        self.values: list[bytes | None] = []

    async def __call__(self, records: Sequence[Record]) -> Sequence[Poison]:
        self.values += [r.value for r in records if r.value not in self.bad]
        return [
            Poison(r, f"rows: bad {len(r.value or b'')}") for r in records if r.value in self.bad
        ]


async def poisoned(
    kafka: Namespace, *values: bytes, topic: Topic = RESULT, group: str = GROUP
) -> None:
    """Let a real consumer park records."""
    name = kafka.names.topic(topic)
    headers = (("upload", b"u1"), ("ce_type", topic.type.encode()))
    await kafka.publisher.send([Outgoing(name, b"t1/k", value, headers) for value in values])
    already = await kafka.committed(group, topic)
    async with kafka.consuming(group, Picky(*values)):
        await kafka.all_committed(group, topic, already + len(values))


async def test_list_counts_open_letters_by_reason(kafka: Namespace, dlq: Dlq) -> None:
    await poisoned(kafka, b"a", b"bb", b"cc")
    result = await dlq("list")
    assert result.exit_code == 0
    lines = [line.split(None, 1) for line in result.output.splitlines()]
    at = lines.index(["3", f"{kafka.names.topic(RESULT)}.executions.results.dlq"])
    assert lines[at + 1 : at + 3] == [["2", "rows: bad 2"], ["1", "rows: bad 1"]]
    assert sum(count != "0" for count, _ in lines) == 3


async def test_show_tells_everything_but_the_content(kafka: Namespace, dlq: Dlq) -> None:
    await poisoned(kafka, b"customer content")
    plain, full = await dlq("show"), await dlq("show", "--payload")
    for told in ("rows: bad 16", "ostro.executions.result.v1/", GROUP, "16 bytes", "4 bytes"):
        assert told in plain.output
    assert "2026-11-24T12:00:00" in plain.output
    assert "ce_type: ostro.executions.result.v1" in plain.output
    assert "upload: 2 bytes" in plain.output
    assert "customer content" not in plain.output
    assert "t1/k" not in plain.output
    for told in ("customer content", "t1/k", "upload: u1"):
        assert told in full.output
    assert "dlq-" not in full.output


async def test_replay_reaches_the_failed_group_alone_and_the_letter_is_done(
    kafka: Namespace, dlq: Dlq
) -> None:
    segment, amplitude = "telemetry.segment", "telemetry.amplitude"
    await poisoned(kafka, b"event", topic=ANONYMOUS, group=segment)
    seen = Picky(), Picky()
    dry = await dlq("replay", "--group", segment, "--dry-run")
    assert "would be sent" in dry.output
    result = await dlq("replay", "--group", segment)
    assert (result.exit_code, "1 letters done, 0 left" in result.output) == (0, True)
    async with kafka.consuming(segment, seen[0]), kafka.consuming(amplitude, seen[1]):
        await kafka.all_committed(segment, ANONYMOUS, 2)
        await kafka.all_committed(amplitude, ANONYMOUS, 2)
    assert seen[0].values == [b"event"]  # the replay; the first one was parked
    assert seen[1].values == [b"event"]  # the first one; the replay is not for it
    last = (await kafka.read(kafka.names.topic(ANONYMOUS)))[-1]
    assert last.key == b"t1/k"
    headers = dict(last.headers)
    assert headers.pop("ostro-replay-group") == segment.encode()
    assert headers == {"upload": b"u1", "ce_type": ANONYMOUS.type.encode()}
    again = await dlq("replay", "--group", segment)
    assert "0 letters done" in again.output
    assert "      1" not in (await dlq("list", "--group", segment)).output


async def test_what_is_still_poison_comes_back_as_a_new_letter(kafka: Namespace, dlq: Dlq) -> None:
    await poisoned(kafka, b"bad")
    await dlq("replay")
    async with kafka.consuming(GROUP, Picky(b"bad")):
        await kafka.all_committed(GROUP, RESULT, 2)
    shown = (await dlq("show", "--payload")).output
    assert "1 letters shown" in shown
    assert shown.count("dlq-reason") == 0


async def test_drop_by_reason_and_limit_leaves_the_others_open(kafka: Namespace, dlq: Dlq) -> None:
    await poisoned(kafka, b"a", b"bb", b"c", b"dd", b"e", b"f")
    dry = await dlq("drop", "--reason", "bad 1", "--limit", "2", "--dry-run")
    assert "2 letters would be dropped" in dry.output
    assert "6 letters shown" in (await dlq("show")).output
    assert "2 letters dropped" in (await dlq("drop", "--reason", "bad 1", "--limit", "2")).output
    assert "2 letters shown" in (await dlq("show", "--reason", "bad 2")).output
    assert "2 letters shown" in (await dlq("show", "--reason", "bad 1")).output
    assert "4 letters dropped" in (await dlq("drop")).output
    assert "0 letters shown" in (await dlq("show")).output
    # nothing went back to the topic
    assert len(await kafka.read(kafka.names.topic(RESULT))) == 6


async def test_filters_that_fit_nothing_are_wrong_use(dlq: Dlq) -> None:
    assert (await dlq("show", "--topic", "no.such.topic")).exit_code == 2
    assert (await dlq("drop", "--limit", "0")).exit_code == 2
    assert (await dlq("bury")).exit_code == 2
    known = await dlq("list", "--topic", RESULT.name)
    assert known.output.count("\n") == 1


async def test_without_kafka_the_commands_fail_with_one_line(
    dlq: Dlq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSTRO_KAFKA_BOOTSTRAP", "127.0.0.1:9")
    result = await dlq("list")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("dlq: ")


async def test_a_letter_without_its_value_is_not_replayed(kafka: Namespace, dlq: Dlq) -> None:
    record = Record(RESULT, 0, 5, b"k", b"x" * 1_200_000, {}, 0)
    letters = DeadLetters(kafka.publisher, kafka.names, GROUP, ManualClock())
    await letters.park([Poison(record, "too large"), Poison(record, "too large")], 10)
    result = await dlq("replay")
    assert result.exit_code == 3
    assert "0 letters done, 2 left" in result.output
    assert "read it at its origin" in result.output
    assert await kafka.read(kafka.names.topic(RESULT)) == []
    assert "1200000 bytes are more than a letter holds" in (await dlq("show")).output


async def test_a_keyless_record_goes_back_without_a_key(kafka: Namespace, dlq: Dlq) -> None:
    letters = DeadLetters(kafka.publisher, kafka.names, GROUP, ManualClock())
    await letters.park([Poison(Record(RESULT, 0, 5, None, b"v", {}, 0), "no key")], 10)
    assert "key      none" in (await dlq("show")).output
    await dlq("replay")
    (record,) = await kafka.read(kafka.names.topic(RESULT))
    assert (record.key, record.value) == (None, b"v")


# --- state topics: the last record of a key must stay the newest --------------------------------

STATE_GROUP = "executions.library"


async def test_a_state_is_sent_again_only_while_it_is_the_newest(
    kafka: Namespace, dlq: Dlq
) -> None:
    topic = kafka.names.topic(TEST_CASE_STATE)
    await kafka.send(
        TEST_CASE_STATE, ("t/1", b"old 1"), ("t/2", b"only 2"), ("t/1", b"bad 1"), ("t/1", b"new 1")
    )
    async with kafka.consuming(STATE_GROUP, Picky(b"bad 1", b"only 2")):
        await kafka.all_committed(STATE_GROUP, TEST_CASE_STATE, 4)
    result = await dlq("replay")
    assert "2 letters done, 0 left" in result.output
    assert "done: a newer state has followed" in result.output
    records = await kafka.read(topic)
    last = {r.key: r for r in records}
    assert last[b"t/1"].value == b"new 1"
    assert last[b"t/2"].value == b"only 2"
    assert len(records) == 5
    # every group and every later one needs it: it stays in the compacted topic
    assert "ostro-replay-group" not in dict(last[b"t/2"].headers)
    assert "0 letters shown" in (await dlq("show")).output


async def test_a_state_that_changes_while_the_old_one_is_sent_stays_last(
    kafka: Namespace,
) -> None:
    await kafka.send(TEST_CASE_STATE, ("t/1", b"bad"), ("t/2", b"bad"))
    async with kafka.consuming(STATE_GROUP, Picky(b"bad")):
        await kafka.all_committed(STATE_GROUP, TEST_CASE_STATE, 2)
    (queue,) = queues(kafka.names, topic=TEST_CASE_STATE.name)
    found = [letter_from(queue, raw) for raw in await kafka.read(queue.name)]
    async with desk(kafka.settings, kafka.names) as at:
        to_do = await plan(at, kafka.names, found)
        assert len(to_do.send) == 2
        # the owner publishes right after the tool has looked
        await kafka.send(TEST_CASE_STATE, ("t/1", b"newer"))
        await send(at, kafka.names, kafka.publisher, to_do.send, to_do.looked)
    records = await kafka.read(kafka.names.topic(TEST_CASE_STATE))
    assert {r.key: r.value for r in records} == {b"t/1": b"newer", b"t/2": b"bad"}
    assert len(records) == 6
