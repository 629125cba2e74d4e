"""``/ostro/v1/executions/uploads/{id}``: how an upload fares after its answer."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from contracts.ids import project_of
from kit.auth.principal import Scope
from kit.clock import vendor_time
from kit.directory.access import Access
from kit.errors import NotFound
from kit.http.pages import json_response
from kit.http.references import References
from kit.http.security import access_with
from services.executions.api import shapes
from services.executions.domain.uploads import UploadState
from services.executions.usecases.uploadstatus import UploadStatus

Watcher = Annotated[Access, Depends(access_with(Scope.READ, Scope.RESULTS))]


def router(status: UploadStatus, base: str) -> APIRouter:
    """Build the route."""
    routes = APIRouter(prefix="/ostro/v1/executions/uploads", tags=["Uploads"])

    @routes.get("/{upload}", responses={200: {"model": shapes.UploadProgress}})
    async def get_upload(access: Watcher, upload: str) -> Response:
        """Return state, number of results and of stored ones, and the test cycle."""
        found = await status.get(access.tenant, upload)
        if found.state is not UploadState.ACCEPTED or found.cycle is None:
            raise NotFound(f"Upload {upload} does not exist.")
        if await access.sees(project_of(found.cycle)) is None:
            raise NotFound(f"Upload {upload} does not exist.")
        progress: shapes.UploadProgress = {
            "id": upload,
            "state": "stored" if found.stored_results == found.results else "storing",
            "results": found.results,
            "stored": found.stored_results,
            "acceptedOn": vendor_time(found.accepted_at),
            "testCycle": References.of(base, access).resource("testcycles", found.cycle),
        }
        return json_response(progress)

    return routes
