"""Reads the archive of a project. Whatever it holds is a claim until it was counted and compared.

Nothing is extracted: members are known by name, read as streams and counted while they are read.
"""

import asyncio
import errno
import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, TypeVar

from pydantic import ValidationError

from contracts.ids import Kind, number_of, parse_key, project_of
from contracts.transfer import (
    FILES,
    FORMAT,
    MANIFEST,
    MAX_ROW_BYTES,
    ROWS,
    VERSION,
    AttachmentRow,
    Manifest,
    Member,
    Part,
    Row,
)
from kit.errors import InvalidInput, TooLarge
from kit.http.errors import validation_message

T = TypeVar("T")

_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_DIRECTORY_BYTES_PER_ENTRY = 512
_MANIFEST_BYTES = 64 * 1024
_PIECE = 256 * 1024
_BATCH_ROWS, _BATCH_BYTES = 200, 4 * 1024 * 1024
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    RuntimeError,
    UnicodeError,
    ValueError,
    OverflowError,
    IndexError,
)
_KEYS = {
    Member.TEST_CASES: Kind.TEST_CASE,
    Member.TEST_CASE_VERSIONS: Kind.TEST_CASE,
    Member.TEST_PLANS: Kind.TEST_PLAN,
    Member.TEST_CYCLES: Kind.TEST_CYCLE,
    Member.TEST_EXECUTIONS: Kind.TEST_EXECUTION,
}


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What an archive may cost to read."""

    max_unpacked_bytes: int
    max_members: int
    max_file_bytes: int


class ArchiveReader:
    """One archive. Every method blocks; ``InvalidInput`` for what is wrong, ``TooLarge``."""

    def __init__(self, file: IO[bytes], part: Part, limits: ReadLimits) -> None:
        self._limits = limits
        self._spent = 0
        with _damage():
            self._zip = zipfile.ZipFile(_Bounded(file, limits))
        self._members = self._listed(part)
        self.manifest = self._read_manifest()
        if self.manifest.format != FORMAT or self.manifest.version != VERSION:
            raise InvalidInput(
                f"The archive is of version {self.manifest.version} of its format; "
                f"this is {FORMAT} {VERSION}."
            )
        if self.manifest.part is not part:
            raise InvalidInput(f"The archive holds the part '{self.manifest.part}', not '{part}'.")
        if set(self.manifest.members) != set(ROWS[part]):
            raise InvalidInput("The manifest does not count the members of the archive.")

    def restart(self) -> None:
        """Begin to count what is unpacked anew; called before everything is read once more."""
        self._spent = 0

    def batches(self, member: Member) -> Iterator[list[Any]]:
        """Yield the rows of a member, some at a time; all is right when this ends without a fault.

        ``Any`` stands for the model of ``ROWS``.
        """
        entry = self.manifest.members[member]
        model = ROWS[self.manifest.part][member]
        digest, size, count = hashlib.sha256(), 0, 0
        last: tuple[int, int] = (0, 0)
        batch: list[Any] = []
        batch_bytes = 0
        for line in self._lines(member):
            count += 1
            where = f"{member}, line {count}"
            digest.update(line)
            size += len(line)
            row = _parsed(model, line, where)
            last = self._checked(member, row, last, where)
            batch.append(row)
            batch_bytes += len(line)
            if len(batch) >= _BATCH_ROWS or batch_bytes >= _BATCH_BYTES:
                yield batch
                batch, batch_bytes = [], 0
        if batch:
            yield batch
        if (count, size, digest.hexdigest()) != (entry.rows, entry.size, entry.sha256):
            raise InvalidInput(f"{member} is not what the manifest says: the archive is damaged.")

    def file(self, row: AttachmentRow) -> Iterator[bytes]:
        """Yield the bytes of an attachment; right when this ends without a fault."""
        name = f"{FILES}{row.id}"
        info = self._members.get(name)
        if info is None:
            raise InvalidInput(f"The archive has no {name}.")
        if row.size > self._limits.max_file_bytes:
            raise TooLarge(
                f"{name} is larger than {self._limits.max_file_bytes} bytes "
                "(OSTRO_ATTACHMENT_MAX_BYTES)."
            )
        digest, size = hashlib.sha256(), 0
        with self._reading(info) as unpacking:
            while piece := self._piece(unpacking, _PIECE):
                digest.update(piece)
                size += len(piece)
                if size > row.size:
                    break
                yield piece
        if (size, digest.hexdigest()) != (row.size, row.sha256):
            raise InvalidInput(f"{name} is not what its row says: the archive is damaged.")

    @property
    def files(self) -> int:
        """How many files there are; there must be a row for each."""
        return sum(name.startswith(FILES) for name in self._members)

    def close(self) -> None:
        """Let go of the zip; the file stays open."""
        self._zip.close()

    def _listed(self, part: Part) -> dict[str, zipfile.ZipInfo]:
        infos = self._zip.infolist()
        if len(infos) > self._limits.max_members:
            raise _too_many(self._limits)
        found: dict[str, zipfile.ZipInfo] = {}
        known = {MANIFEST, *(m.value for m in ROWS[part])}
        for info in infos:
            name = info.orig_filename
            if name not in known and not _is_file(name):
                raise InvalidInput("The archive holds a member that does not belong there.")
            if name in found:
                raise InvalidInput(f"The archive holds {name} twice.")
            if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
                raise InvalidInput(f"{name} is encrypted, or compressed by other than deflate.")
            found[name] = info
        if missing := known - set(found):
            raise InvalidInput(f"The archive has no {min(missing)}.")
        return found

    def _read_manifest(self) -> Manifest:
        with self._reading(self._members[MANIFEST]) as unpacking, _damage():
            content = unpacking.read(_MANIFEST_BYTES)
        try:
            return Manifest.model_validate_json(content)
        except ValidationError as error:
            raise InvalidInput(f"{MANIFEST}: {_told(error)}") from None

    def _lines(self, member: Member) -> Iterator[bytes]:
        rest = bytearray()
        with self._reading(self._members[member]) as unpacking:
            while piece := self._piece(unpacking, _PIECE):
                *lines, tail = piece.split(b"\n")
                for line in lines:
                    rest += line
                    yield bytes(rest) + b"\n"
                    rest.clear()
                rest += tail
                if len(rest) > MAX_ROW_BYTES:
                    raise TooLarge(f"{member} has a line longer than {MAX_ROW_BYTES} bytes.")
        if rest:
            raise InvalidInput(f"{member} ends within a line: the archive is damaged.")

    def _checked(
        self, member: Member, row: Any, last: tuple[int, int], where: str
    ) -> tuple[int, int]:
        project = self.manifest.project
        version = row.version if member is Member.TEST_CASE_VERSIONS else 0
        place = (row.id, version)
        if place <= last:
            raise InvalidInput(f"{where}: the rows are not sorted, or one is there twice.")
        if project_of(row.id) != project.id or not number_of(row.id):
            raise InvalidInput(f"{where}: id {row.id} is not one of project {project.id}.")
        kind = _KEYS.get(member)
        if kind is not None:
            key = parse_key(row.key, kind)
            if key is None or (key.project_key, key.number) != (project.key, number_of(row.id)):
                raise InvalidInput(f"{where}: key and id do not name the same.")
        return place

    @contextmanager
    def _reading(self, info: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
        with _damage():
            unpacking = self._zip.open(info)
        with unpacking:
            yield unpacking

    def _piece(self, unpacking: IO[bytes], size: int) -> bytes:
        with _damage():
            piece = unpacking.read(size)
        self._spent += len(piece)
        if self._spent > self._limits.max_unpacked_bytes:
            raise TooLarge(
                f"The archive unpacks to more than {self._limits.max_unpacked_bytes} bytes "
                "(OSTRO_IMPORT_MAX_UNPACKED_BYTES)."
            )
        return piece


class _Bounded(io.RawIOBase):
    """The file as ``zipfile`` reads it; a directory of more members than allowed is never read.

    ``zipfile`` reads the whole directory at once, before it can be asked how much is in it.
    """

    def __init__(self, file: IO[bytes], limits: ReadLimits) -> None:
        super().__init__()
        self._file = file
        self._limits = limits
        self._most = 131_072 + limits.max_members * _DIRECTORY_BYTES_PER_ENTRY

    def seekable(self) -> bool:
        """Say that it can be moved in."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read, in pieces that a directory within the limits may have."""
        if size > self._most:
            raise _too_many(self._limits)
        return self._file.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()


async def threaded(source: Iterator[T]) -> AsyncIterator[T]:
    """Yield what a blocking iterator yields, read in a thread."""
    while (item := await asyncio.to_thread(next, source, None)) is not None:
        yield item


async def read_all(
    archive: ArchiveReader, member: Member, take: Callable[[list[Any]], object]
) -> None:
    """Hand all rows of a member to ``take``, some at a time, in a thread."""

    def work() -> None:
        for batch in archive.batches(member):
            take(batch)

    await asyncio.to_thread(work)


def _is_file(name: str) -> bool:
    number = name.removeprefix(FILES)
    return name.startswith(FILES) and number.isascii() and number.isdecimal() and len(number) <= 16


def _too_many(limits: ReadLimits) -> TooLarge:
    return TooLarge(
        f"The archive has more than {limits.max_members} members (OSTRO_IMPORT_MAX_MEMBERS)."
    )


def _parsed(model: type[Row], line: bytes, where: str) -> Row:
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        raise InvalidInput(f"{where}: {_told(error)}") from None


def _told(error: ValidationError) -> str:
    # its own text would hold the values
    return validation_message(error.errors(include_url=False, include_input=False))


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except (*_DAMAGE, OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise  # the disk's fault; EINVAL is a seek to where a wrong header points
        raise InvalidInput("The archive is damaged, or no zip.") from None
