"""``/v2/testcases/{key}/testscript``: a script in one piece, plain or BDD."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from kit.http.body import JsonBody, documented
from kit.http.pages import json_response
from kit.http.references import References
from services.testcases.api import shapes
from services.testcases.api.fields import Body, TestCaseKey
from services.testcases.api.rights import CaseEditor, CaseReader
from services.testcases.domain.scripts import ScriptType
from services.testcases.domain.testcases import key_of
from services.testcases.usecases.scripts import Scripts


class TestScriptCreate(Body):
    """Body of POST …/testscript."""

    __test__ = False

    type: Literal["plain", "bdd"]
    text: Annotated[str, Field(min_length=1)]


class TestScriptRoutes:
    """The routes; ``base`` is the public API's base URL, ending in /v2."""

    __test__ = False

    def __init__(self, scripts: Scripts, base: str) -> None:
        self._scripts = scripts
        self._base = base

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/v2/testcases/{testCaseKey}/testscript", tags=["Test Cases"])
        router.add_api_route(
            "",
            self.get,
            operation_id="getTestCaseTestScript",
            responses={200: {"model": shapes.TestScript}},
        )
        router.add_api_route(
            "",
            self.put,
            methods=["POST"],
            status_code=201,
            operation_id="createTestCaseTestScript",
            responses={201: {"model": shapes.CreatedResource}},
            openapi_extra=documented(TestScriptCreate),
        )
        return router

    async def get(self, access: CaseReader, key: TestCaseKey) -> Response:
        """Return a plain or BDD script."""
        (case, _), script = await self._scripts.text(access, key)
        # a version has one script, which is known by the version's id
        shown: shapes.TestScript = {
            "type": script.type.value,
            "text": script.text,
            "id": case.version_id,
        }
        return json_response(shown)

    async def put(
        self,
        access: CaseEditor,
        key: TestCaseKey,
        body: Annotated[TestScriptCreate, Depends(JsonBody(TestScriptCreate))],
    ) -> Response:
        """Create or replace a plain or BDD script; steps that it had are removed."""
        kind = ScriptType(body.type)
        case, project = await self._scripts.put_text(access, key, kind, body.text)
        url = References.of(self._base, access).url("testcases", key_of(case, project.key))
        return json_response({"id": case.version_id, "self": f"{url}/testscript"}, 201)
