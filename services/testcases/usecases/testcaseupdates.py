"""Full replacement of a test case: what is left out is cleared, script and links stay."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from contracts.customfields import CustomFieldEntity, Value
from contracts.ids import Kind, project_of, public_id
from contracts.testcases import OptionType
from kit.clock import Clock
from kit.directory.access import Access
from kit.errors import InvalidInput, NotFound
from kit.labels import check_labels
from services.testcases.domain.folders import FolderType
from services.testcases.domain.options import Option, noun
from services.testcases.domain.testcases import TestCase
from services.testcases.usecases.customfields import CustomFields
from services.testcases.usecases.folders import Folders
from services.testcases.usecases.options import Options


class ReplacedCases(Protocol):
    """Where cases are kept."""

    async def get(self, tenant: str, case: int) -> TestCase | None:
        """Return one visible case."""
        ...

    async def replace(self, tenant: str, case: TestCase) -> bool:
        """Store what a client may set of a case; False when it is gone."""
        ...


@dataclass(frozen=True)
class TestCaseUpdate:
    """What a client sends; ``custom_fields`` are by name."""

    __test__ = False

    id: int
    key: str
    project: int
    name: str
    priority: int
    status: int
    objective: str | None = None
    precondition: str | None = None
    estimated_time: int | None = None
    component: int | None = None
    folder: int | None = None
    owner: str | None = None
    labels: Sequence[str] = ()
    custom_fields: Mapping[str, Any] = field(default_factory=dict)


class TestCaseUpdates:
    """Replaces cases, which means their newest versions: older ones never change."""

    __test__ = False

    def __init__(
        self,
        store: ReplacedCases,
        folders: Folders,
        options: Options,
        fields: CustomFields,
        clock: Clock,
    ) -> None:
        self._store = store
        self._folders = folders
        self._options = options
        self._fields = fields
        self._clock = clock

    async def replace(self, access: Access, key: str, update: TestCaseUpdate) -> None:
        """Replace the case that the update's id names.

        Raises ``NotFound`` for an unknown id, ``InvalidInput`` for another key or project than
        the case's, and for whatever breaks a rule.
        """
        # the right is decided where the path leads, whatever the body says
        in_path = await self._named(access, key)
        old = await self._found(access, update.id)
        if in_path != old.id:
            raise InvalidInput(f"The key in the path is not that of the test case {old.id}.")
        if await self._named(access, update.key) != old.id:
            raise InvalidInput(f"The key in the body is not that of the test case {old.id}.")
        if update.project != old.project:
            raise InvalidInput("The test case belongs to another project.")
        check_labels(update.labels)
        await self._folders.check(access, update.folder, old.project, FolderType.TEST_CASE)
        await self._check_options(access, old, update)
        values = await self._fields.checked(
            access.tenant,
            old.project,
            CustomFieldEntity.TEST_CASE,
            update.custom_fields,
            old.custom_fields,
        )
        if not await self._store.replace(access.tenant, self._made(old, update, values)):
            raise _unknown(update.id)

    def _made(self, old: TestCase, update: TestCaseUpdate, values: Mapping[int, Value]) -> TestCase:
        return replace(
            old,
            name=update.name,
            priority=update.priority,
            status=update.status,
            objective=update.objective,
            precondition=update.precondition,
            estimated_time=update.estimated_time,
            component=update.component,
            folder=update.folder,
            owner=update.owner,
            labels=tuple(update.labels),
            custom_fields=values,
            updated_on=self._clock.now(),
        )

    async def _found(self, access: Access, ident: int) -> TestCase:
        found = None
        if await access.sees(project_of(ident)) is not None:
            found = await self._store.get(access.tenant, ident)
        if found is None:
            raise _unknown(ident)
        return found

    async def _named(self, access: Access, key: str) -> int | None:
        """Return the id that a key stands for, whether there is such a case or not."""
        entity = await access.entity(key, Kind.TEST_CASE)
        return None if entity is None else public_id(entity[1].id, entity[0].number)

    async def _check_options(self, access: Access, old: TestCase, update: TestCaseUpdate) -> None:
        kinds = OptionType.TEST_CASE, OptionType.PRIORITY
        options = await self._options.of_project(access.tenant, old.project, kinds)
        _check_option(options, OptionType.PRIORITY, update.priority, old.priority)
        _check_option(options, OptionType.TEST_CASE, update.status, old.status)


def _check_option(options: Iterable[Option], kind: OptionType, wanted: int, had: int) -> None:
    """Raise ``InvalidInput`` unless the option may be taken; what a case has it may keep."""
    for option in options:
        if option.id == wanted and option.type is kind and (not option.archived or wanted == had):
            return
    raise InvalidInput(f"No {noun(kind)} with the id {wanted} exists in the project.")


def _unknown(ident: int) -> NotFound:
    return NotFound(f"Test case with id {ident} does not exist or you do not have access to it.")
