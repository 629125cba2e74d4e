"""``GET /v2/automations/testcases``: the BDD test cases of a project, a zip of feature files."""

import asyncio
import zipfile
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from starlette.responses import StreamingResponse
from starlette.types import Send

from contracts.ids import PROJECT_KEY_PATTERN
from kit.errors import InvalidInput
from services.testcases.api.rights import CaseReader
from services.testcases.domain.gherkin import feature_file
from services.testcases.usecases.features import Feature, Features

ZIP = "application/zip"
_Accept = Annotated[str, Header(json_schema_extra={"enum": [ZIP]})]
_ProjectKey = Annotated[str, Query(alias="projectKey", pattern=f"({PROJECT_KEY_PATTERN})")]


class FeatureRoutes:
    """The route."""

    def __init__(self, features: Features) -> None:
        self._features = features

    def router(self) -> APIRouter:
        """Return the route."""
        router = APIRouter(prefix="/v2/automations", tags=["Automations"])
        router.add_api_route(
            "/testcases",
            self.export,
            operation_id="retrieveBDDTestCases",
            response_class=Response,
            responses={
                200: {"content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}},
                204: {"description": "The project has no BDD test cases."},
            },
        )
        return router

    async def export(
        self, access: CaseReader, project_key: _ProjectKey, accept: _Accept
    ) -> Response:
        """Export the BDD test cases of a project, one feature file each."""
        if ZIP not in {part.partition(";")[0].strip().lower() for part in accept.split(",")}:
            raise InvalidInput(f"The Accept header must be {ZIP}.")
        features = await self._features.of_project(access, project_key)
        # a fault before the first file is an answer, a later one breaks the connection
        first = await anext(features, None)
        if first is None:
            return Response(status_code=204)
        return _Zip(zipped(first, features), media_type=ZIP)


class _Zip(StreamingResponse):
    """Closes its stream also when the client goes away in the middle."""

    body_iterator: AsyncGenerator[bytes, None]

    async def stream_response(self, send: Send) -> None:
        """Send everything."""
        async with aclosing(self.body_iterator):
            await super().stream_response(send)


async def zipped(
    first: Feature, rest: AsyncGenerator[Feature, None]
) -> AsyncGenerator[bytes, None]:
    """Yield an archive piece by piece; one file is in memory at a time."""
    sink = _Sink()
    async with aclosing(rest):
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
            await asyncio.to_thread(_add, archive, first)
            yield sink.taken()
            async for feature in rest:
                await asyncio.to_thread(_add, archive, feature)
                yield sink.taken()
        yield sink.taken()


def _add(archive: zipfile.ZipFile, feature: Feature) -> None:
    """Render and compress: some milliseconds for a long one."""
    entry = zipfile.ZipInfo(f"{feature.key}.feature", feature.updated_on.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, feature_file(feature.key, feature.name, feature.text))


class _Sink:
    """Takes what an archive writes; it cannot seek, so that nothing is written twice."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def write(self, piece: bytes) -> int:
        """Keep a piece."""
        self._pending += piece
        return len(piece)

    def flush(self) -> None:
        """Do nothing: what is pending is taken."""

    def close(self) -> None:
        """Do nothing."""

    def taken(self) -> bytes:
        """Return what is pending, and forget it."""
        piece = bytes(self._pending)
        self._pending.clear()
        return piece
