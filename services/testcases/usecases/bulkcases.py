"""Many test cases at once: each is judged as if it came alone."""

from collections.abc import Sequence

from contracts.tenancy import ProjectState
from kit.bulk import created, in_lanes
from kit.directory.access import Access
from services.testcases.usecases.testcases import NewTestCase, TestCases
from services.testcases.usecases.testcaseupdates import TestCaseUpdate, TestCaseUpdates


class BulkCases:
    """Creates and replaces cases; the route has decided the right."""

    def __init__(self, cases: TestCases, updates: TestCaseUpdates) -> None:
        self._cases = cases
        self._updates = updates

    async def create(
        self, access: Access, wanted: Sequence[NewTestCase]
    ) -> Sequence[tuple[ProjectState, int] | Exception]:
        """Create cases, those of a project with rising numbers; return projects and ids."""
        return await created(access, wanted, self._cases.create_all)

    async def replace(
        self, access: Access, wanted: Sequence[TestCaseUpdate]
    ) -> Sequence[TestCaseUpdate | Exception]:
        """Replace cases, each with the key that its body has; those of one follow each other."""

        async def one(at: int) -> TestCaseUpdate:
            await self._updates.replace(access, wanted[at].key, wanted[at])
            return wanted[at]

        return await in_lanes([update.id for update in wanted], one)
