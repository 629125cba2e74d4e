"""``/ostro/v1/testcases/testcases/{key}/versions``: a new version; ``/v2`` reads them."""

from fastapi import APIRouter, Response
from typing_extensions import TypedDict

from kit.http.pages import Answers, json_response
from kit.http.references import References
from kit.http.removal import only_parameters
from services.testcases.api.fields import TestCaseKey
from services.testcases.api.rights import CaseEditor
from services.testcases.domain.testcases import key_of
from services.testcases.usecases.caseversions import CaseVersions


class VersionMade(TypedDict):
    """A version: its id, which executions of it show, where it is read, and its number."""

    id: int
    self: str
    version: int


_MADE: Answers = {201: {"model": VersionMade}}


class CaseVersionRoutes:
    """The route; ``base`` is the public API's base."""

    def __init__(self, versions: CaseVersions, base: str) -> None:
        self._versions = versions
        self._base = base

    def router(self) -> APIRouter:
        """Return the route."""
        router = APIRouter(
            prefix="/ostro/v1/testcases", tags=["Test Cases"], dependencies=[only_parameters()]
        )
        router.add_api_route(
            "/testcases/{testCaseKey}/versions",
            self.create,
            methods=["POST"],
            status_code=201,
            response_class=Response,
            responses=_MADE,
        )
        return router

    async def create(self, access: CaseEditor, key: TestCaseKey) -> Response:
        """Begin a new version of a test case; the one before is kept as it is now."""
        made = await self._versions.create(access, key)
        url = References.of(self._base, access).url(
            "testcases", key_of(made.case, made.project.key)
        )
        answer: VersionMade = {
            "id": made.id,
            "self": f"{url}/versions/{made.number}",
            "version": made.number,
        }
        return json_response(answer, 201)
