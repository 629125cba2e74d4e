"""Pass 1 of an upload: which test case stands behind each result.

Works window by window, so that memory stays at 20 bytes a result whatever the names are. Keys and
names are looked up in the projection; what it does not know is asked of the owner, and created
there by name when the client wants that.
"""

from array import array
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from contracts.ids import Kind, parse_key
from contracts.tenancy import ProjectState
from kit.errors import InvalidInput
from services.executions.domain.results import ParsedResult
from services.executions.domain.uploads import UNMATCHED, Resolved

WINDOW = 1_000
"""Results of one look-up; also the most names and numbers of one question to the owner."""
_SAMPLE = 5
_MOST_STATUSES = 100


class CaseLookup(Protocol):
    """Finds test cases, in the projection or at the owner."""

    async def by_number(
        self, tenant: str, project: int, numbers: Collection[int]
    ) -> Mapping[int, Resolved]:
        """Return what exists, by the number of its key."""
        ...

    async def by_name(
        self, tenant: str, project: int, names: Collection[str]
    ) -> Mapping[str, Resolved]:
        """Return what exists, by exact name; the oldest where several have it."""
        ...


class CaseOwner(CaseLookup, Protocol):
    """The owner can create, too."""

    async def ensure(
        self, tenant: str, project: int, upload: str, names: Collection[str]
    ) -> Mapping[str, Resolved]:
        """Find or create by name, provisional for the upload; idempotent."""
        ...


@dataclass
class Plan:
    """What pass 1 learnt: for each run (a result counts once per key) its case, in order."""

    cases: "array[int]" = field(default_factory=lambda: array("q"))
    versions: "array[int]" = field(default_factory=lambda: array("q"))
    version_ids: "array[int]" = field(default_factory=lambda: array("q"))
    matched: int = 0
    unmatched: int = 0
    unmatched_names: list[str] = field(default_factory=list)
    unknown_keys: list[str] = field(default_factory=list)
    statuses: set[str] = field(default_factory=set)
    """What the results say, the first hundred words of it."""

    def add(self, found: Resolved, label: str) -> None:
        """Append one run."""
        self.cases.append(found.case)
        self.versions.append(found.version)
        self.version_ids.append(found.version_id)
        if found.case:
            self.matched += 1
        else:
            self.unmatched += 1
            if len(self.unmatched_names) < _SAMPLE:
                self.unmatched_names.append(label)

    def at(self, run: int) -> Resolved:
        """Return the case of one run."""
        return Resolved(self.cases[run], self.versions[run], self.version_ids[run])


class Resolver:
    """Resolves the results of one upload."""

    def __init__(
        self,
        projection: CaseLookup,
        owner: CaseOwner,
        tenant: str,
        project: ProjectState,
        *,
        create: Callable[[], Awaitable[str]] | None,
    ) -> None:
        """``create`` is called before the first case is created and gives the upload's id."""
        self._projection = projection
        self._owner = owner
        self._tenant = tenant
        self._project = project.id
        self._project_keys = frozenset(project.keys)
        self._create = create
        self.plan = Plan()

    async def add(self, window: Sequence[ParsedResult]) -> None:
        """Resolve one window and append its runs to the plan."""
        numbers = {key: self._number(key) for result in window for key in result.keys}
        by_number = await self._by_number({n for n in numbers.values() if n})
        by_name = await self._by_name([_names(r) for r in window if not r.keys])
        for result in window:
            if len(self.plan.statuses) < _MOST_STATUSES:
                self.plan.statuses.add(result.status)
            for key in result.keys:
                found = by_number.get(numbers[key])
                if found is None:
                    self._unknown_key(key)
                self.plan.add(found or UNMATCHED, key)
            if not result.keys:
                names = _names(result)
                found = next((by_name[n] for n in names if n in by_name), UNMATCHED)
                self.plan.add(found, names[0] if names else "(no name)")

    def check(self) -> None:
        """Raise ``InvalidInput`` when the upload must be refused."""
        plan = self.plan
        if plan.unknown_keys:
            raise InvalidInput(
                f"The file names test cases that do not exist: {', '.join(plan.unknown_keys)}."
            )
        if plan.matched:
            return
        if not plan.unmatched:
            raise InvalidInput("The file holds no results.")
        names = ", ".join(f"'{n}'" for n in plan.unmatched_names)
        raise InvalidInput(
            f"None of the {plan.unmatched} results matches a test case, the first ones: {names}. "
            "Send autoCreateTestCases=true to have them created."
        )

    def _unknown_key(self, key: str) -> None:
        keys = self.plan.unknown_keys
        if len(keys) < _SAMPLE and key not in keys:
            keys.append(key)

    def _number(self, key: str) -> int:
        """Return the number that a key holds, 0 for a key of another project or of nothing."""
        entity = parse_key(key, Kind.TEST_CASE)
        if entity is None or entity.project_key not in self._project_keys:
            return 0
        return entity.number

    async def _by_number(self, numbers: Collection[int]) -> Mapping[int, Resolved]:
        if not numbers:
            return {}
        found = dict(await self._projection.by_number(self._tenant, self._project, numbers))
        for missing in _grouped(n for n in numbers if n not in found):
            found |= await self._owner.by_number(self._tenant, self._project, missing)
        return found

    async def _by_name(self, results: Sequence[tuple[str, ...]]) -> Mapping[str, Resolved]:
        """Look up the names of results, each in the order they are to be tried."""
        wanted = {name for names in results for name in names}
        if not wanted:
            return {}
        found = dict(await self._projection.by_name(self._tenant, self._project, wanted))
        if len(found) == len(wanted):
            return found
        missing = [names for names in results if names and found.keys().isdisjoint(names)]
        # creating finds by name anyway, so the owner is asked first only for other names
        asked = {name for names in missing for name in (names[1:] if self._create else names)}
        for group in _grouped(asked):
            found |= await self._owner.by_name(self._tenant, self._project, group)
        if self._create is None:
            return found
        # in the order of the file, so that numbers follow it
        new = dict.fromkeys(names[0] for names in missing if found.keys().isdisjoint(names))
        for group in _grouped(new):
            upload = await self._create()
            found |= await self._owner.ensure(self._tenant, self._project, upload, group)
        return found


def _names(result: ParsedResult) -> tuple[str, ...]:
    return (result.name, *result.alternative_names) if result.name else result.alternative_names


def _grouped(items: Iterable[int] | Iterable[str]) -> Iterator[list]:  # type: ignore[type-arg]
    group = list(items)
    for start in range(0, len(group), WINDOW):
        yield group[start : start + WINDOW]
