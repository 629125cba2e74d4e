"""executions, asked over ``/internal`` what its things have of the library's configuration."""

from contracts.customfields import CustomFieldEntity
from contracts.internal import UsageAnswer, UsageRequest
from kit.http.client import InternalClient
from services.testcases.domain.customfields import CustomField


class ExecutionsUsage:
    """Implements ``FieldValues`` for plans, cycles and executions; down is ``Unavailable``."""

    def __init__(self, client: InternalClient) -> None:
        self._client = client

    async def having(self, tenant: str, field: CustomField) -> int:
        """Count the things that have a value of a field."""
        question = UsageRequest(project=field.project, custom_field=field.id)
        answer = await self._ask(tenant, question)
        if field.entity is CustomFieldEntity.TEST_CYCLE:
            return answer.test_cycles
        return answer.test_executions

    async def forget(self, tenant: str, field: CustomField) -> None:
        """Leave it to executions, which hears of the removal by the field's tombstone."""

    async def _ask(self, tenant: str, question: UsageRequest) -> UsageAnswer:
        return await self._client.post("/internal/v1/usage", question, UsageAnswer, tenant=tenant)
