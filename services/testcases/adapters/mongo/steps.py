"""Steps inside the documents of their cases; the tenant comes first."""

from contracts.ids import project_of
from kit.mongo import Database
from services.testcases.adapters.mongo.testcases import TEST_CASES


class StepRows:
    """Implements ``Steps``."""

    def __init__(self, database: Database) -> None:
        self._cases = database[TEST_CASES]

    async def has(self, tenant: str, case: int, step: int) -> bool:
        """Whether a visible case has this step."""
        query = {
            "tenant": tenant,
            "project": project_of(case),
            "visible": True,
            "id": case,
            "script.steps.id": step,
        }
        return await self._cases.find_one(query, {"_id": 1}) is not None
