"""executions, asked over ``/internal`` what its things have of the library's configuration."""

from collections.abc import Collection, Mapping

from contracts.customfields import CustomFieldEntity
from contracts.internal import (
    DependentsAnswer,
    DependentsRequest,
    FolderContentsAnswer,
    FolderContentsRequest,
    HeldThings,
    UsageAnswer,
    UsageRequest,
)
from kit.dependents import Held
from kit.http.client import InternalClient
from services.testcases.domain.customfields import CustomField
from services.testcases.domain.options import Option
from services.testcases.usecases.optionadmin import UsageElsewhere


class ExecutionsUsage:
    """Implements ``FieldValues`` and ``OptionUsage`` for what executions holds.

    Down is ``Unavailable``.
    """

    def __init__(self, client: InternalClient) -> None:
        self._client = client

    async def having(self, tenant: str, field: CustomField) -> int:
        """Count the things that have a value of a field."""
        question = UsageRequest(project=field.project, custom_field=field.id)
        answer = await self._ask(tenant, question)
        return {
            CustomFieldEntity.TEST_PLAN: answer.test_plans,
            CustomFieldEntity.TEST_CYCLE: answer.test_cycles,
        }.get(field.entity, answer.test_executions)

    async def forget(self, tenant: str, field: CustomField) -> None:
        """Leave it to executions, which hears of the removal by the field's tombstone."""

    async def of_option(self, tenant: str, option: Option) -> UsageElsewhere:
        """Tell what has an option."""
        answer = await self._ask(tenant, UsageRequest(project=option.project, option=option.id))
        return UsageElsewhere(
            answer.test_plans,
            answer.test_cycles,
            answer.test_executions,
            pending=answer.uploads_pending,
            heard=answer.archived_here,
        )

    async def _ask(self, tenant: str, question: UsageRequest) -> UsageAnswer:
        return await self._client.post("/internal/v1/usage", question, UsageAnswer, tenant=tenant)


class ExecutionsDependents:
    """Implements ``Elsewhere`` and ``ContentsElsewhere``. Down is ``Unavailable``."""

    def __init__(self, client: InternalClient) -> None:
        self._client = client

    async def of_cases(self, tenant: str, cases: Collection[int]) -> Held:
        """Return the executions of cases."""
        answer = await self._ask(tenant, DependentsRequest(cases=tuple(cases)))
        return _held(answer.test_executions)

    async def in_folders(self, tenant: str, folders: Collection[int]) -> Mapping[str, Held]:
        """Return cycles and plans in folders, and the executions in those cycles, by kind."""
        answer = await self._ask(tenant, DependentsRequest(folders=tuple(folders)))
        return {
            "testCycles": _held(answer.test_cycles),
            "testPlans": _held(answer.test_plans),
            "testExecutions": _held(answer.test_executions),
        }

    async def empty(self, tenant: str, folder: int, *, delete: bool) -> bool:
        """Move or delete some of what is in a folder; True: there is more."""
        answer = await self._client.post(
            "/internal/v1/folders/contents",
            FolderContentsRequest(folder=folder, delete=delete),
            FolderContentsAnswer,
            tenant=tenant,
        )
        return answer.more

    async def _ask(self, tenant: str, question: DependentsRequest) -> DependentsAnswer:
        return await self._client.post(
            "/internal/v1/dependents", question, DependentsAnswer, tenant=tenant
        )


def _held(found: HeldThings) -> Held:
    return Held(found.count, found.ids)
