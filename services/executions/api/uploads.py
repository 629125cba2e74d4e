"""``/ostro/v1/executions/uploads/{id}``: how an upload fares after its answer."""

from fastapi import APIRouter, Response

from contracts.ids import project_of
from kit.clock import vendor_time
from kit.errors import Forbidden, NotFound
from kit.http.pages import json_response
from kit.http.references import References
from services.executions.api import shapes
from services.executions.api.rights import Watcher
from services.executions.domain.uploads import UploadState
from services.executions.usecases.uploadstatus import UploadStatus


def router(status: UploadStatus, base: str) -> APIRouter:
    """Build the route."""
    routes = APIRouter(prefix="/ostro/v1/executions/uploads", tags=["Uploads"])

    @routes.get("/{upload}", responses={200: {"model": shapes.UploadProgress}})
    async def get_upload(access: Watcher, upload: str) -> Response:
        """Return how far an upload is: number of results and of stored ones, and the test cycle."""
        found = await status.get(access.tenant, upload)
        if found.state is not UploadState.ACCEPTED or found.cycle is None:
            raise NotFound(f"Upload {upload} does not exist.")
        try:
            seen = await access.sees(project_of(found.cycle)) is not None
        except Forbidden:
            seen = False  # the id does not say the project, so a refusal would tell it exists
        if not seen:
            raise NotFound(f"Upload {upload} does not exist.")
        progress: shapes.UploadProgress = {
            "id": upload,
            "state": found.storage.value,
            "results": found.results,
            "stored": found.stored_results,
            "acceptedOn": vendor_time(found.accepted_at),
            "testCycle": References.of(base, access).resource("testcycles", found.cycle),
        }
        return json_response(progress)

    return routes
