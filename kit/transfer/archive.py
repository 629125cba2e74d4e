"""Writes the archive of a project as a stream; docs/export-format.md says what it is.

Memory grows with the number of attached files alone: a zip ends with a directory of its members.
"""

import hashlib
import io
import shutil
import zipfile
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import IO, Any

from contracts.ids import Kind
from contracts.transfer import (
    FILES,
    MANIFEST,
    ROWS,
    ExportedProject,
    Manifest,
    Member,
    MemberEntry,
    Part,
    Row,
    Source,
)

_ROWS_LEVEL, _FILE_LEVEL = 6, 1
_TOGETHER = 256 * 1024


class Pipe(io.RawIOBase):
    """Holds what was written until it is taken; a zip on it is written forwards alone."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting = bytearray()

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def write(self, data: Any, /) -> int:
        """Keep bytes."""
        self._waiting += data
        return len(data)

    @property
    def waiting(self) -> int:
        """How many bytes wait."""
        return len(self._waiting)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


class ArchiveWriter:
    """Writes one part. Members come one after the other, in any order, the manifest last.

    ``target`` needs no more than ``write``. Blocking where the target is.
    """

    def __init__(
        self, target: IO[bytes] | Pipe, part: Part, source: Source, project: ExportedProject
    ) -> None:
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED)
        self._part = part
        self._source = source
        self._project = project
        self._entries: dict[Member, MemberEntry] = {}

    def member(self, member: Member) -> "MemberWriter":
        """Open a member of rows; a context manager."""
        if member not in ROWS[self._part] or member in self._entries:
            raise ValueError(f"{member} does not belong here, or is there already")
        return MemberWriter(self._open(member.value, _ROWS_LEVEL), member, self._entries)

    def file(self, ident: int, size: int) -> IO[bytes]:
        """Open the bytes of an attachment for writing; a context manager."""
        return self._open(f"{FILES}{ident}", _FILE_LEVEL, size)

    def finish(self, created_on: datetime, last_numbers: dict[Kind, int] | None = None) -> None:
        """Write the manifest, with members that nobody opened as empty ones, and the end."""
        for member in ROWS[self._part]:
            if member not in self._entries:
                with self.member(member):
                    pass
        manifest = Manifest(
            part=self._part,
            source=self._source,
            project=self._project,
            created_on=created_on,
            members={member: self._entries[member] for member in ROWS[self._part]},
            last_numbers={kind.value: last for kind, last in (last_numbers or {}).items()},
        )
        with self._open(MANIFEST, _ROWS_LEVEL) as out:
            out.write(manifest.model_dump_json(by_alias=True, indent=2).encode() + b"\n")
        self._zip.close()

    def _open(self, name: str, level: int, size: int | None = None) -> IO[bytes]:
        # the date of a ZipInfo is 1980-01-01
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED
        info._compresslevel = level  # type: ignore[attr-defined]  # noqa: SLF001  public from 3.13 on
        info.external_attr = 0o600 << 16
        if size is not None:
            info.file_size = size
        return self._zip.open(info, "w", force_zip64=size is None)


class MemberWriter(AbstractContextManager["MemberWriter"]):
    """Writes rows, each a line, and counts them."""

    def __init__(self, out: IO[bytes], member: Member, entries: dict[Member, MemberEntry]) -> None:
        self._out = out
        self._member = member
        self._entries = entries
        self._digest = hashlib.sha256()
        self._rows = self._size = 0

    def add(self, rows: Iterable[Row]) -> None:
        """Write rows; they must come sorted."""
        lines = bytearray()
        for row in rows:
            lines += row.model_dump_json(by_alias=True, exclude_defaults=True).encode() + b"\n"
            self._rows += 1
            if len(lines) >= _TOGETHER:
                self._flush(lines)
        self._flush(lines)

    def _flush(self, lines: bytearray) -> None:
        self._out.write(lines)
        self._digest.update(lines)
        self._size += len(lines)
        lines.clear()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._out.close()
        if kind is None:
            self._entries[self._member] = MemberEntry(
                rows=self._rows, size=self._size, sha256=self._digest.hexdigest()
            )


def without_files(archive: IO[bytes], target: IO[bytes]) -> None:
    """Copy an archive without what is attached: enough to check what refers to it. Blocking."""
    with (
        zipfile.ZipFile(archive) as found,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for name in found.namelist():
            if not name.startswith(FILES):
                with found.open(name) as source, made.open(name, "w", force_zip64=True) as out:
                    shutil.copyfileobj(source, out, _TOGETHER)
