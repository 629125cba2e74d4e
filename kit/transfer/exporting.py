"""Exports a project: rows as they are read, files as they are read, in constant memory."""

import asyncio
from array import array
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from contracts.ids import Kind
from contracts.tenancy import ProjectState
from contracts.transfer import (
    AttachmentRow,
    ExportedProject,
    Member,
    Part,
    Row,
    Source,
    SourceKind,
)
from kit.attachments.attachments import Attachments
from kit.attachments.rows import Attachment
from kit.clock import Clock
from kit.directory.access import Access
from kit.errors import Unavailable
from kit.transfer.archive import ArchiveWriter, Pipe

_TOGETHER = 64 * 1024


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """An attachment, and its row."""

    row: AttachmentRow
    attachment: Attachment


class Exported(Protocol):
    """One project, read for one caller. Members are read in the order in which they are asked."""

    @property
    def members(self) -> Sequence[Member]:
        """The members, those that name others first: what they name was there by then."""
        ...

    def rows(self, member: Member) -> AsyncIterator[Sequence[Row]]:
        """Yield the rows of a member, sorted, some at a time."""
        ...

    def files(self) -> AsyncIterator[Sequence[ExportedFile]]:
        """Yield what is attached to what was exported, by id, some at a time."""
        ...

    async def last_numbers(self) -> Mapping[Kind, int]:
        """Return the highest numbers that were given away."""
        ...


class Origin(Protocol):
    """What a service exports."""

    @property
    def part(self) -> Part:
        """The part."""
        ...

    async def exported(self, access: Access, project: ProjectState) -> Exported:
        """Begin to read a project; what is wrong shows here, before the first byte is sent."""
        ...


class Exporter:
    """Exports for one service."""

    def __init__(self, origin: Origin, attachments: Attachments, clock: Clock) -> None:
        self._origin = origin
        self._attachments = attachments
        self._clock = clock

    async def start(self, access: Access, project: ProjectState) -> AsyncIterator[bytes]:
        """Return the archive as a stream of bytes."""
        return self._stream(access, project, await self._origin.exported(access, project))

    async def _stream(
        self, access: Access, project: ProjectState, exported: Exported
    ) -> AsyncIterator[bytes]:
        pipe, began = Pipe(), self._clock.now()
        writer = ArchiveWriter(
            pipe,
            self._origin.part,
            Source(kind=SourceKind.OSTRO, site_url=access.view.tenant.site_url),
            ExportedProject(id=project.id, key=project.key),
        )
        for member in exported.members:
            with writer.member(member) as out:
                async for rows in exported.rows(member):
                    await asyncio.to_thread(out.add, rows)
                    if pipe.waiting >= _TOGETHER:
                        yield pipe.take()
        named = array("q")
        with writer.member(Member.ATTACHMENTS) as out:
            async for files in exported.files():
                out.add(file.row for file in files)
                named.extend(file.row.id for file in files)
        async for file in _still_there(exported, named):
            with writer.file(file.row.id, file.row.size) as target:
                async for piece in self._attachments.read(file.attachment):
                    await asyncio.to_thread(target.write, piece)
                    if pipe.waiting >= _TOGETHER:
                        yield pipe.take()
        writer.finish(began, dict(await exported.last_numbers()))
        yield pipe.take()


async def _still_there(exported: Exported, named: Sequence[int]) -> AsyncIterator[ExportedFile]:
    """Yield the files that rows were written of; break off where one is gone meanwhile."""
    wanted = iter(named)
    following = next(wanted, None)
    async for files in exported.files():
        for file in files:
            if file.row.id != following:
                continue
            yield file
            following = next(wanted, None)
    if following is not None:
        raise Unavailable("An attachment was removed during the export; try again.")
