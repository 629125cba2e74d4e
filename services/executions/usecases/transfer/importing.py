"""Imports the plans, cycles and executions of a project whose library is there."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, Protocol

from contracts.customfields import CustomFieldEntity, CustomFieldState
from contracts.ids import EntityKey, Kind, number_of, parse_key, public_id
from contracts.permissions import Entity
from contracts.transfer import AttachmentRow, Member, OwnerKind, Part
from kit.attachments.moving import MovingAttachments, Placed
from kit.attachments.names import kept_type
from kit.attachments.rows import Attachment, Place
from kit.clock import Clock
from kit.counters import Counters
from kit.directory.access import Access
from kit.errors import Forbidden, NotFound
from kit.transfer.checks import Files, owner_number
from kit.transfer.importing import Checked, Target
from kit.transfer.reading import ArchiveReader, read_all, threaded
from kit.transfer.references import Reference, resolved
from services.executions.domain.testcycles import TestCycle
from services.executions.usecases.executionchanges import STEP
from services.executions.usecases.transfer.archived import ArchivedLibrary
from services.executions.usecases.transfer.checks import RunCheck
from services.executions.usecases.transfer.forms import RunForms, name_key
from services.executions.usecases.transfer.ports import LibraryOwner, RunSink
from services.executions.usecases.visibility import viewing

_ASKED = 1_000
_LINK_STEP = 8
_MEMBERS = {
    Kind.TEST_PLAN: Member.TEST_PLANS,
    Kind.TEST_CYCLE: Member.TEST_CYCLES,
    Kind.TEST_EXECUTION: Member.TEST_EXECUTIONS,
}


class Cycles(Protocol):
    """Finds cycles that a caller may view."""

    async def get(self, access: Access, id_or_key: str) -> TestCycle:
        """Return a cycle; ``NotFound``."""
        ...


@dataclass(frozen=True)
class CheckedRuns(Checked):
    """What may be stored."""

    check: RunCheck
    files: Files


class RunDestination:
    """Implements ``Destination``."""

    def __init__(
        self,
        sink: RunSink,
        owner: LibraryOwner,
        cycles: Cycles,
        counters: Counters,
        attachments: MovingAttachments,
        clock: Clock,
    ) -> None:
        self._sink = sink
        self._owner = owner
        self._cycles = cycles
        self._counters = counters
        self._attachments = attachments
        self._clock = clock

    @property
    def part(self) -> Part:
        """Executions, and what they are planned in."""
        return Part.EXECUTIONS

    async def present(self, target: Target, most: int) -> Sequence[str]:
        """Return the keys of what is there."""
        found = await self._sink.present(target.tenant, target.project.id, most)
        return [
            str(EntityKey(target.project.key, kind, number_of(ident)))
            for kind, ids in found.items()
            for ident in ids
        ][:most]

    async def leaving(self, target: Target) -> bool:
        """Whether something that was deleted is still being erased."""
        return await self._sink.leaving(target.tenant, target.project.id)

    async def holds(self, target: Target, written: Mapping[str, int]) -> bool:
        """Whether something of the kinds that were written is there."""
        found = await self._sink.present(target.tenant, target.project.id, 1)
        return any(
            found[kind] for kind, member in _MEMBERS.items() if written.get(member.name.lower())
        )

    async def unlike(
        self,
        target: Target,  # noqa: ARG002  no project has anything of the kind here
        checked: CheckedRuns,  # noqa: ARG002
    ) -> Sequence[str]:
        """Return nothing: what a project can set up belongs to its library."""
        return ()

    async def check(
        self, target: Target, archive: ArchiveReader, library: ArchiveReader | None = None
    ) -> CheckedRuns:
        """Read all of the archive."""
        owner = self._owner
        if library is not None:
            owner = await ArchivedLibrary.read(library, archive.manifest.project, target.project.id)
        forms = await self._forms(target, archive, owner)
        check = RunCheck(archive.manifest, forms)
        await read_all(archive, Member.TEST_CYCLES, check.take_cycles)
        await read_all(archive, Member.TEST_PLANS, check.take_plans)
        await read_all(archive, Member.TEST_EXECUTIONS, check.take_executions)
        await asyncio.to_thread(check.finish)
        await self._check_library(target, check, owner)
        forms.outside, references = await resolved(
            check.outside, target.missing, partial(self._outside, target)
        )
        forms.dropped = {key for key in check.outside if key not in forms.outside}
        there = {
            OwnerKind.TEST_PLAN: check.plans,
            OwnerKind.TEST_CYCLE: check.cycles,
            OwnerKind.TEST_EXECUTION: check.executions,
        }
        files = Files(archive, there, check.steps)
        await read_all(archive, Member.ATTACHMENTS, files.check_all)
        files.finish()
        return CheckedRuns(check.left_out, references, check, files)

    async def reserve(self, target: Target, archive: ArchiveReader, checked: CheckedRuns) -> None:
        """Make sure that nobody gets one of the archive's numbers from now on."""
        check, given = checked.check, archive.manifest.last_numbers
        highest = {
            kind.value: max(numbers.last, given.get(kind.value, 0))
            for kind, numbers in (
                (Kind.TEST_PLAN, check.plans),
                (Kind.TEST_CYCLE, check.cycles),
                (Kind.TEST_EXECUTION, check.executions),
            )
        }
        # the n-th link of a project has the number 8n and what says whose it is
        highest |= {"link": check.links.last // _LINK_STEP, STEP: check.steps.last}
        tenant, project = target.tenant, target.project.id
        for name, number in highest.items():
            if number:
                await self._counters.at_least(f"{tenant}/{project}/{name}", number)
        if checked.files.last:
            await self._attachments.reserve(tenant, project, checked.files.last)

    async def write(
        self, target: Target, archive: ArchiveReader, checked: CheckedRuns, ident: str
    ) -> AsyncIterator[tuple[str, int]]:
        """Store what is not stored yet."""
        tenant, forms, sink = target.tenant, checked.check.forms, self._sink
        for member, build, store in (
            (Member.TEST_CYCLES, forms.cycle, sink.cycles),
            (Member.TEST_EXECUTIONS, forms.execution, sink.executions),
            (Member.TEST_PLANS, forms.plan, sink.plans),
        ):
            made: Iterator[list[Any]] = (
                [build(row) for row in rows] for rows in archive.batches(member)
            )
            async for wholes in threaded(made):
                await store(tenant, wholes, ident)
                yield member.name.lower(), len(wholes)
        async for rows in threaded(archive.batches(Member.ATTACHMENTS)):
            for row in rows:
                pieces = threaded(archive.file(row))
                await self._attachments.put(_placed(forms, row), pieces)
                yield "attachments", 1

    async def _forms(self, target: Target, archive: ArchiveReader, owner: LibraryOwner) -> RunForms:
        tenant, project = target.tenant, target.project
        options = await owner.options(tenant, project.id)
        fields: defaultdict[CustomFieldEntity, list[CustomFieldState]] = defaultdict(list)
        for found in await owner.custom_fields(tenant, project.id):
            fields[found.entity].append(found)
        return RunForms(
            tenant,
            project.id,
            archive.manifest.project.key,
            target.keep_jira,
            self._clock.now(),
            {(o.type, name_key(o.name)): o.id for o in options},
            fields,
        )

    async def _check_library(self, target: Target, check: RunCheck, owner: LibraryOwner) -> None:
        """Raise ``InvalidInput`` for options, folders and test cases that are not there."""
        tenant, project, missing = target.tenant, target.project, check.forms.unnamed
        for folder, lies in check.folders.items():
            found = await owner.folder_type(tenant, project.id, check.forms.id(folder))
            if found != lies.type:
                named = f"folder {number_of(folder)}"
                missing.add(Reference(lies.holder.value, lies.key, "folderId", named))
        numbers = (number for number, _ in groupby(check.cases))
        unknown: set[int] = set()
        while asked := [n for _, n in zip(range(_ASKED), numbers, strict=False)]:
            unknown.update(set(asked) - await owner.there(tenant, project.id, asked))
        if unknown:
            for reference in await asyncio.to_thread(list, check.runs_of(unknown)):
                missing.add(reference)
        missing.refuse(
            "The archive refers to what the library of the project does not have; import that first"
        )

    async def _outside(self, target: Target, key: str) -> tuple[int, bool] | None:
        """Return a cycle of another project that the caller may view, and whether it is there."""
        access = viewing(target.access, Entity.TEST_CYCLE)
        with suppress(NotFound, Forbidden):
            return (await self._cycles.get(access, key))["id"], True
        parsed = parse_key(key, Kind.TEST_CYCLE)
        if parsed is None or parsed.project_key not in target.coming:
            return None
        try:
            project = await access.project(parsed.project_key)
        except (NotFound, Forbidden):
            return None
        return public_id(project.id, parsed.number), False


def _placed(forms: RunForms, row: AttachmentRow) -> Placed:
    part = None if row.step_id is None else forms.id(row.step_id)
    attachment = Attachment(
        tenant=forms.tenant,
        id=forms.id(row.id),
        name=row.name,
        content_type=kept_type(row.content_type),
        size=row.size,
        sha256=row.sha256,
    )
    owner = public_id(forms.project, owner_number(row))
    return Placed(Place(row.owner.value, owner, part), attachment)
