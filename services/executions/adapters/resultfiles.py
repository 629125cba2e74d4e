"""Result files of an upload: spooled to disk, unpacked and parsed as streams."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from starlette.requests import Request

from services.executions.adapters.archives import ArchiveLimits, open_results
from services.executions.adapters.spool import spool
from services.executions.domain.formats import Format, Replay, parse
from services.executions.domain.results import ParsedResult
from services.executions.usecases.uploadports import ReceivedFile


@dataclass(frozen=True)
class ResultFiles:
    """Receives uploads within the caps of their formats."""

    caps: Mapping[Format, int]
    archive: ArchiveLimits
    folder: Path | None
    """Where uploads are spooled; the system's temporary folder by default."""

    @asynccontextmanager
    async def receive(
        self, request: Request, result_format: Format, project_keys: Collection[str]
    ) -> AsyncIterator[ReceivedFile]:
        """Spool the body; what it holds is gone when the block ends.

        Raises what ``spool`` raises; reading the results raises ``InvalidInput`` or ``TooLarge``.
        """
        cap = self.caps[result_format]
        async with spool(request, self.folder, cap, result_format) as spooled:
            # parsed once; what was parsed waits on disk for the second pass
            with TemporaryFile(dir=self.folder) as scratch:
                replay = Replay(
                    lambda: self._results(spooled.path, result_format, project_keys), scratch
                )
                yield ReceivedFile(replay, spooled.test_cycle)

    def _results(
        self, path: Path, result_format: Format, project_keys: Collection[str]
    ) -> Iterator[ParsedResult]:
        """Read all files of an upload; blocking, run in a thread."""
        for name, stream in open_results(path, self.archive, result_format):
            with TemporaryFile(dir=self.folder) as scratch:
                yield from parse(result_format, stream, project_keys, name=name, scratch=scratch)
