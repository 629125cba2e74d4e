"""``DELETE /ostro/v1/testcases/…/attachments/{attachmentId}``; needs what attaching needs."""

from typing import Annotated

from fastapi import APIRouter, Path

from kit.attachments.attachments import Attachments
from kit.attachments.routes import Located, removal_route
from kit.http.pages import MAX_INT64
from services.testcases.api.attachments import CaseIdOrKey
from services.testcases.api.rights import CaseEditor
from services.testcases.usecases.attachments import AttachableCases

_CASE = "/ostro/v1/testcases/testcases/{testCaseIdOrKey}"
_Step = Annotated[int, Path(alias="testCaseStepId", ge=1, le=MAX_INT64)]


class AttachmentRemovalRoutes:
    """The routes; a case by id or key."""

    def __init__(self, attachments: Attachments, cases: AttachableCases) -> None:
        self._attachments = attachments
        self._cases = cases

    def routers(self) -> list[APIRouter]:
        """Return the routes."""
        return [
            removal_route(self._attachments, _CASE, "a test case", self._case),
            removal_route(
                self._attachments,
                f"{_CASE}/teststeps/{{testCaseStepId}}",
                "a step of a test case",
                self._step,
            ),
        ]

    async def _case(self, access: CaseEditor, case: CaseIdOrKey) -> Located:
        return Located(access.tenant, await self._cases.case(access, case))

    async def _step(self, access: CaseEditor, case: CaseIdOrKey, step: _Step) -> Located:
        return Located(access.tenant, await self._cases.step(access, case, step))
