"""What files may be attached to: test cases, and single steps of them."""

import re
from typing import Protocol

from contracts.ids import MAX_ID, project_of
from kit.attachments.rows import Place
from kit.directory.access import Access
from kit.errors import NotFound
from services.testcases.domain.testcases import TestCase
from services.testcases.usecases.testcases import TestCases

KIND = "test-case"
_ID = re.compile(rf"[0-9]{{1,{len(str(MAX_ID))}}}")


class Cases(Protocol):
    """Looks cases and their steps up by id."""

    async def get(self, tenant: str, case: int) -> TestCase | None:
        """Return one visible case."""
        ...


class Steps(Protocol):
    """Looks at the steps that cases have now."""

    async def has(self, tenant: str, case: int, step: int) -> bool:
        """Whether a visible case has this step."""
        ...


class AttachableCases:
    """Finds the place that a request names; the caller's access says what it is needed for."""

    def __init__(self, cases: TestCases, store: Cases, steps: Steps) -> None:
        self._cases = cases
        self._store = store
        self._steps = steps

    async def case(self, access: Access, id_or_key: str) -> Place:
        """Return the place of a case; ``NotFound`` alike for all that may not be seen."""
        return Place(KIND, await self._id(access, id_or_key))

    async def step(self, access: Access, id_or_key: str, step: str | int) -> Place:
        """Return the place of a step of a case; raise as above for either."""
        case = await self._id(access, id_or_key)
        known = _ID.fullmatch(str(step)) is not None
        if not known or not await self._steps.has(access.tenant, case, int(step)):
            raise NotFound(f"Test step with id {step} does not exist in the test case.")
        return Place(KIND, case, int(step))

    async def _id(self, access: Access, id_or_key: str) -> int:
        if not _ID.fullmatch(id_or_key):
            case, _ = await self._cases.get(access, id_or_key)
            return case.id
        ident = int(id_or_key)
        seen = await access.sees(project_of(ident)) is not None
        if not seen or await self._store.get(access.tenant, ident) is None:
            raise NotFound(
                f"Test case with id {ident} does not exist or you do not have access to it."
            )
        return ident
