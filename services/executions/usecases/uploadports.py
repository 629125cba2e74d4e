"""What an upload is made of, and the ports of the walk that takes it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from contracts.tenancy import ProjectState
from contracts.testcases import OptionState
from services.executions.domain.formats import Format
from services.executions.domain.results import ParsedResult
from services.executions.domain.testcycles import AUTOMATED_BUILD, TestCycle
from services.executions.usecases.resolution import CaseOwner


@dataclass(frozen=True)
class CycleInput:
    """The ``testCycle`` part, validated."""

    name: str = AUTOMATED_BUILD
    description: str | None = None
    jira_version: int | None = None
    folder: int | None = None
    custom_fields: Mapping[str, Any] = field(default_factory=dict)
    """By name; empty where nothing is said, which is no fault even of required fields."""


@dataclass(frozen=True)
class ReceivedFile:
    """The body of an upload, on disk."""

    results: Callable[[], Iterator[ParsedResult]]
    """Reads the results from the beginning, each time in the same order; blocking."""
    test_cycle: bytes | None
    """The ``testCycle`` part."""


@dataclass(frozen=True)
class UploadRequest:
    """What a client asks for."""

    tenant: str
    account_id: str | None
    project: ProjectState
    format: Format
    create_cases: bool
    cycle: CycleInput
    file: ReceivedFile
    url_path: str
    user_agent: str | None


@dataclass(frozen=True)
class ChunkContext:
    """What all chunks of one upload share."""

    tenant: str
    upload: str
    project: int
    cycle: int
    first_id: int
    jira_version: int | None


@dataclass(frozen=True)
class UploadAnswer:
    """An accepted upload. ``stored`` is False when the bounded wait ran out."""

    upload: str
    project: int
    cycle: int
    stored: bool


@dataclass(frozen=True)
class Unstored:
    """What waits for storage: of one tenant, and the age of the oldest of all in seconds."""

    results: int
    oldest_seconds: float


class UploadRows(Protocol):
    """The uploads' states. A transition returns False when the state does not allow it."""

    async def begin(self, tenant: str, upload: str, request: UploadRequest) -> None: ...
    async def describe(
        self, tenant: str, upload: str, cycle: int, first_id: int, results: int
    ) -> None: ...
    async def seal(self, tenant: str, upload: str, chunks: int) -> bool: ...
    async def accept(self, tenant: str, upload: str, request: UploadRequest) -> bool:
        """Make it visible; True also when it is accepted already."""
        ...

    async def abort(self, tenant: str, upload: str) -> bool: ...
    async def stored(self, tenant: str, upload: str) -> None: ...
    async def told(self, tenant: str, upload: str) -> None: ...
    async def unstored(self, tenant: str) -> Unstored: ...


class CycleRows(Protocol):
    """Stores the new cycle; hidden until its upload is accepted."""

    async def insert(self, cycle: TestCycle) -> None: ...


class ChunkSender(Protocol):
    """Publishes chunks and waits until Kafka has them."""

    async def send(
        self, context: ChunkContext, first: int, chunks: Sequence[Sequence[bytes]]
    ) -> None: ...


class LedgerView(Protocol):
    """Reads the ledger."""

    async def stored_chunks(self, tenant: str, upload: str) -> int: ...
    async def changed(self, upload: str, seconds: float) -> None:
        """Return after that time, or at once when this process stored a chunk of the upload."""
        ...


class Options(Protocol):
    """Statuses and folders of a project."""

    async def options(
        self, tenant: str, project: int, statuses: Collection[str]
    ) -> Collection[OptionState]:
        """Return all options; ``statuses`` are names that some of them may have."""
        ...

    async def folder_type(self, tenant: str, project: int, folder: int) -> str | None:
        """Return the type of a folder of this project, None when there is none."""
        ...


class CaseDecisions(CaseOwner, Protocol):
    """The owner of the cases learns how an upload ended."""

    async def accepted(self, tenant: str, project: int, upload: str) -> None: ...


@dataclass(frozen=True)
class Limits:
    """What holds for the uploads of one tenant at a moment."""

    wait_seconds: float
    max_results: int
    max_unstored_results: int
    max_queue_age_seconds: float


LimitsOf = Callable[[str], Limits]
"""By tenant, asked each time: they change while a process runs."""
