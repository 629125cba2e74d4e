"""Uploads made step by step with executions' own adapters, so that a test can stop in between."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson

from contracts.ids import public_id
from contracts.tenancy import ProjectState
from contracts.topics import RESULT
from kit.clock import Clock, SystemClock
from kit.ids import SystemIds
from kit.kafka.client import Names
from kit.kafka.producer import Publisher
from kit.kafka.records import Outgoing
from kit.mongo import Database, connect
from services.executions.adapters.chunks import ChunkPublisher
from services.executions.adapters.mongo.testcycles import TestCycleRepository
from services.executions.adapters.mongo.uploads import UploadRepository
from services.executions.domain.formats import Format
from services.executions.domain.testcycles import TestCycle
from services.executions.usecases.uploadports import (
    ChunkContext,
    CycleInput,
    ReceivedFile,
    UploadRequest,
)
from tests.harness.installation import Installation

_CLOCK: Clock = SystemClock()
_IDS = SystemIds()
_CASE = 1
"""Number of the test case behind every row; nothing asks whether it exists."""


@dataclass
class Upload:
    """One upload; its cycle and executions have high numbers of their own."""

    hand: "Hand"
    request: UploadRequest
    id: str
    number: int

    @property
    def tenant(self) -> str:
        """Whose it is."""
        return self.request.tenant

    @property
    def context(self) -> ChunkContext:
        """What its chunks share."""
        project = self.request.project.id
        cycle, first = public_id(project, self.number), public_id(project, self.number)
        return ChunkContext(self.tenant, self.id, project, cycle, first, None)

    async def open(self, results: int) -> None:
        """Row and cycle, as before the first chunk."""
        rows, context = self.hand.rows, self.context
        await rows.begin(self.tenant, self.id, self.request)
        await rows.describe(self.tenant, self.id, context.cycle, context.first_id, results)
        await self.hand.cycles.insert(self._cycle())

    async def chunk(self, number: int, rows: int, first: int = 0) -> None:
        """Publish one chunk."""
        await self.hand.chunks.send(self.context, number, [self._rows(rows, first)])

    def record(self, number: int, rows: int) -> Outgoing:
        """Return a chunk as it would be published."""
        return self.hand.chunks._record(self.context, number, self._rows(rows, 0), None)

    async def raw(self, number: int, value: bytes | None) -> None:
        """Publish any bytes with the headers and the key of a chunk."""
        headers = (("upload", self.id.encode()), ("chunk", str(number).encode()))
        key = f"{self.tenant}/{self.id}/{number}".encode()
        topic = self.hand.names.topic(RESULT)
        await self.hand.publisher.send([Outgoing(topic, key, value, headers)])

    async def seal(self, chunks: int) -> None:
        """Say that Kafka has all of it."""
        assert await self.hand.rows.seal(self.tenant, self.id, chunks)

    async def accept(self) -> None:
        """As right before the 200."""
        assert await self.hand.rows.accept(self.tenant, self.id, self.request)

    async def abort(self) -> None:
        """As right before an error."""
        assert await self.hand.rows.abort(self.tenant, self.id)

    async def stored(self) -> int:
        """Count its executions in the database."""
        of_it = {"tenant": self.tenant, "upload": self.id}
        return await self.hand.database["test_executions"].count_documents(of_it)

    async def ledger(self) -> int:
        """Count its ledger rows."""
        of_it = {"tenant": self.tenant, "upload": self.id}
        return await self.hand.database["ledger"].count_documents(of_it)

    def _rows(self, count: int, first: int) -> list[bytes]:
        project = self.request.project.id
        shared = {
            "case": public_id(project, _CASE),
            "version": 1,
            "version_id": public_id(project, _CASE),
            "status": public_id(project, 12),
            "time": 5,
            "comment": None,
        }
        return [orjson.dumps({"pos": first + i, **shared}) for i in range(count)]

    def _cycle(self) -> TestCycle:
        context, now = self.context, _CLOCK.now()
        return TestCycle(
            _id=f"{self.tenant}/{context.cycle}",
            tenant=self.tenant,
            id=context.cycle,
            project=context.project,
            name="by hand",
            description=None,
            status=public_id(context.project, 7),
            folder=None,
            jira_version=None,
            planned_start=None,
            planned_end=None,
            owner=None,
            upload=self.id,
            created_on=now,
            updated_on=now,
            rev=1,
        )


class Hand:
    """Adapters on the installation's database and topics."""

    def __init__(
        self, database: Database, publisher: Publisher, names: Names, clock: Clock
    ) -> None:
        self.database = database
        self.publisher = publisher
        self.names = names
        self.rows = UploadRepository(database, "hand", clock, _IDS)
        self.cycles = TestCycleRepository(database)
        self.chunks = ChunkPublisher(publisher, names, clock)

    def upload(self, tenant: str, project: int, key: str = "DEMO") -> Upload:
        """Begin to make one."""
        state = ProjectState(id=project, jira_project_id=project, key=key, enabled=True)
        request = UploadRequest(
            tenant=tenant,
            account_id=None,
            project=state,
            format=Format.JUNIT,
            create_cases=False,
            cycle=CycleInput(),
            file=ReceivedFile(lambda: iter(()), None),
            url_path="/v2/automations/executions/junit",
            user_agent="hand",
        )
        # far from the numbers that real uploads get
        return Upload(self, request, _IDS.token(), 1_000_000 + _IDS.below(1_000_000))


@contextlib.asynccontextmanager
async def by_hand(installation: Installation, clock: Clock = _CLOCK) -> AsyncIterator[Hand]:
    """Connect; ``clock`` is that of the service beside it."""
    publisher = Publisher(installation.kafka, client_id="test-hand")
    name = installation.database("executions")
    async with connect(installation.backends.mongodb, name) as database:
        try:
            yield Hand(database, publisher, Names(installation.prefix), clock)
        finally:
            await publisher.stop()
