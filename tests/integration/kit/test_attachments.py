"""Attachments on a real MongoDB, with bytes in GridFS and in a store that speaks S3."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest import mock

import gridfs
import pytest
from pymongo import MongoClient

from contracts.ids import project_of, public_id
from kit.attachments.attachments import LEASE, SETTLE, Attachments
from kit.attachments.gridfs import CHUNK_BYTES, CHUNKS, GridFsBytes
from kit.attachments.rows import AttachmentRows, Place, key_of
from kit.attachments.s3 import PART_BYTES, S3Bytes
from kit.attachments.store import ByteStore, Damaged
from kit.attachments.sweeping import Sweeper
from kit.attachments.wiring import INDEXES
from kit.counters import Counters
from kit.errors import InvalidInput, TooLarge, TooManyRequests, Unavailable
from kit.leases import Lease
from kit.mongo import Database, ensure_indexes
from tests.harness.backends import Backends
from tests.harness.fakes import ManualClock
from tests.harness.kms import CREDENTIALS
from tests.harness.s3 import S3Bucket, s3_bucket

TENANT, PROJECT = "t1", 77
PLACE = Place("thing", public_id(PROJECT, 5))
MOST = 4 * PART_BYTES
Remains = Callable[[], Awaitable[list[str]]]


@dataclass
class House:
    """Attachments over one store, with a clock that is moved by hand."""

    database: Database
    clock: ManualClock
    rows: AttachmentRows
    store: ByteStore
    remains: Remains
    """Keys of whatever bytes are stored."""

    def __post_init__(self) -> None:
        counters = Counters(self.database["counters"])
        self.attachments = Attachments(
            self.rows, self.store, counters, self.clock, MOST, idle_seconds=0.5
        )
        lease = Lease(self.database["leases"], "sweep", "me", timedelta(minutes=1), self.clock)
        self.sweeper = Sweeper(self.rows, self.store, lease, self.clock)

    async def add(self, pieces: AsyncIterator[bytes], declared: int | None = None) -> int:
        """Attach a file to ``PLACE``."""
        return await self.attachments.add(TENANT, PLACE, "f.txt", "text/plain", declared, pieces)

    async def content(self, ident: int) -> bytes:
        """Read a whole attachment."""
        found = await self.attachments.get(TENANT, PLACE, ident)
        assert found is not None
        return b"".join([piece async for piece in self.attachments.read(found)])

    async def sweep(self) -> None:
        """Sweep until nothing is due."""
        for span in (LEASE, SETTLE):
            self.clock.advance(seconds=span.total_seconds() + 1)
            await self.sweeper.once()

    async def nothing_is_left(self) -> None:
        """Nothing shows or lies about; the rest goes with the sweeper."""
        assert await self.attachments.of(TENANT, PLACE) == []
        assert await self.remains() == []
        await self.sweep()
        assert await self.database["attachments"].count_documents({}) == 0
        assert await self.remains() == []


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Bucket]:
    with (
        mock.patch.dict(os.environ, CREDENTIALS),
        s3_bucket(tmp_path_factory.mktemp("s3")) as found,
    ):
        yield found


@pytest.fixture(params=["gridfs", "s3"])
async def house(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[House]:
    await ensure_indexes(database, INDEXES)
    clock, rows = ManualClock(), AttachmentRows(database)
    if request.param == "gridfs":

        async def in_gridfs() -> list[str]:
            return sorted(await database[CHUNKS].distinct("files_id"))

        yield House(database, clock, rows, GridFsBytes(database, clock), in_gridfs)
        return
    bucket: S3Bucket = request.getfixturevalue("bucket")
    prefix = database.name

    async def in_s3() -> list[str]:
        return [k for k in await asyncio.to_thread(bucket.remains) if k.startswith(f"{prefix}/")]

    store = S3Bytes(bucket.name, prefix, bucket.endpoint)
    yield House(database, clock, rows, store, in_s3)
    await store.close()


async def pieces(content: bytes, size: int = 64 * 1024) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def broken(content: bytes) -> AsyncIterator[bytes]:
    async for piece in pieces(content):
        yield piece
    raise ConnectionResetError


def some(size: int) -> bytes:
    return hashlib.shake_128(str(size).encode()).digest(size)


SIZES = [1, CHUNK_BYTES, 4 * CHUNK_BYTES + 1, PART_BYTES - 1, PART_BYTES, 2 * PART_BYTES + 77]


@pytest.mark.parametrize("size", SIZES)
async def test_what_was_stored_is_read_whole_and_in_ranges(house: House, size: int) -> None:
    content = some(size)
    ident = await house.add(pieces(content, 65_537), size)
    assert project_of(ident) == PROJECT
    assert await house.attachments.of(TENANT, PLACE) == [(ident, "f.txt")]
    assert await house.content(ident) == content
    found = await house.attachments.get(TENANT, PLACE, ident)
    assert found is not None
    assert (found.size, found.sha256) == (size, hashlib.sha256(content).hexdigest())
    for start, end in ((0, 1), (size - 1, size), (size // 3, size), (size // 2, size // 2 + 1)):
        read = house.attachments.read(found, start, end - start)
        assert b"".join([piece async for piece in read]) == content[start:end]


async def test_an_upload_shows_when_all_of_it_is_there(house: House) -> None:
    content = some(PART_BYTES + 5)
    seen: list[object] = []

    async def watched() -> AsyncIterator[bytes]:
        row = await house.database["attachments"].find_one({"tenant": TENANT})
        assert row is not None, "noted before the first byte"
        async for piece in pieces(content):
            seen.append(await house.attachments.of(TENANT, PLACE))
            seen.append(await house.attachments.get(TENANT, PLACE, row["id"]))
            yield piece

    ident = await house.add(watched())
    assert all(not found for found in seen)
    assert await house.content(ident) == content


@pytest.mark.parametrize("size", [10, PART_BYTES + 1])
async def test_what_breaks_off_leaves_nothing(house: House, size: int) -> None:
    with pytest.raises(ConnectionResetError):
        await house.add(broken(some(size)))
    await house.nothing_is_left()


async def test_a_cancelled_upload_leaves_nothing(house: House) -> None:
    arrived = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        async for piece in pieces(some(PART_BYTES + 1)):
            yield piece
        arrived.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(house.add(endless()))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await house.nothing_is_left()


async def test_what_is_no_file_is_refused_and_leaves_nothing(house: House) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        await house.add(pieces(b""))
    for declared in (9, 11):
        with pytest.raises(InvalidInput, match="Content-Length"):
            await house.add(pieces(b"0123456789"), declared)
    with pytest.raises(TooLarge, match="OSTRO_ATTACHMENT_MAX_BYTES"):
        await house.add(pieces(b"unread"), MOST + 1)
    with pytest.raises(TooLarge):
        await house.add(pieces(bytes(MOST + 1)))
    await house.nothing_is_left()


async def test_a_client_that_falls_silent_is_given_up(house: House) -> None:
    async def silent() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.Event().wait()

    with pytest.raises(InvalidInput, match="stopped arriving"):
        await house.add(silent())
    await house.nothing_is_left()


@pytest.mark.parametrize("size", [10, 2 * PART_BYTES])
async def test_what_a_killed_process_left_is_swept(house: House, size: int) -> None:
    now, key = house.clock.now(), public_id(PROJECT, 900)
    await house.rows.begin(TENANT, PLACE, key, "f", "a/b", now, now + LEASE)
    with pytest.raises(ConnectionResetError):
        await house.store.put(key_of(TENANT, key), broken(some(size)))
    await house.sweeper.once()
    assert await house.database["attachments"].count_documents({}) == 1, "it may be alive"
    kept = await house.add(pieces(b"kept"))
    await house.sweep()
    assert [r["id"] for r in await house.database["attachments"].find().to_list(9)] == [kept]
    assert [k.rpartition("/")[2] for k in await house.remains()] == [str(kept)]
    assert await house.content(kept) == b"kept"


async def test_an_upload_that_was_swept_does_not_come_back(house: House) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield some(PART_BYTES)
        house.clock.advance(seconds=LEASE.total_seconds() + 1)
        await house.sweeper.once()
        yield some(PART_BYTES)
        yield b"more"

    with pytest.raises(Unavailable, match="given up"):
        await house.add(slow())
    # what it wrote after the first pass goes with the second
    await house.sweep()
    await house.nothing_is_left()


async def test_an_upload_that_goes_on_is_not_swept(house: House) -> None:
    async def steady() -> AsyncIterator[bytes]:
        for _ in range(20):
            house.clock.advance(seconds=LEASE.total_seconds() / 3)
            yield b"x"
            await house.sweeper.once()

    assert await house.content(await house.add(steady())) == b"x" * 20


async def test_two_of_one_name_at_once_are_two(house: House) -> None:
    contents = [some(CHUNK_BYTES), some(CHUNK_BYTES + 1)]
    idents = await asyncio.gather(*(house.add(pieces(c)) for c in contents))
    assert len(set(idents)) == 2
    listed = await house.attachments.of(TENANT, PLACE)
    assert listed == [(ident, "f.txt") for ident in sorted(idents)]
    assert [await house.content(i) for i in idents] == contents


async def test_a_place_shows_its_own_and_no_other_tenant_has_it(house: House) -> None:
    ident = await house.add(pieces(b"mine"))
    places = [
        Place("other", PLACE.entity),
        Place(PLACE.kind, PLACE.entity + 1),
        Place(PLACE.kind, PLACE.entity, part=1),
    ]
    for tenant, place in [("t2", PLACE), *((TENANT, place) for place in places)]:
        assert await house.attachments.of(tenant, place) == []
        assert await house.attachments.get(tenant, place, ident) is None


async def test_what_is_attached_to_parts_goes_with_them(house: House) -> None:
    kept = await house.add(pieces(b"of the whole"))
    parts = [Place(PLACE.kind, PLACE.entity, part) for part in (1, 2, 3)]

    async def attach(place: Place, content: AsyncIterator[bytes]) -> int:
        return await house.attachments.add(TENANT, place, "f", "a/b", None, content)

    async def meanwhile() -> AsyncIterator[bytes]:
        yield b"of a part"
        await house.attachments.remove(TENANT, PLACE.kind, PLACE.entity, [1, 2])
        yield b"that goes"

    of_parts = [await attach(place, pieces(b"of a part")) for place in parts]
    with pytest.raises(Unavailable):
        await attach(parts[0], meanwhile())
    for place in parts[:2]:
        assert await house.attachments.of(TENANT, place) == []
    await house.sweep()
    assert {r["id"] for r in await house.database["attachments"].find().to_list(9)} == {
        kept,
        of_parts[2],
    }
    assert len(await house.remains()) == 2
    assert await house.content(kept) == b"of the whole"


async def test_one_tenants_burst_waits_and_is_then_refused(house: House) -> None:
    gate = asyncio.Event()

    async def held() -> AsyncIterator[bytes]:
        yield b"x"
        await gate.wait()

    attachments = house.attachments
    attachments._idle, attachments._slots._patience = 60, 0.2
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(house.add(held())) for _ in range(attachments._slots._each)]
        await asyncio.sleep(0)
        with pytest.raises(TooManyRequests):
            await house.add(pieces(b"one too many"))
        place = Place("thing", public_id(3, 1))
        await attachments.add("t2", place, "f", "a/b", None, pieces(b"another tenant's"))
        gate.set()
    assert len({task.result() for task in tasks}) == len(tasks)
    assert attachments._slots._slots == {}


async def test_changed_bytes_are_not_handed_out_as_whole(
    database: Database, servers: Backends
) -> None:
    clock = ManualClock()

    async def unused() -> list[str]:
        return []

    store = GridFsBytes(database, clock)
    house = House(database, clock, AttachmentRows(database), store, unused)
    content = some(6 * CHUNK_BYTES)
    ident = await house.add(pieces(content))

    def with_the_drivers_gridfs() -> bytes:
        client: MongoClient[dict[str, Any]]
        with MongoClient(servers.mongodb) as client:
            bucket = gridfs.GridFSBucket(client[database.name], "attachments")
            return bytes(bucket.open_download_stream(key_of(TENANT, ident)).read())

    assert await asyncio.to_thread(with_the_drivers_gridfs) == content
    chunks = database[CHUNKS]
    await chunks.update_one({"n": 4}, {"$set": {"data": bytes(CHUNK_BYTES)}})
    with pytest.raises(Damaged, match="checksum"):
        await house.content(ident)
    await chunks.update_one({"n": 4}, {"$set": {"data": b"short"}})
    with pytest.raises(Damaged, match="short"):
        await house.content(ident)
    await chunks.delete_one({"n": 4})
    with pytest.raises(Damaged, match="missing"):
        await house.content(ident)


async def test_a_store_that_is_away_is_unavailable(database: Database, bucket: S3Bucket) -> None:
    clock = ManualClock()

    async def unused() -> list[str]:
        return []

    for name, endpoint in (("nope", bucket.endpoint), (bucket.name, "http://127.0.0.1:9")):
        store = S3Bytes(name, "p", endpoint)
        house = House(database, clock, AttachmentRows(database), store, unused)
        with pytest.raises(Unavailable):
            await house.add(pieces(b"x"))
        assert await house.attachments.of(TENANT, PLACE) == []
        await store.close()
