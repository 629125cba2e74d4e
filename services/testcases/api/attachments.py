"""Attachments of test cases, ``…/attachments``, and of their steps, ``…/teststeps/{id}/…``."""

from typing import Annotated

from fastapi import APIRouter, Path

from contracts.ids import PROJECT_KEY_PATTERN
from kit.attachments.attachments import Attachments
from kit.attachments.routes import FileName, Located, Resource, attachment_routes
from kit.http.pages import MAX_INT64
from services.testcases.api.fields import TestCaseKey
from services.testcases.api.rights import CaseEditor, CaseReader
from services.testcases.usecases.attachments import AttachableCases

CaseIdOrKey = Annotated[
    str, Path(alias="testCaseIdOrKey", pattern=f"([0-9]+)|({PROJECT_KEY_PATTERN}-T[0-9]+)")
]
_StepOfList = Annotated[str, Path(alias="testStepId", pattern="([0-9]+)")]
_Step = Annotated[int, Path(alias="testCaseStepId", ge=1, le=MAX_INT64)]


class AttachmentRoutes:
    """The routes. Lists take a case's id or key; of a case itself, the others its key alone."""

    def __init__(self, attachments: Attachments, cases: AttachableCases) -> None:
        self._attachments = attachments
        self._cases = cases

    def routers(self) -> list[APIRouter]:
        """Return the routes."""
        of_case = Resource(
            list_path="/v2/testcases/{testCaseIdOrKey}",
            one_path="/v2/testcases/{testCaseKey}",
            operations=(
                "getTestCaseAttachmentsReference",
                "getTestCaseAttachment",
                "uploadTestCaseAttachment",
            ),
            tag="Test Cases",
            what="a test case",
            seen=self._listed_case,
            read=self._read_case,
            edited=self._edited_case,
        )
        of_step = Resource(
            list_path="/v2/testcases/{testCaseIdOrKey}/teststeps/{testStepId}",
            one_path="/v2/testcases/{testCaseIdOrKey}/teststeps/{testCaseStepId}",
            operations=(
                "getTestCaseTestStepAttachmentsReference",
                "getTestCaseStepAttachment",
                "createTestCaseTestStepAttachment",
            ),
            tag="Test Cases",
            what="a step of a test case",
            seen=self._listed_step,
            read=self._read_step,
            edited=self._edited_step,
        )
        return [attachment_routes(self._attachments, found) for found in (of_case, of_step)]

    async def _listed_case(self, access: CaseReader, case: CaseIdOrKey) -> Located:
        return Located(access.tenant, await self._cases.case(access, case))

    async def _read_case(self, access: CaseReader, case: TestCaseKey) -> Located:
        return Located(access.tenant, await self._cases.case(access, case))

    async def _edited_case(self, access: CaseEditor, _: FileName, case: TestCaseKey) -> Located:
        return Located(access.tenant, await self._cases.case(access, case))

    async def _listed_step(
        self, access: CaseReader, case: CaseIdOrKey, step: _StepOfList
    ) -> Located:
        return Located(access.tenant, await self._cases.step(access, case, step))

    async def _read_step(self, access: CaseReader, case: CaseIdOrKey, step: _Step) -> Located:
        return Located(access.tenant, await self._cases.step(access, case, step))

    async def _edited_step(
        self, access: CaseEditor, _: FileName, case: CaseIdOrKey, step: _Step
    ) -> Located:
        return Located(access.tenant, await self._cases.step(access, case, step))
