"""What an export of a library holds, read for one caller."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from contracts.customfields import CustomFieldEntity
from contracts.ids import EntityKey, Kind, number_of
from contracts.tenancy import ProjectState
from contracts.transfer import AttachmentRow, Member, OwnerKind, Part, Row
from kit.attachments.moving import MovingAttachments, Placed
from kit.directory.access import Access
from kit.transfer.exporting import Exported, ExportedFile
from kit.transfer.numbers import Numbers
from services.testcases.domain.customfields import CustomField
from services.testcases.domain.options import Option
from services.testcases.domain.testcases import TestCase
from services.testcases.usecases.attachments import KIND
from services.testcases.usecases.defaults import DefaultOptions
from services.testcases.usecases.numbering import Numbered
from services.testcases.usecases.transfer.forms import CaseRows, field_row, folder_row, option_row
from services.testcases.usecases.transfer.ports import LibrarySource, WholeCase


class LibraryOrigin:
    """Implements ``Origin``."""

    def __init__(
        self, source: LibrarySource, defaults: DefaultOptions, attachments: MovingAttachments
    ) -> None:
        self._source = source
        self._defaults = defaults
        self._attachments = attachments

    @property
    def part(self) -> Part:
        """The library."""
        return Part.LIBRARY

    async def exported(self, access: Access, project: ProjectState) -> Exported:
        """Begin to read a project."""
        await self._defaults.ensure(access.tenant, [project.id])
        made = LibraryExport(self._source, self._attachments, access.tenant, project)
        await made.refresh()
        return made


class LibraryExport:
    """Implements ``Exported``: cases first, so that what they name is read after them."""

    members = (
        Member.TEST_CASES,
        Member.TEST_CASE_VERSIONS,
        Member.FOLDERS,
        Member.CUSTOM_FIELDS,
        Member.OPTIONS,
    )

    def __init__(
        self,
        source: LibrarySource,
        attachments: MovingAttachments,
        tenant: str,
        project: ProjectState,
    ) -> None:
        self._source = source
        self._attachments = attachments
        self._tenant = tenant
        self._project = project
        self._cases = Numbers()
        self._newest: dict[int, int] = {}
        self._folders = Numbers()
        self._options: Sequence[Option] = ()
        self._fields: Sequence[CustomField] = ()
        self._forms = CaseRows(project.key, {}, {})

    async def refresh(self) -> None:
        """Read options and fields."""
        self._options = await self._source.options(self._tenant, self._project.id)
        self._fields = await self._source.fields(self._tenant, self._project.id)
        fields: defaultdict[CustomFieldEntity, list[CustomField]] = defaultdict(list)
        for found in self._fields:
            fields[found.entity].append(found)
        names = {option.id: option.name for option in self._options}
        self._folders = Numbers()
        async for folders in self._source.folders(self._tenant, self._project.id):
            for folder in folders:
                self._folders.add(folder.folder.id)
        cases = self._forms.cases
        self._forms = CaseRows(self._project.key, names, fields, self._folders, cases)

    async def rows(self, member: Member) -> AsyncIterator[Sequence[Row]]:
        """Yield the rows of a member."""
        tenant, project = self._tenant, self._project.id
        if member is Member.TEST_CASES:
            async for cases in self._source.cases(tenant, project):
                yield await self._rendered(cases)
                for whole in cases:
                    self._take(whole.case)
        elif member is Member.TEST_CASE_VERSIONS:
            self._forms.cases = self._cases
            async for cases in self._source.versions(tenant, project):
                # a version that was the newest when its case was read is in the archive already
                yield await self._rendered(
                    c for c in cases if c.case.version < self._newest.get(c.case.id, 0)
                )
        elif member is Member.FOLDERS:
            async for folders in self._source.folders(tenant, project):
                yield [folder_row(folder, self._folders) for folder in folders]
        elif member is Member.CUSTOM_FIELDS:
            await self.refresh()
            yield [field_row(found) for found in self._fields]
        else:
            yield [option_row(option) for option in self._options]

    async def files(self) -> AsyncIterator[Sequence[ExportedFile]]:
        """Yield what is attached to the cases."""
        async for placed in self._attachments.walk(self._tenant, self._project.id):
            yield [
                ExportedFile(self._file(one), one.attachment)
                for one in placed
                if one.place.kind == KIND and number_of(one.place.entity) in self._cases
            ]

    async def last_numbers(self) -> Mapping[Kind, int]:
        """Return the highest numbers that were given away."""
        last = await self._source.last_number(self._tenant, self._project.id, Numbered.TEST_CASE)
        return {Kind.TEST_CASE: last}

    async def _rendered(self, cases: Iterable[WholeCase]) -> Sequence[Row]:
        found = list(cases)
        known = self._forms.options
        if any(c.case.status not in known or c.case.priority not in known for c in found) or any(
            c.case.folder not in self._folders for c in found if c.case.folder is not None
        ):
            await self.refresh()  # one was made since
        return [self._forms.row(whole) for whole in found]

    def _take(self, case: TestCase) -> None:
        self._cases.add(number_of(case.id))
        if case.version > 1:
            self._newest[case.id] = case.version

    def _file(self, placed: Placed) -> AttachmentRow:
        attachment, place = placed.attachment, placed.place
        key = EntityKey(self._project.key, Kind.TEST_CASE, number_of(place.entity))
        return AttachmentRow(
            id=attachment.id,
            owner=OwnerKind.TEST_CASE,
            owner_key=str(key),
            step_id=place.part,
            name=attachment.name,
            content_type=attachment.content_type,
            size=attachment.size,
            sha256=attachment.sha256,
        )
