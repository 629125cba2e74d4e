"""Imports the library of a project."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from contracts.ids import EntityKey, Kind, number_of, public_id
from contracts.permissions import Entity, Right
from contracts.testcases import OptionType
from contracts.transfer import AttachmentRow, Member, OwnerKind, Part
from kit.attachments.moving import MovingAttachments, Placed
from kit.attachments.names import kept_type
from kit.attachments.rows import Attachment, Place
from kit.directory.permissions import Need
from kit.errors import Forbidden
from kit.transfer.checks import Files, owner_number
from kit.transfer.importing import Checked, Target
from kit.transfer.reading import ArchiveReader, read_all, threaded
from kit.transfer.references import resolved
from services.testcases.domain.options import defaults_of
from services.testcases.domain.testcases import TestCase
from services.testcases.usecases.attachments import KIND
from services.testcases.usecases.numbering import Numbered, Numbers
from services.testcases.usecases.options import Options
from services.testcases.usecases.transfer.checks import LibraryCheck
from services.testcases.usecases.transfer.forms import Renumbered
from services.testcases.usecases.transfer.ports import TEST_CASES, LibrarySink
from services.testcases.usecases.transfer.unlike import differences

_VIEW = Need.of((Entity.TEST_CASE, Right.VIEW))


class Cases(Protocol):
    """Looks cases up by id."""

    async def get(self, tenant: str, case: int) -> TestCase | None:
        """Return one visible case."""
        ...


@dataclass(frozen=True)
class CheckedLibrary(Checked):
    """A library that may be stored."""

    check: LibraryCheck
    files: Files


class LibraryDestination:
    """Implements ``Destination``."""

    def __init__(
        self,
        sink: LibrarySink,
        options: Options,
        cases: Cases,
        numbers: Numbers,
        attachments: MovingAttachments,
    ) -> None:
        self._sink = sink
        self._options = options
        self._cases = cases
        self._numbers = numbers
        self._attachments = attachments

    @property
    def part(self) -> Part:
        """The library."""
        return Part.LIBRARY

    async def present(self, target: Target, most: int) -> Sequence[str]:
        """Return what is there: the keys of test cases, the names of folders and custom fields."""
        tenant, project = target.tenant, target.project.id
        return [
            f"{what} {_shown(target, what, things)}"
            for what, things in (await self._sink.present(tenant, project, most)).items()
            if things
        ]

    async def unlike(self, target: Target, checked: CheckedLibrary) -> Sequence[str]:
        """Return what of the options is neither a new project's nor the archive's.

        Options of an archive take the place of a project's. Those that were renamed or made by
        hand would be lost, or get another id; the archive's own, by number and name, would not.
        """
        project = target.project.id
        options = await self._options.of_project(target.tenant, project, tuple(OptionType))
        return differences(options, defaults_of(project), checked.check.options)

    async def leaving(self, target: Target) -> bool:
        """Whether something that was deleted is still being erased."""
        return await self._sink.leaving(target.tenant, target.project.id)

    async def holds(self, target: Target, written: Mapping[str, int]) -> bool:
        """Whether test cases are there, or anything beside options where none were written."""
        found = await self._sink.present(target.tenant, target.project.id, 1)
        if written.get(Member.TEST_CASES.name.lower()):
            return bool(found[TEST_CASES])
        return any(found.values())

    async def check(
        self,
        target: Target,
        archive: ArchiveReader,
        library: ArchiveReader | None = None,  # noqa: ARG002  it is the library
    ) -> CheckedLibrary:
        """Read all of the archive."""
        manifest = archive.manifest
        forms = Renumbered(
            target.project.id, target.project.key, manifest.project.key, target.keep_jira
        )
        check = LibraryCheck(manifest, forms)
        await read_all(archive, Member.OPTIONS, check.take_options)
        await read_all(archive, Member.CUSTOM_FIELDS, check.take_fields)
        await read_all(archive, Member.FOLDERS, check.take_folders)
        await asyncio.to_thread(check.check_folders)
        await read_all(archive, Member.TEST_CASES, check.take_cases)
        await read_all(archive, Member.TEST_CASE_VERSIONS, check.take_versions)
        await asyncio.to_thread(check.finish)
        forms.calls, references = await resolved(
            check.outside, target.missing, partial(self._outside, target)
        )
        forms.dropped = {key for key in check.outside if key not in forms.calls}
        files = Files(archive, {OwnerKind.TEST_CASE: check.cases}, check.steps)
        await read_all(archive, Member.ATTACHMENTS, files.check_all)
        files.finish()
        return CheckedLibrary(check.left_out, references, check, files)

    async def reserve(
        self, target: Target, archive: ArchiveReader, checked: CheckedLibrary
    ) -> None:
        """Make sure that nobody gets one of the archive's numbers from now on."""
        check = checked.check
        cases = max(check.cases.last, archive.manifest.last_numbers.get(Kind.TEST_CASE.value, 0))
        highest = {
            Numbered.TEST_CASE: cases,
            Numbered.VERSION: check.versions.last,
            Numbered.STEP: check.last_step,
            # the n-th link of a project has the number 2n - 1
            Numbered.LINK: (check.links.last + 1) // 2,
            Numbered.FOLDER: check.folders,
            Numbered.OPTION: max((number_of(o.id) for o in check.options), default=0),
            Numbered.CUSTOM_FIELD: max((number_of(f.id) for f in check.fields), default=0),
        }
        for kind, number in highest.items():
            if number:
                await self._numbers.at_least(target.tenant, target.project.id, kind, number)
        if checked.files.last:
            await self._attachments.reserve(target.tenant, target.project.id, checked.files.last)

    async def write(
        self, target: Target, archive: ArchiveReader, checked: CheckedLibrary, ident: str
    ) -> AsyncIterator[tuple[str, int]]:
        """Store what is not stored yet."""
        tenant, check, sink = target.tenant, checked.check, self._sink
        forms = check.forms
        options = [forms.option(row) for row in check.options]
        await sink.options(tenant, target.project.id, options)
        yield "options", len(options)
        fields = [forms.field(row) for row in check.fields]
        await sink.fields(tenant, fields, ident)
        yield "custom_fields", len(fields)
        async for rows in threaded(archive.batches(Member.FOLDERS)):
            await sink.folders(tenant, [forms.folder(row) for row in rows], ident)
            yield "folders", len(rows)
        for member in (Member.TEST_CASE_VERSIONS, Member.TEST_CASES):
            batches = archive.batches(member)
            async for cases in threaded([forms.case(r, r.key) for r in rows] for rows in batches):
                if member is Member.TEST_CASES:
                    await sink.cases(tenant, cases, ident)
                else:
                    await sink.versions(tenant, cases, ident)
                yield member.name.lower(), len(cases)
        async for rows in threaded(archive.batches(Member.ATTACHMENTS)):
            for row in rows:
                pieces = threaded(archive.file(row))
                await self._attachments.put(_placed(tenant, forms, row), pieces)
                yield "attachments", 1

    async def _outside(self, target: Target, key: str) -> tuple[tuple[int, str], bool] | None:
        """Return a case of another project that the caller may view, and whether it is there."""
        try:
            entity = await replace(target.access, need=_VIEW).entity(key, Kind.TEST_CASE)
        except Forbidden:
            return None
        if entity is None:
            return None
        parsed, project = entity
        ident = public_id(project.id, parsed.number)
        there = await self._cases.get(target.tenant, ident) is not None
        if not there and parsed.project_key not in target.coming:
            return None
        return (ident, str(EntityKey(project.key, Kind.TEST_CASE, parsed.number))), there


def _placed(tenant: str, forms: Renumbered, row: AttachmentRow) -> Placed:
    part = None if row.step_id is None else forms.id(row.step_id)
    attachment = Attachment(
        tenant=tenant,
        id=forms.id(row.id),
        name=row.name,
        content_type=kept_type(row.content_type),
        size=row.size,
        sha256=row.sha256,
    )
    return Placed(Place(KIND, public_id(forms.project, owner_number(row)), part), attachment)


def _shown(target: Target, what: str, things: Sequence[tuple[int, str]]) -> str:
    if what == TEST_CASES:
        return ", ".join(f"{target.project.key}-T{number_of(ident)}" for ident, _ in things)
    return ", ".join(f"'{name}'" for _, name in things)
