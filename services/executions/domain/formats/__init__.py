"""The three result formats of the vendor: bytes in, results out, in constant memory."""

import io
from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import IO

from kit.errors import InvalidInput
from services.executions.domain.formats.cucumber import read_cucumber
from services.executions.domain.formats.custom import read_custom
from services.executions.domain.formats.folding import fold
from services.executions.domain.formats.junit import read_junit
from services.executions.domain.formats.records import Replay
from services.executions.domain.formats.stream import ByteStream, ResultStream
from services.executions.domain.results import ParsedResult

__all__ = ["ByteStream", "Format", "Replay", "ResultStream", "parse"]


class Format(StrEnum):
    """Last segment of the upload's path."""

    JUNIT = "junit"
    CUCUMBER = "cucumber"
    CUSTOM = "custom"


def parse(
    result_format: Format,
    stream: ByteStream,
    project_keys: Collection[str],
    *,
    name: str = "",
    scratch: IO[bytes] | None = None,
) -> Iterator[ParsedResult]:
    """Yield the folded results of one file, always in the same order.

    ``project_keys``: key and aliases of the upload's project, the only ones looked for in JUnit
    names. ``name``: put before the message of a refusal. ``scratch``: an empty file where variants
    wait until the end; in memory by default. Blocking; any thread, one at a time.
    Raises ``InvalidInput`` naming line and cause.
    """
    try:
        yield from fold(_read(result_format, stream, project_keys), scratch or io.BytesIO())
    except InvalidInput as error:
        raise (InvalidInput(f"{name}, {error.message}") if name else error) from None


def _read(
    result_format: Format, stream: ByteStream, project_keys: Collection[str]
) -> Iterator[ParsedResult]:
    match result_format:
        case Format.JUNIT:
            return read_junit(stream, project_keys)
        case Format.CUCUMBER:
            return read_cucumber(stream)
        case Format.CUSTOM:
            return read_custom(stream)
