"""Cases that an upload needs: found by number or name, or made provisionally by name.

A provisional case is seen by nobody until one of the uploads that hold it is accepted; it goes
when the last of them is aborted. Its document id is derived from its name, so that concurrent
requests for one name meet in one case; a case that was renamed meanwhile makes way for a second
try under a salted id.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from contracts.ids import NUMBER_MASK, public_id
from contracts.testcases import OptionType, case_name
from kit.clock import Clock
from kit.errors import Conflict, InvalidInput, Unavailable
from services.testcases.domain.options import choose
from services.testcases.domain.scripts import StepsScript, empty_script
from services.testcases.domain.testcases import TestCase
from services.testcases.usecases.numbering import Numbered, Numbers
from services.testcases.usecases.options import Options
from services.testcases.usecases.testcases import TestCaseStore
from services.testcases.usecases.uploads import Uploads

MOST_AT_ONCE = 1_000
_ROUNDS = 50
"""Each round settles every name that nobody else touches meanwhile; two are usual."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A case that has a wanted name; ``held`` says that the asking upload holds it."""

    case: TestCase
    visible: bool
    held: bool


@dataclass(frozen=True, slots=True)
class Provisional:
    """A case to be made; ``salt`` counts the renamed cases that had its name before."""

    case: TestCase
    script: StepsScript
    salt: int = 0


class ProvisionalStore(Protocol):
    """Where provisional cases are kept, beside the visible ones."""

    async def candidates(
        self, tenant: str, project: int, names: Collection[str], upload: str
    ) -> Sequence[Candidate]:
        """Return all cases with one of the names, provisional ones included, by id."""
        ...

    async def hold(self, tenant: str, project: int, cases: Collection[int], upload: str) -> None:
        """Add the upload to those of the cases that are still there and still provisional."""
        ...

    async def insert(
        self, tenant: str, upload: str, cases: Sequence[Provisional]
    ) -> Sequence[Provisional]:
        """Store new cases held by the upload; return those whose document id is taken."""
        ...

    async def renamed(self, tenant: str, project: int, cases: Sequence[Provisional]) -> set[str]:
        """Return the names whose document id belongs to a case that has another name now."""
        ...


class ProvisionalCases:
    """What uploads ask of the library."""

    def __init__(
        self,
        cases: TestCaseStore,
        store: ProvisionalStore,
        options: Options,
        uploads: Uploads,
        numbers: Numbers,
        clock: Clock,
    ) -> None:
        self._cases = cases
        self._store = store
        self._options = options
        self._uploads = uploads
        self._numbers = numbers
        self._clock = clock

    async def resolve(
        self, tenant: str, project: int, numbers: Collection[int], names: Collection[str]
    ) -> Sequence[TestCase]:
        """Return the visible cases with these numbers and names (the oldest of each name)."""
        _check_count(len(numbers) + len(names))
        ids = {public_id(project, n) for n in numbers if 1 <= n <= NUMBER_MASK}
        wanted = {case_name(n) for n in names}
        found = await self._cases.find(tenant, project, ids, wanted)
        oldest: dict[str, int] = {}
        for case in found:
            oldest.setdefault(case.name, case.id)
        return [c for c in found if c.id in ids or (c.name in wanted and oldest[c.name] == c.id)]

    async def archived(
        self, tenant: str, project: int, numbers: Collection[int]
    ) -> Sequence[TestCase]:
        """Return the archived cases with these numbers."""
        _check_count(len(numbers))
        ids = {public_id(project, n) for n in numbers if 1 <= n <= NUMBER_MASK}
        return await self._cases.find_archived(tenant, project, ids)

    async def ensure(
        self, tenant: str, project: int, upload: str, names: Collection[str]
    ) -> Sequence[TestCase]:
        """Return one case per name, made and held for the upload where there is none.

        Raises ``Conflict`` when the upload was aborted meanwhile: nothing is left of it then.
        """
        _check_count(len(names))
        wanted = dict.fromkeys(case_name(n) for n in names)
        if "" in wanted:
            raise InvalidInput("names must not hold a blank name")
        found = await self._settle(tenant, project, upload, wanted)
        # an end that was decided before our writes did not see them
        if await self._uploads.ended_meanwhile(tenant, upload) is False:
            raise Conflict("The upload was aborted.")
        return list(found.values())

    async def _settle(
        self, tenant: str, project: int, upload: str, wanted: Iterable[str]
    ) -> dict[str, TestCase]:
        found: dict[str, TestCase] = {}
        names = tuple(wanted)
        for _ in range(_ROUNDS):
            remaining = [n for n in names if n not in found]
            if not remaining:
                return found
            best = _best(await self._store.candidates(tenant, project, remaining, upload))
            found |= {n: c.case for n, c in best.items() if c.visible or c.held}
            unheld = [c.case.id for c in best.values() if not (c.visible or c.held)]
            if unheld:  # the next round sees which of them were still there
                await self._store.hold(tenant, project, unheld, upload)
            missing = [n for n in remaining if n not in best]
            if missing:
                made = await self._made(tenant, project, missing)
                found |= await self._insert(tenant, project, upload, made)
        raise Unavailable("The test cases are being changed by others; try again.")

    async def _insert(
        self, tenant: str, project: int, upload: str, made: Sequence[Provisional]
    ) -> Mapping[str, TestCase]:
        """Store cases and return them by name; what others were faster with is left out."""
        stored = {p.case.name: p.case for p in made}
        while made:
            taken = await self._store.insert(tenant, upload, made)
            if not taken:
                break
            renamed = await self._store.renamed(tenant, project, taken)
            # the numbers of those are free still
            made = [replace(p, salt=p.salt + 1) for p in taken if p.case.name in renamed]
            for lost in taken:
                if lost.case.name not in renamed:
                    del stored[lost.case.name]
        return stored

    async def _made(self, tenant: str, project: int, names: Sequence[str]) -> Sequence[Provisional]:
        """Build cases as ``POST /testcases`` with a name alone would, numbered in this order."""
        options = await self._options.of_project(
            tenant, project, (OptionType.TEST_CASE, OptionType.PRIORITY)
        )
        priority = choose(options, OptionType.PRIORITY, None).id
        status = choose(options, OptionType.TEST_CASE, None).id
        number, version, step = await asyncio.gather(
            *(
                self._numbers.reserve(tenant, project, kind, len(names))
                for kind in (Numbered.TEST_CASE, Numbered.VERSION, Numbered.STEP)
            )
        )
        now = self._clock.now()
        return [
            Provisional(
                _case(project, name, number + i, version + i, priority, status, now),
                empty_script(public_id(project, step + i)),
            )
            for i, name in enumerate(names)
        ]


def _case(
    project: int,
    name: str,
    number: int,
    version: int,
    priority: int,
    status: int,
    now: datetime,
) -> TestCase:
    return TestCase(
        id=public_id(project, number),
        project=project,
        name=name,
        version=1,
        version_id=public_id(project, version),
        priority=priority,
        status=status,
        created_on=now,
        updated_on=now,
    )


def _best(candidates: Sequence[Candidate]) -> dict[str, Candidate]:
    """Of each name the oldest visible case, else the oldest provisional one."""
    best: dict[str, Candidate] = {}
    for candidate in candidates:
        name = candidate.case.name
        if name not in best or (candidate.visible and not best[name].visible):
            best[name] = candidate
    return best


def _check_count(count: int) -> None:
    if count > MOST_AT_ONCE:
        raise InvalidInput(f"at most {MOST_AT_ONCE} numbers and names at once")
