"""Imports the plans, cycles and executions of a project whose library is there."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

from contracts.customfields import CustomFieldEntity, CustomFieldState
from contracts.ids import EntityKey, Kind, number_of, public_id
from contracts.permissions import Entity
from contracts.transfer import AttachmentRow, Member, OwnerKind, Part
from kit.attachments.moving import MovingAttachments, Placed
from kit.attachments.names import kept_type
from kit.attachments.rows import Attachment, Place
from kit.clock import Clock
from kit.counters import Counters
from kit.directory.access import Access
from kit.errors import Forbidden, InvalidInput, NotFound
from kit.transfer.checks import Files, owner_number
from kit.transfer.importing import Checked, Target
from kit.transfer.reading import ArchiveReader, read_all, threaded
from services.executions.domain.testcycles import TestCycle
from services.executions.usecases.executionchanges import STEP
from services.executions.usecases.transfer.checks import RunCheck
from services.executions.usecases.transfer.forms import RunForms, name_key
from services.executions.usecases.transfer.ports import LibraryOwner, RunSink
from services.executions.usecases.visibility import viewing

_ASKED = 1_000
_LINK_STEP = 8


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

    async def holds(self, target: Target) -> bool:
        """Whether anything is there."""
        return bool(await self.present(target, 1))

    async def check(self, target: Target, archive: ArchiveReader) -> CheckedRuns:
        """Read all of the archive."""
        forms = await self._forms(target, archive)
        check = RunCheck(archive.manifest, forms)
        await read_all(archive, Member.TEST_CYCLES, check.take_cycles)
        await read_all(archive, Member.TEST_PLANS, check.take_plans)
        await read_all(archive, Member.TEST_EXECUTIONS, check.take_executions)
        await asyncio.to_thread(check.finish)
        for key in check.outside:
            forms.outside[key] = await self._outside(target.access, key)
        await self._check_library(target, check)
        there = {
            OwnerKind.TEST_PLAN: check.plans,
            OwnerKind.TEST_CYCLE: check.cycles,
            OwnerKind.TEST_EXECUTION: check.executions,
        }
        files = Files(archive, there, check.steps)
        await read_all(archive, Member.ATTACHMENTS, files.check_all)
        files.finish()
        return CheckedRuns(check.left_out, check, files)

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

    async def _forms(self, target: Target, archive: ArchiveReader) -> RunForms:
        tenant, project = target.tenant, target.project
        options = await self._owner.options(tenant, project.id)
        fields: defaultdict[CustomFieldEntity, list[CustomFieldState]] = defaultdict(list)
        for found in await self._owner.custom_fields(tenant, project.id):
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

    async def _check_library(self, target: Target, check: RunCheck) -> None:
        """Raise ``InvalidInput`` for folders and test cases that the project does not have."""
        tenant, project = target.tenant, target.project
        for folder, kind in check.folders.items():
            here = check.forms.id(folder)
            if await self._owner.folder_type(tenant, project.id, here) != kind:
                raise InvalidInput(
                    f"The project has no {kind} folder {number_of(folder)}; "
                    "import its library first."
                )
        numbers = (number for number, _ in groupby(check.cases))
        while asked := [n for _, n in zip(range(_ASKED), numbers, strict=False)]:
            known = await self._owner.there(tenant, project.id, asked)
            for number in asked:
                if number not in known:
                    key = EntityKey(project.key, Kind.TEST_CASE, number)
                    raise InvalidInput(
                        f"The project has no test case {key}; import its library first."
                    )

    async def _outside(self, access: Access, key: str) -> int:
        """Return a cycle of another project that the caller may view."""
        try:
            found = await self._cycles.get(viewing(access, Entity.TEST_CYCLE), key)
        except (NotFound, Forbidden):
            raise InvalidInput(
                f"A test plan is linked to test cycle {key} of another project, which does not "
                "exist here or is not visible to you."
            ) from None
        return found["id"]


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
