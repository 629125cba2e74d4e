"""``/v2/testcases/{key}/teststeps``: the steps of a step-by-step script."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, model_validator

from contracts.customfields import CustomFieldState, show_values
from kit.http.body import JsonBody, documented
from kit.http.pages import Offset, OffsetList, json_response, offset_response
from kit.http.references import References
from services.testcases.api import shapes
from services.testcases.api.fields import Body, TestCaseKey
from services.testcases.api.rights import CaseEditor, CaseReader
from services.testcases.domain.scripts import CallParameter, CallStep, ParameterType, Step
from services.testcases.domain.testcases import key_of
from services.testcases.usecases.scripts import CallInput, InlineInput, Scripts, StepInput

MAX_ITEMS = 100
"""Of one request."""


class InlineStepInput(Body):
    """A step written out. Null and absent are the same."""

    description: str | None = None
    test_data: str | None = None
    expected_result: str | None = None
    custom_fields: dict[str, Any] | None = None
    reflect_ref: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.description or self.test_data or self.expected_result):
            raise ValueError("needs one of description, testData and expectedResult")
        return self


class CallToTestParameter(Body):
    """A parameter of a called test case."""

    name: str | None = None
    type: ParameterType | None = None
    value: str | None = None


class CallToTestStepInput(Body):
    """A step that calls another test case."""

    test_case_key: Annotated[str, Field(pattern="(.+-T[0-9]+)")]
    parameters: Annotated[list[CallToTestParameter], Field(max_length=100)] | None = None


class TestStepInput(Body):
    """One step; the unused one of the two may be null, as in answers."""

    __test__ = False

    inline: InlineStepInput | None = None
    test_case: CallToTestStepInput | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.inline is None) is (self.test_case is None):
            raise ValueError("needs either inline or testCase")
        return self


class TestStepsCreate(Body):
    """Body of POST …/teststeps."""

    __test__ = False

    mode: Literal["APPEND", "OVERWRITE"]
    items: Annotated[list[TestStepInput], Field(min_length=1, max_length=MAX_ITEMS)]


class TestStepRoutes:
    """The routes; ``base`` is the public API's base URL, ending in /v2."""

    __test__ = False

    def __init__(self, scripts: Scripts, base: str) -> None:
        self._scripts = scripts
        self._base = base

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/v2/testcases/{testCaseKey}/teststeps", tags=["Test Cases"])
        router.add_api_route(
            "",
            self.list_page,
            operation_id="getTestCaseTestSteps",
            responses={200: {"model": OffsetList[shapes.TestStep]}},
        )
        router.add_api_route(
            "",
            self.put,
            methods=["POST"],
            status_code=201,
            operation_id="createTestCaseTestSteps",
            responses={201: {"model": shapes.CreatedResource}},
            openapi_extra=documented(TestStepsCreate),
        )
        return router

    async def list_page(
        self, request: Request, access: CaseReader, page: Offset, key: TestCaseKey
    ) -> Response:
        """List the steps of a test case."""
        found = await self._scripts.steps(access, key)
        some = found.steps[page.start_at : page.start_at + page.max_results]
        refs = References.of(self._base, access)
        values = [_shown(refs, step, found.fields) for step in some]
        return offset_response(request, self._base, page, len(found.steps), values)

    async def put(
        self,
        access: CaseEditor,
        key: TestCaseKey,
        body: Annotated[TestStepsCreate, Depends(JsonBody(TestStepsCreate))],
    ) -> Response:
        """Append or replace the steps of a test case; the latter replaces a text script, too."""
        items = [_input(item) for item in body.items]
        append = body.mode == "APPEND"
        case, project = await self._scripts.put_steps(access, key, items, append=append)
        url = References.of(self._base, access).url("testcases", key_of(case, project.key))
        return json_response({"id": case.version_id, "self": f"{url}/teststeps"}, 201)


def _input(item: TestStepInput) -> StepInput:
    inline, call = item.inline, item.test_case
    if inline is not None:
        return InlineInput(
            description=inline.description,
            test_data=inline.test_data,
            expected_result=inline.expected_result,
            reflect_ref=inline.reflect_ref,
            custom_fields=inline.custom_fields or {},
        )
    assert call is not None
    parameters = None
    if call.parameters is not None:
        parameters = tuple(CallParameter(p.name, p.type, p.value) for p in call.parameters)
    return CallInput(call.test_case_key, parameters)


def _shown(refs: References, step: Step, fields: Sequence[CustomFieldState]) -> shapes.TestStep:
    action = step.action
    if isinstance(action, CallStep):
        return {"id": step.id, "inline": None, "testCase": _call(refs, action)}
    inline: shapes.InlineStep = {
        "description": action.description,
        "testData": action.test_data,
        "expectedResult": action.expected_result,
        "customFields": show_values(fields, action.custom_fields),
        "reflectRef": action.reflect_ref,
    }
    return {"id": step.id, "inline": inline, "testCase": None}


def _call(refs: References, call: CallStep) -> shapes.CallToTestStep:
    parameters = None
    if call.parameters is not None:
        parameters = [_parameter(p) for p in call.parameters]
    return {
        "self": refs.url("testcases", call.key),
        "testCaseKey": call.key,
        "parameters": parameters,
    }


def _parameter(found: CallParameter) -> shapes.CallToTestParameter:
    shown: shapes.CallToTestParameter = {}
    if found.name is not None:
        shown["name"] = found.name
    if found.type is not None:
        shown["type"] = found.type.value
    if found.value is not None:
        shown["value"] = found.value
    return shown
