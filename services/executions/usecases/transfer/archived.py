"""A library that is going to be imported, as its owner will show it afterwards."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Self

from contracts.customfields import CustomFieldOption, CustomFieldState
from contracts.ids import number_of, public_id
from contracts.testcases import OptionState
from contracts.transfer import (
    CustomFieldRow,
    ExportedProject,
    FolderRow,
    Member,
    OptionRow,
    TestCaseRow,
)
from kit.errors import InvalidInput
from kit.transfer.numbers import Numbers
from kit.transfer.reading import ArchiveReader, read_all


@dataclass
class ArchivedLibrary:
    """Implements ``LibraryOwner`` for the one project that the archive goes to."""

    project: int
    _options: list[OptionState] = field(default_factory=list)
    _fields: list[CustomFieldState] = field(default_factory=list)
    _folders: dict[int, str] = field(default_factory=dict)
    """Types by number."""
    _cases: Numbers = field(default_factory=Numbers)

    @classmethod
    async def read(cls, archive: ArchiveReader, source: ExportedProject, project: int) -> Self:
        """Read an archive; its files are not looked at. Raises ``InvalidInput``."""
        if archive.manifest.project != source:
            raise InvalidInput("The two archives are not of one project.")
        made = cls(project)
        await read_all(archive, Member.OPTIONS, made._take_options)
        await read_all(archive, Member.CUSTOM_FIELDS, made._take_fields)
        await read_all(archive, Member.FOLDERS, made._take_folders)
        await read_all(archive, Member.TEST_CASES, made._take_cases)
        return made

    async def options(self, tenant: str, project: int) -> Sequence[OptionState]:  # noqa: ARG002  of one project
        """Return all options."""
        return self._options

    async def custom_fields(self, tenant: str, project: int) -> Sequence[CustomFieldState]:  # noqa: ARG002  of one project
        """Return all custom fields."""
        return self._fields

    async def folder_type(self, tenant: str, project: int, folder: int) -> str | None:  # noqa: ARG002  of one project
        """Return the type of a folder, None when there is none."""
        return self._folders.get(number_of(folder))

    async def there(self, tenant: str, project: int, numbers: Collection[int]) -> set[int]:  # noqa: ARG002  of one project
        """Return those of the key numbers that cases have."""
        return {number for number in numbers if number in self._cases}

    def _take_options(self, rows: Sequence[OptionRow]) -> None:
        for row in rows:
            self._options.append(
                OptionState(
                    id=public_id(self.project, number_of(row.id)),
                    project=self.project,
                    type=row.type,
                    name=row.name,
                    index=row.index,
                    default=row.default,
                    archived=row.archived,
                )
            )

    def _take_fields(self, rows: Sequence[CustomFieldRow]) -> None:
        for row in rows:
            options = tuple(
                CustomFieldOption(id=o.id, name=o.name, default=o.default, archived=o.archived)
                for o in row.options
            )
            self._fields.append(
                CustomFieldState(
                    id=public_id(self.project, number_of(row.id)),
                    project=self.project,
                    entity=row.entity,
                    type=row.type,
                    name=row.name,
                    index=row.index,
                    required=row.required,
                    options=options,
                )
            )

    def _take_folders(self, rows: Sequence[FolderRow]) -> None:
        for row in rows:
            self._folders[number_of(row.id)] = row.folder_type.value

    def _take_cases(self, rows: Sequence[TestCaseRow]) -> None:
        for row in rows:
            self._cases.add(number_of(row.id))
