"""The owner of test cases, options and folders, asked over ``/internal``."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from contracts.customfields import CustomFieldState
from contracts.ids import number_of
from contracts.internal import (
    CustomFieldsAnswer,
    EnsureRequest,
    FolderAnswer,
    OptionsAnswer,
    ResolveRequest,
    RunsAnswer,
    RunsRequest,
    TestCaseAnswer,
    TestCasesAnswer,
    UploadEndedRequest,
)
from contracts.testcases import OptionState, TestCaseState
from kit.auth.principal import ACTING, Principal
from kit.errors import InvalidInput, NotFound, OstroError
from kit.grouping import Grouped
from kit.http.client import InternalClient
from services.executions.adapters.mongo.library import LibraryProjection
from services.executions.domain.executionsteps import ScriptedStep
from services.executions.domain.uploads import Resolved, StatusRule, settled
from services.executions.usecases.runcases import RunCase


class _Asker(NamedTuple):
    """For whom something is asked: what is shown turns on it, so only alike ones share a call."""

    tenant: str
    principal: Principal | None

    @classmethod
    def of(cls, tenant: str) -> "_Asker":
        return cls(tenant, ACTING.get())


class _RunOf(NamedTuple):
    """Asks for a case as it is run."""

    case: int


class _FieldsOf(NamedTuple):
    """Asks for the custom fields of a project."""

    project: int


_Question = _RunOf | _FieldsOf
_Answer = RunCase | list[CustomFieldState] | None


class TestCasesOwner:
    """Answers of the testcases service; down is ``Unavailable``."""

    __test__ = False

    def __init__(self, client: InternalClient) -> None:
        self._client = client
        self._asked = Grouped[_Asker, _Question, _Answer](self._answers)

    async def by_number(
        self, tenant: str, project: int, numbers: Collection[int]
    ) -> Mapping[int, Resolved]:
        """Ask by key numbers."""
        question = ResolveRequest(project=project, numbers=tuple(numbers))
        cases = await self._resolve(tenant, question)
        return {number_of(c.id): _resolved(c) for c in cases}

    async def there(self, tenant: str, project: int, numbers: Collection[int]) -> set[int]:
        """Return those of the key numbers, at most 1,000, that cases have, archived ones too."""
        found = set(await self.by_number(tenant, project, numbers))
        rest = tuple(n for n in numbers if n not in found)
        if rest:
            question = ResolveRequest(project=project, numbers=rest, archived=True)
            found |= {number_of(c.id) for c in await self._resolve(tenant, question)}
        return found

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
        found = await self._asked.get(_Asker.of(tenant), _FieldsOf(project))
        assert isinstance(found, list)
        return found

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
        found = await self._asked.get(_Asker.of(tenant), _RunOf(case))
        assert not isinstance(found, list)
        return found

    async def _answers(
        self, asker: _Asker, questions: Sequence[_Question]
    ) -> list[_Answer | Exception]:
        """Ask for cases, and with them for the fields that their executions are judged by."""
        cases = dict.fromkeys(q.case for q in questions if isinstance(q, _RunOf))
        projects = dict.fromkeys(q.project for q in questions if isinstance(q, _FieldsOf))
        runs: Mapping[int, RunCase | Exception] = {}
        fields: Sequence[CustomFieldState] | None = None
        if cases:
            runs, fields = await self._ask_runs(asker, tuple(cases), tuple(projects))
        of_projects = {p: await self._fields_of(asker, p, fields) for p in projects}
        return [
            runs.get(q.case) if isinstance(q, _RunOf) else of_projects[q.project] for q in questions
        ]

    async def _fields_of(
        self, asker: _Asker, project: int, told: Sequence[CustomFieldState] | None
    ) -> list[CustomFieldState] | Exception:
        if told is not None:
            return [field for field in told if field.project == project]
        try:
            answer = await self._client.get(
                "/internal/v1/custom-fields",
                CustomFieldsAnswer,
                tenant=asker.tenant,
                principal=asker.principal,
                params={"project": project},
            )
        except OstroError as error:
            return error
        return answer.fields

    async def _ask_runs(
        self, asker: _Asker, cases: Sequence[int], projects: Sequence[int]
    ) -> tuple[Mapping[int, RunCase | Exception], Sequence[CustomFieldState] | None]:
        found: dict[int, RunCase | Exception] = {}
        fields: Sequence[CustomFieldState] | None = None
        wanted = RunsRequest(cases=tuple(cases), fields=tuple(projects))
        while wanted.cases:
            answer = await self._client.post(
                "/internal/v1/testcases/runs",
                wanted,
                RunsAnswer,
                tenant=asker.tenant,
                principal=asker.principal,
            )
            found |= {a.case.id: _run_case(a) for a in answer.cases if not a.case.archived}
            found |= {r.case: InvalidInput(r.message) for r in answer.refused}
            if wanted.fields:
                fields = answer.fields
            wanted = RunsRequest(cases=answer.left)
        return found, fields

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
