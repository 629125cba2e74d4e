"""The owner of test cases, options and folders, asked over ``/internal``."""

from collections.abc import Collection, Mapping

from contracts.customfields import CustomFieldState
from contracts.ids import number_of
from contracts.internal import (
    CustomFieldsAnswer,
    EnsureRequest,
    FolderAnswer,
    OptionsAnswer,
    ResolveRequest,
    TestCaseAnswer,
    TestCasesAnswer,
    UploadEndedRequest,
)
from contracts.testcases import OptionState, TestCaseState
from kit.errors import NotFound
from kit.http.client import InternalClient
from services.executions.adapters.mongo.library import LibraryProjection
from services.executions.domain.executionsteps import ScriptedStep
from services.executions.domain.uploads import Resolved, StatusRule, settled
from services.executions.usecases.runcases import RunCase


class TestCasesOwner:
    """Answers of the testcases service; down is ``Unavailable``."""

    __test__ = False

    def __init__(self, client: InternalClient) -> None:
        self._client = client

    async def by_number(
        self, tenant: str, project: int, numbers: Collection[int]
    ) -> Mapping[int, Resolved]:
        """Ask by key numbers."""
        question = ResolveRequest(project=project, numbers=tuple(numbers))
        cases = await self._resolve(tenant, question)
        return {number_of(c.id): _resolved(c) for c in cases}

    async def by_name(
        self, tenant: str, project: int, names: Collection[str]
    ) -> Mapping[str, Resolved]:
        """Ask by names."""
        question = ResolveRequest(project=project, names=tuple(names))
        cases = await self._resolve(tenant, question)
        return {c.name: _resolved(c) for c in cases}

    async def ensure(
        self, tenant: str, project: int, upload: str, names: Collection[str]
    ) -> Mapping[str, Resolved]:
        """Find or create by name; answers come in the order of the names."""
        wanted = tuple(names)
        answer = await self._client.post(
            "/internal/v1/testcases/ensure",
            EnsureRequest(project=project, upload=upload, names=list(wanted)),
            TestCasesAnswer,
            tenant=tenant,
        )
        return {c.name: _resolved(c) for c in answer.cases}

    async def accepted(self, tenant: str, project: int, upload: str) -> None:
        """Tell that the upload's cases are real."""
        await self._tell(tenant, project, upload, "accepted")

    async def aborted(self, tenant: str, project: int, upload: str) -> None:
        """Tell that the upload's cases never were."""
        await self._tell(tenant, project, upload, "aborted")

    async def options(self, tenant: str, project: int) -> list[OptionState]:
        """Ask for all options of a project; the defaults exist afterwards."""
        answer = await self._client.get(
            "/internal/v1/options", OptionsAnswer, tenant=tenant, params={"project": project}
        )
        return list(answer.options)

    async def custom_fields(self, tenant: str, project: int) -> list[CustomFieldState]:
        """Ask for all custom fields of a project."""
        answer = await self._client.get(
            "/internal/v1/custom-fields",
            CustomFieldsAnswer,
            tenant=tenant,
            params={"project": project},
        )
        return list(answer.fields)

    async def folder_type(self, tenant: str, project: int, folder: int) -> str | None:
        """Ask for a folder's type."""
        try:
            answer = await self._client.get(
                f"/internal/v1/folders/{folder}", FolderAnswer, tenant=tenant
            )
        except NotFound:
            return None
        return answer.folder.type if answer.folder.project == project else None

    async def run_case(self, tenant: str, case: int) -> RunCase | None:
        """Ask for a case with its script as it is now; None for one that is not there."""
        try:
            answer = await self._client.get(
                f"/internal/v1/testcases/{case}", TestCaseAnswer, tenant=tenant
            )
        except NotFound:
            return None
        return None if answer.case.archived else _run_case(answer)

    async def _resolve(self, tenant: str, question: ResolveRequest) -> list[TestCaseState]:
        answer = await self._client.post(
            "/internal/v1/testcases/resolve", question, TestCasesAnswer, tenant=tenant
        )
        return list(answer.cases)

    async def _tell(self, tenant: str, project: int, upload: str, how: str) -> None:
        await self._client.tell(
            f"/internal/v1/uploads/{upload}/{how}",
            UploadEndedRequest(project=project),
            tenant=tenant,
        )


class ProjectOptions:
    """Options and folders: the projection first, the owner on a miss."""

    def __init__(self, projection: LibraryProjection, owner: TestCasesOwner) -> None:
        self._projection = projection
        self._owner = owner

    async def options(
        self, tenant: str, project: int, statuses: Collection[str]
    ) -> Collection[OptionState]:
        """Return the options of a project; a name that is not known here may be a new one."""
        known = await self._projection.options(tenant, project)
        rule = StatusRule(project, known)
        if settled(known) and all(rule.knows(name) for name in statuses):
            return known
        return await self._owner.options(tenant, project)

    async def folder_type(self, tenant: str, project: int, folder: int) -> str | None:
        """Return the type of a folder of the project."""
        return await self._projection.folder_type(
            tenant, project, folder
        ) or await self._owner.folder_type(tenant, project, folder)


def _resolved(case: TestCaseState) -> Resolved:
    return Resolved(case.id, case.version, case.version_id)


def _run_case(answer: TestCaseAnswer) -> RunCase:
    case = answer.case
    if answer.text is not None:
        script: tuple[ScriptedStep, ...] = (ScriptedStep(answer.text),)
    else:
        script = tuple(
            ScriptedStep(s.description, s.test_data, s.expected_result, s.reflect_ref)
            for s in answer.steps
        )
    return RunCase(case.id, case.version, case.version_id, answer.estimated_time, script)
