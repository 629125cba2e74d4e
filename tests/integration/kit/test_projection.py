"""Projections converge whatever the order and number of repeats."""

import itertools
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.envelope import Event
from contracts.testcases import TestCaseState
from contracts.topics import OPTION_STATE, TEST_CASE_STATE
from kit.kafka.records import SEQUENCE_HEADER, Poison, Record, encode
from kit.mongo import Database
from kit.projection import GONE_INDEX, Projection

KEYS = ("t1/1", "t1/2")


def state(key: str, sequence: int, **changes: str) -> Record:
    data = TestCaseState(
        id=int(key[3:]), project=1, name=f"{key} at {sequence}", version=1, version_id=1
    )
    event = Event[TestCaseState](
        id=f"{key}#{sequence}",
        source="ostro/testcases",
        type=changes.get("type", TEST_CASE_STATE.type),
        subject=key[3:],
        time=datetime(2026, 1, 1, tzinfo=UTC),
        tenantid="t1",
        sequence=sequence,
        data=data,
    )
    return record(key, encode(event))


def record(key: str | bytes | None, value: bytes | None, sequence: int | None = None) -> Record:
    headers = {} if sequence is None else {SEQUENCE_HEADER: str(sequence).encode()}
    raw = key.encode() if isinstance(key, str) else key
    return Record(TEST_CASE_STATE, 0, 0, raw, value, headers, 1_700_000_000_000)


def projection(database: Database) -> Projection:
    return Projection(database, {TEST_CASE_STATE: "cases", OPTION_STATE: "options"})


@st.composite
def histories(draw: st.DrawFn) -> tuple[dict[str, Record], list[list[Record]]]:
    """The last record of each key, and all records permuted, repeated and cut into batches."""
    last: dict[str, Record] = {}
    records: list[Record] = []
    for key in KEYS:
        length = draw(st.integers(1, 5))
        mine = [state(key, n) for n in range(1, length + 1)]
        if draw(st.booleans()):
            mine.append(record(key, None, length + 1))
        last[key] = mine[-1]
        records += mine
    repeats = draw(st.lists(st.sampled_from(records), max_size=8))
    shuffled = draw(st.permutations(records + repeats))
    cuts = sorted(draw(st.lists(st.integers(0, len(shuffled)), max_size=4)))
    edges = [0, *cuts, len(shuffled)]
    return last, [list(shuffled[a:b]) for a, b in itertools.pairwise(edges)]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=histories())
async def test_any_order_and_any_repeats_end_in_the_last_state(
    database: Database, history: tuple[dict[str, Record], list[list[Record]]]
) -> None:
    last, batches = history
    await database["cases"].delete_many({})
    for batch in batches:
        assert await projection(database).apply(batch) == []
    for key, final in last.items():
        row = await database["cases"].find_one({"tenant": "t1", "id": int(key[3:])})
        if final.value is None:
            assert row is None
        else:
            assert row is not None
            assert row["name"] == orjson.loads(final.value)["data"]["name"]


async def test_a_stale_state_does_not_bring_a_row_back_even_without_a_sequence(
    database: Database,
) -> None:
    cases = projection(database)
    for batch in ([state("t1/1", 3)], [record("t1/1", None)], [state("t1/1", 3)]):
        await cases.apply(batch)
    assert await database["cases"].find_one({"tenant": "t1"}) is None
    # in one batch alike, and for a redelivery of the whole history
    history = [state("t1/1", 4), record("t1/1", None), state("t1/1", 4)]
    await cases.apply(history)
    await cases.apply(history)
    assert await database["cases"].find_one({"tenant": "t1"}) is None
    await cases.apply([state("t1/1", 5)])
    assert await database["cases"].find_one({"tenant": "t1"}) is not None


async def test_a_redelivered_state_with_its_tombstone_behind_it_ends_the_row(
    database: Database,
) -> None:
    cases = projection(database)
    await cases.apply([state("t1/1", 4)])
    await cases.apply([state("t1/1", 4), record("t1/1", None)])
    assert await database["cases"].find_one({"tenant": "t1"}) is None


async def test_a_stub_holds_nothing_of_the_row_and_expires(database: Database) -> None:
    await database["cases"].create_indexes([GONE_INDEX])
    cases = projection(database)
    await cases.apply([state("t1/1", 1), record("t1/1", None, 2)])
    assert await database["cases"].find_one({}) == {
        "_id": "t1/1",
        "seq": 2,
        "gone_at": datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
    }
    await cases.apply([state("t1/1", 3)])
    row = await database["cases"].find_one({})
    assert row is not None
    assert "gone_at" not in row


async def test_a_tombstone_of_something_unknown_is_no_fault(database: Database) -> None:
    assert await projection(database).apply([record("t1/9", None)]) == []
    assert await database["cases"].count_documents({"tenant": "t1"}) == 0


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (record(None, b"{}"), "key: missing or not UTF-8"),
        (record(b"\xff", b"{}"), "key: missing or not UTF-8"),
        (record("t1/1", b"not JSON"), "value: json_invalid"),
        (record("t1/1", b"{}"), "id: missing"),
    ],
)
async def test_what_cannot_be_read_is_named_without_its_content(
    database: Database, bad: Record, reason: str
) -> None:
    found = await projection(database).apply([bad, state("t1/2", 1)])
    assert found == [Poison(bad, reason)]
    assert await database["cases"].count_documents({"tenant": "t1"}) == 1


async def test_an_unknown_type_is_ignored(database: Database) -> None:
    assert await projection(database).apply([state("t1/1", 1, type="something.else.v1")]) == []
    assert await database["cases"].count_documents({}) == 0
