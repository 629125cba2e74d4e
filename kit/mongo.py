"""MongoDB, and the only module that imports Motor.

Motor is at its end of life; this door keeps the way to PyMongo's async API open. Repositories use
the common subset of both: find_one, find().to_list, insert_many, update_one, update_many,
bulk_write, find_one_and_update, create_index, aggregate().to_list.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pymongo import IndexModel
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
    WTimeoutError,
)
from pymongo.write_concern import WriteConcern

from kit.errors import Unavailable, Unprocessable

Document = dict[str, Any]
Database: TypeAlias = AsyncIOMotorDatabase[Document]
Collection: TypeAlias = AsyncIOMotorCollection[Document]
Session: TypeAlias = AsyncIOMotorClientSession
DuplicateKey = DuplicateKeyError
MongoError = PyMongoError

DUPLICATE = 11000
_WRITE_CONFLICT = 112
_TRANSIENT = (
    AutoReconnect,
    ConnectionFailure,
    NetworkTimeout,
    ExecutionTimeout,
    WTimeoutError,
    WriteConcernError,
)
# no primary, shutting down, stepped down, host unreachable, time-outs, write conflict, ...
_TRANSIENT_CODES = {
    *(6, 7, 50, 64, 89, 91, 112, 133, 134, 189, 202, 262, 9001),
    *(10107, 11600, 11602, 13435, 13436),
}


class BulkFailure(Exception):
    """A bulk write failed for another reason than a duplicate.

    Carries codes and counts only: PyMongo's own error holds whole documents, and with them
    customer content that must not reach a log.
    """

    def __init__(self, codes: Sequence[int]) -> None:
        super().__init__(f"{len(codes)} writes failed with codes {sorted(set(codes))}")
        self.codes = tuple(codes)


def is_transient(error: BaseException) -> bool:
    """Whether trying again may help: no primary, a broken connection, a time-out."""
    if isinstance(error, BulkFailure):
        return bool(error.codes) and all(code in _TRANSIENT_CODES for code in error.codes)
    if isinstance(error, OperationFailure):
        return error.code in _TRANSIENT_CODES or isinstance(error, _TRANSIENT)
    return isinstance(error, _TRANSIENT)


@contextlib.contextmanager
def unavailable_when_down() -> Iterator[None]:
    """Turn a transient MongoDB fault into ``Unavailable`` (503)."""
    try:
        yield
    except Exception as error:
        if is_transient(error):
            raise Unavailable("The database is not available; try again.") from error
        raise


@contextlib.asynccontextmanager
async def connect(uri: str, database: str, *, timeout_ms: int = 5_000) -> AsyncIterator[Database]:
    """Yield the database; majority journaled writes, aware UTC times, closed at the end."""
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
        uri,
        tz_aware=True,
        serverSelectionTimeoutMS=timeout_ms,
        connectTimeoutMS=timeout_ms,
        socketTimeoutMS=30_000,
        maxPoolSize=64,
        retryWrites=True,
        uuidRepresentation="standard",
    )
    try:
        yield client.get_database(database, write_concern=WriteConcern("majority", j=True))
    finally:
        client.close()


@contextlib.contextmanager
def in_time(seconds: float) -> Iterator[None]:
    """Turn the end of ``max_time_ms`` into ``Unprocessable`` (422): it would take as long again."""
    with unavailable_when_down():
        try:
            yield
        except ExecutionTimeout as error:
            raise Unprocessable(
                f"The search took longer than {seconds:g} seconds and was ended: narrow it down."
            ) from error


async def ping(database: Database) -> None:
    """Raise unless a primary answers."""
    await database.command("ping")


async def wait_until_up(database: Database, timeout_seconds: float) -> None:
    """Wait for the first ping; raise ``Unavailable`` with the cause when time runs out."""
    deadline = asyncio.get_running_loop().time() + timeout_seconds
    while True:
        try:
            await ping(database)
        except PyMongoError as error:
            if asyncio.get_running_loop().time() > deadline or not is_transient(error):
                raise Unavailable(f"MongoDB does not answer: {type(error).__name__}") from error
            await asyncio.sleep(0.2)
        else:
            return


class WriteConflict(Exception):
    """Another transaction wrote the same document first; nothing of this one is stored."""


@contextlib.asynccontextmanager
async def transaction(database: Database) -> AsyncIterator[Session]:
    """Yield a session: all writes that get it, or none. Majority, journaled, never retried here.

    For the rare write that needs two documents (a change and its audit row); anything else fits
    into one document.
    """
    try:
        async with (
            await database.client.start_session() as session,
            session.start_transaction(write_concern=WriteConcern("majority", j=True)),
        ):
            yield session
    except OperationFailure as error:
        if error.code == _WRITE_CONFLICT:
            raise WriteConflict from None
        raise


async def ensure_indexes(database: Database, indexes: Mapping[str, Sequence[IndexModel]]) -> None:
    """Create the indexes of each collection; existing equal ones are left alone."""
    for name, models in indexes.items():
        if models:
            await database[name].create_indexes(list(models))


async def insert_new(collection: Collection, documents: Sequence[Document]) -> set[int]:
    """Insert unordered; return the positions that were there already (duplicate on ``_id``)."""
    if not documents:
        return set()
    try:
        await collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        return {int(e["index"]) for e in _duplicates_only(error, on_id=True)}
    return set()


async def bulk_upsert(collection: Collection, writes: Sequence[Any]) -> None:
    """Run revision-checked upserts unordered; a duplicate means a newer revision is there."""
    if not writes:
        return
    try:
        await collection.bulk_write(list(writes), ordered=False)
    except BulkWriteError as error:
        _duplicates_only(error)


def _duplicates_only(error: BulkWriteError, *, on_id: bool = False) -> list[Mapping[str, Any]]:
    """Return the failed writes when all are duplicates, else raise ``BulkFailure``."""
    details = error.details or {}
    failed: list[Mapping[str, Any]] = details.get("writeErrors", [])
    codes = [
        int(e["code"])
        for e in failed
        # a duplicate in another unique index means that the document is not there
        if e["code"] != DUPLICATE or (on_id and list(e.get("keyPattern", {"_id": 1})) != ["_id"])
    ]
    codes += [int(e.get("code", 0)) for e in details.get("writeConcernErrors", [])]
    if codes:
        raise BulkFailure(codes) from None
    return failed
