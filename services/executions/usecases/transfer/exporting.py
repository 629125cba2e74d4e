"""What an export of plans, cycles and executions holds, read for one caller."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from contracts.customfields import CustomFieldEntity, CustomFieldState
from contracts.ids import Kind, number_of
from contracts.permissions import Entity
from contracts.tenancy import ProjectState
from contracts.transfer import AttachmentRow, Member, OwnerKind, Part, Row
from kit.attachments.moving import MovingAttachments, Placed
from kit.directory.access import Access
from kit.directory.view import usable
from kit.transfer.exporting import Exported, ExportedFile
from kit.transfer.numbers import Numbers
from services.executions.usecases.transfer.ports import LibraryOwner, RunSource
from services.executions.usecases.transfer.rows import RunRows
from services.executions.usecases.visibility import viewing

_KINDS = {
    OwnerKind.TEST_PLAN: Kind.TEST_PLAN,
    OwnerKind.TEST_CYCLE: Kind.TEST_CYCLE,
    OwnerKind.TEST_EXECUTION: Kind.TEST_EXECUTION,
}


class RunOrigin:
    """Implements ``Origin``."""

    def __init__(
        self, source: RunSource, owner: LibraryOwner, attachments: MovingAttachments
    ) -> None:
        self._source = source
        self._owner = owner
        self._attachments = attachments

    @property
    def part(self) -> Part:
        """Executions, and what they are planned in."""
        return Part.EXECUTIONS

    async def exported(self, access: Access, project: ProjectState) -> Exported:
        """Begin to read a project."""
        tenant = access.tenant
        known = [p for p in access.view.projects.values() if usable(p)]
        seen = await viewing(access, Entity.TEST_CYCLE).among(known)
        keys = {p.id: p.key for p in seen.values()} | {project.id: project.key}
        made = RunExport(self._source, self._owner, self._attachments, tenant, project.id, keys)
        await made.refresh()
        return made


class RunExport:
    """Implements ``Exported``: what names others first, so that what it names is read later."""

    members = (Member.TEST_EXECUTIONS, Member.TEST_PLANS, Member.TEST_CYCLES)

    def __init__(
        self,
        source: RunSource,
        owner: LibraryOwner,
        attachments: MovingAttachments,
        tenant: str,
        project: int,
        keys: Mapping[int, str],
    ) -> None:
        self._source = source
        self._owner = owner
        self._attachments = attachments
        self._tenant = tenant
        self._project = project
        self._there = {kind: Numbers() for kind in _KINDS}
        self._folders: dict[int, bool] = {}
        self._forms = RunRows(project, keys, {}, {})

    async def refresh(self) -> None:
        """Ask for the names of options and fields."""
        options = await self._owner.options(self._tenant, self._project)
        fields: defaultdict[CustomFieldEntity, list[CustomFieldState]] = defaultdict(list)
        for found in await self._owner.custom_fields(self._tenant, self._project):
            fields[found.entity].append(found)
        names = {option.id: option.name for option in options}
        self._forms = RunRows(self._project, self._forms.keys, names, fields, self._forms.folders)

    async def rows(self, member: Member) -> AsyncIterator[Sequence[Row]]:
        """Yield the rows of a member."""
        tenant, project = self._tenant, self._project
        if member is Member.TEST_EXECUTIONS:
            async for runs in self._source.executions(tenant, project):
                statuses = [
                    option
                    for r in runs
                    for option in (
                        r.document["status"],
                        r.document["environment"],
                        *(step["status"] for step in r.document.get("steps", ())),
                    )
                ]
                await self._know(statuses)
                self._note(OwnerKind.TEST_EXECUTION, (r.document["id"] for r in runs))
                yield [self._forms.execution(r) for r in runs]
        elif member is Member.TEST_PLANS:
            async for plans in self._source.plans(tenant, project):
                await self._know(p.document["status"] for p in plans)
                await self._seek(p.document["folder"] for p in plans)
                self._note(OwnerKind.TEST_PLAN, (p.document["id"] for p in plans))
                yield [self._forms.plan(p) for p in plans]
        else:
            async for cycles in self._source.cycles(tenant, project):
                await self._know(c.document["status"] for c in cycles)
                await self._seek(c.document["folder"] for c in cycles)
                self._note(OwnerKind.TEST_CYCLE, (c.document["id"] for c in cycles))
                yield [self._forms.cycle(c) for c in cycles]

    async def files(self) -> AsyncIterator[Sequence[ExportedFile]]:
        """Yield what is attached to what was exported."""
        async for placed in self._attachments.walk(self._tenant, self._project):
            yield [
                ExportedFile(self._file(one), one.attachment)
                for one in placed
                if number_of(one.place.entity) in self._there[OwnerKind(one.place.kind)]
            ]

    async def last_numbers(self) -> Mapping[Kind, int]:
        """Return the highest numbers that were given away."""
        return {
            kind: await self._source.last_number(self._tenant, self._project, kind)
            for kind in _KINDS.values()
        }

    async def _know(self, options: Iterable[int | None]) -> None:
        if self._forms.names_missing(options):
            await self.refresh()

    async def _seek(self, folders: Iterable[int | None]) -> None:
        """Ask which folders are there: what lies in another one comes back at the root."""
        for folder in {f for f in folders if f is not None} - set(self._folders):
            found = await self._owner.folder_type(self._tenant, self._project, folder)
            self._folders[folder] = found is not None
        self._forms.folders = {folder for folder, there in self._folders.items() if there}

    def _note(self, kind: OwnerKind, ids: Iterable[int]) -> None:
        for ident in ids:
            self._there[kind].add(number_of(ident))

    def _file(self, placed: Placed) -> AttachmentRow:
        attachment, place = placed.attachment, placed.place
        owner = OwnerKind(place.kind)
        return AttachmentRow(
            id=attachment.id,
            owner=owner,
            owner_key=self._forms.key(_KINDS[owner], place.entity),
            step_id=place.part,
            name=attachment.name,
            content_type=attachment.content_type,
            size=attachment.size,
            sha256=attachment.sha256,
        )
