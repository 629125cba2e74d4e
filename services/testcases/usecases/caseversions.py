"""New versions of test cases: what a case is now is kept as it is, and editing goes on in the next.

Links, attachments and place in the list of cases are the case's, whatever its versions say.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from contracts.ids import public_id
from contracts.tenancy import ProjectState
from kit.directory.access import Access
from kit.errors import InvalidInput
from services.testcases.domain.testcases import TestCase
from services.testcases.usecases.numbering import Numbered, Numbers
from services.testcases.usecases.testcases import TestCases, unknown_test_case

MAX_VERSIONS = 1_000
"""Of one case; an import may bring more, and then no new one is made."""


MAX_NUMBER = 2**31 - 1


class VersionStore(Protocol):
    """Where versions are kept."""

    async def begin(
        self, tenant: str, case: int, version_id: int, check: Callable[[int, int], None]
    ) -> int | None:
        """Keep the newest version of a visible case and begin the next; None when it is gone.

        Both or neither happens, and of two at once each makes one. ``check`` gets how many
        versions there are and the number of the newest, and may raise. Returns the next number.
        """
        ...


@dataclass(frozen=True)
class NewVersion:
    """The version of a case that is edited from now on."""

    case: TestCase
    project: ProjectState
    number: int
    id: int


class CaseVersions:
    """Makes versions. The route has decided the right."""

    def __init__(self, cases: TestCases, store: VersionStore, numbers: Numbers) -> None:
        self._cases = cases
        self._store = store
        self._numbers = numbers

    async def create(self, access: Access, key: str) -> NewVersion:
        """Begin a new version of a case; ``InvalidInput`` for one too many."""
        case, project = await self._cases.get(access, key)
        number = await self._numbers.reserve(access.tenant, project.id, Numbered.VERSION)
        ident = public_id(project.id, number)
        made = await self._store.begin(access.tenant, case.id, ident, _check_room)
        if made is None:
            raise unknown_test_case(key)
        return NewVersion(case, project, made, ident)


def _check_room(versions: int, newest: int) -> None:
    # numbers may have gaps in an import; beyond this an archive would not take them
    if versions >= MAX_VERSIONS or newest >= MAX_NUMBER:
        raise InvalidInput(f"A test case has at most {MAX_VERSIONS} versions.")
