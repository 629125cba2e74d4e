"""Records, dead letter limits and the progress of the DLQ tool."""

from datetime import UTC, datetime

import httpx
import pytest
from aiokafka.errors import RequestTimedOutError
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from pymongo.errors import AutoReconnect

from contracts.envelope import Event
from contracts.executions import UploadEnded
from contracts.topics import TOPICS, UPLOAD
from kit.dlq.progress import Progress, TooScattered
from kit.errors import Unavailable
from kit.kafka.client import Names
from kit.kafka.consumer import may_pass
from kit.kafka.dead_letters import DeadLetterLimit, TooMuchPoison
from kit.kafka.producer import RecordTooLarge
from kit.kafka.records import Poison, Record, decode, encode, is_for, outgoing, tombstone
from kit.kafka.topics import wanted_topics

ADAPTER = TypeAdapter(Event[UploadEnded])
EVENT = Event[UploadEnded](
    id="e1",
    source="ostro/executions",
    type=UPLOAD.type,
    subject="u1",
    time=datetime(2026, 1, 1, tzinfo=UTC),
    tenantid="t1",
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    data=UploadEnded(upload="u1", project=1, accepted=True, created_cases=False),
)


def record(value: bytes | None, **headers: str) -> Record:
    return Record(UPLOAD, 2, 7, b"t1/u1", value, {k: v.encode() for k, v in headers.items()}, 0)


def test_an_event_survives_the_wire_and_its_headers_name_it() -> None:
    sent = outgoing("topic", "t1/u1", EVENT, upload="u1")
    assert decode(record(sent.value), ADAPTER) == EVENT
    headers = dict(sent.headers)
    assert headers["ce_id"] == b"e1"
    assert headers["ce_type"] == b"ostro.executions.upload.v1"
    assert headers["ce_tenantid"] == b"t1"
    assert headers["upload"] == b"u1"
    assert headers["traceparent"].startswith(b"00-4bf9")
    assert "traceparent" not in dict(
        outgoing("t", "k", EVENT.model_copy(update={"traceparent": None})).headers
    )


def test_readers_accept_fields_they_do_not_know() -> None:
    value = encode(EVENT).replace(b'{"specversion"', b'{"new": 1, "specversion"')
    assert decode(record(value), ADAPTER) == EVENT


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "unexpected tombstone"),
        (b"", "value: json_invalid"),
        (b"\xff", "value: json_invalid"),
        (b"{}", "id: missing"),
        (encode(EVENT).replace(b"true", b'"customer content"'), "data.accepted: bool_parsing"),
    ],
)
def test_poison_names_the_field_never_the_value(value: bytes | None, reason: str) -> None:
    assert decode(record(value), ADAPTER) == Poison(record(value), reason)


def test_a_replay_is_for_one_group() -> None:
    assert is_for(record(b""), "a.b")
    replayed = record(b"", **{"ostro-replay-group": "a.b"})
    assert is_for(replayed, "a.b")
    assert not is_for(replayed, "a.c")


def test_a_tombstone_says_the_last_revision() -> None:
    assert tombstone("t", "k", 8).headers == (("ce_sequence", b"8"),)
    assert tombstone("t", "k", 8).value is None


def test_names_carry_the_prefix_and_come_back() -> None:
    names = Names("x.")
    assert names.logical("x.ostro.executions.upload.v1") is UPLOAD
    assert names.group("a.b") == "x.a.b"
    dlq = names.dead_letters(UPLOAD, UPLOAD.subscriptions[0])
    assert dlq == "x.ostro.executions.upload.v1.testcases.uploads.dlq"
    with pytest.raises(KeyError):
        names.logical(UPLOAD.name)


def test_with_replicas_an_acknowledged_record_is_on_two_of_three() -> None:
    three = {t.configs["min.insync.replicas"] for t in wanted_topics(replication=3)}
    one = {t.configs["min.insync.replicas"] for t in wanted_topics()}
    assert (three, one) == ({"2"}, {"1"})
    assert len({t.name for t in wanted_topics()}) == len(wanted_topics()) > len(TOPICS)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (Unavailable("x"), True),
        (AutoReconnect(), True),
        (RequestTimedOutError(), True),
        (TimeoutError(), True),
        (ConnectionResetError(), True),
        (httpx.ConnectError("x"), True),
        (RecordTooLarge("x"), False),
        (FileNotFoundError(), False),
        (KeyError(), False),
        (ValueError(), False),
    ],
)
def test_what_may_pass_is_what_is_down(error: Exception, passes: bool) -> None:
    assert may_pass(error) is passes


def park(limit: DeadLetterLimit, good: int, bad: int) -> None:
    limit.check(good, bad)
    limit.count(good, bad)


def test_the_limit_counts_poison_in_a_row_over_batches() -> None:
    limit = DeadLetterLimit(consecutive=10, window=10_000)
    for _ in range(5):
        park(limit, 0, 2)
    with pytest.raises(TooMuchPoison, match="11 poison records in a row"):
        limit.check(0, 1)
    with pytest.raises(TooMuchPoison):
        limit.check(0, 1)  # asking does not count
    park(limit, 1, 0)
    park(limit, 0, 10)


def test_the_limit_counts_half_of_the_window() -> None:
    limit = DeadLetterLimit(consecutive=1000, window=100)
    for _ in range(9):
        park(limit, 6, 4)
    limit.check(4, 6)  # half of 100 at most
    with pytest.raises(TooMuchPoison, match="56 of the last 110 records"):
        limit.check(0, 20)
    park(limit, 10, 0)  # the window moves on: older records count half
    limit.check(0, 30)
    with pytest.raises(TooMuchPoison, match="of the last 100 records"):
        limit.check(5, 45)


@given(st.lists(st.lists(st.integers(0, 30), max_size=6), max_size=6), st.integers(0, 15))
def test_progress_remembers_exactly_what_was_done(steps: list[list[int]], first: int) -> None:
    progress = Progress()
    for offsets in steps:
        progress = progress.with_done(offsets, first)
        progress = Progress.parse(progress.base, progress.metadata)
    done = {offset for offsets in steps for offset in offsets}
    if steps:
        done |= set(range(first))  # those have expired
    assert {n for n in range(40) if progress.is_done(n)} == done
    assert not any(n == progress.base for n in done)  # the base moves as far as it can


def test_progress_refuses_what_does_not_fit() -> None:
    with pytest.raises(TooScattered):
        Progress().with_done(range(1, 5000, 2), 0)
    assert Progress.parse(-1, "") == Progress()
