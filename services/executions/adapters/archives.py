"""Result files inside an upload: the bare file, or the files of a zip.

Nothing is extracted; entries are read as streams, counted while they are read, and refused before
they cost memory. Headers of a zip are claims: only counted bytes decide.
"""

import errno
import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from kit.errors import InvalidInput, TooLarge
from services.executions.domain.formats import Format, ResultStream

_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_ARCHIVES = frozenset({".zip", ".jar", ".war", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".7z", ".rar"})
_SUFFIXES = {
    Format.JUNIT: frozenset({".xml"}),
    Format.CUCUMBER: frozenset({".json"}),
    Format.CUSTOM: frozenset({".json"}),
}
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_DIRECTORY_BYTES_PER_ENTRY: Final = 512
_RATIO_FREE_BYTES: Final = 1_048_576
"""Small files may be as repetitive as they like."""
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


@dataclass(frozen=True)
class ArchiveLimits:
    """What a zip may cost."""

    max_entries: int
    max_unpacked_bytes: int
    max_ratio: int = 300
    """Unpacked to packed size of one entry; repetitive result files stay below 150."""


def open_results(
    path: Path, limits: ArchiveLimits, result_format: Format | None = None
) -> Iterator[tuple[str, ResultStream]]:
    """Yield name and content of each result file, in the archive's order; "" for a bare file.

    Each stream is read before the next one is asked for; it is closed then. ``result_format``
    says which suffix marks a result file; without it both do. Blocking.
    Raises ``InvalidInput`` for what is malformed or tricky, ``TooLarge`` above a limit.
    """
    with path.open("rb") as file:
        magic = file.read(4)
        if magic not in _ZIP:
            file.seek(0)
            yield "", file
            return
    with _Directory(path, limits) as file:
        yield from _entries(file, limits, result_format)


def _entries(
    file: "_Directory", limits: ArchiveLimits, result_format: Format | None
) -> Iterator[tuple[str, ResultStream]]:
    with _damage_as_invalid(""):
        archive = zipfile.ZipFile(file)
    with archive:
        entries = archive.infolist()
        if len(entries) > limits.max_entries:
            raise _too_many(limits)
        for entry in entries:
            _check(entry)
        wanted = [e for e in entries if _is_result(e, result_format)]
        if not wanted:
            raise InvalidInput(f"The zip holds no {_suffix_text(result_format)} file.")
        budget = _Budget(limits, path_size=file.seek(0, io.SEEK_END))
        for entry in wanted:
            name = shown(entry.filename)
            if entry.compress_type not in _METHODS:
                raise InvalidInput(f"{name}, the zip uses a compression other than deflate.")
            with _damage_as_invalid(name):
                unpacking = archive.open(entry)
            with _Entry(unpacking, name, entry.compress_size, budget) as stream:
                yield name, stream


def shown(name: str) -> str:
    """Return an entry's name as messages show it: printable and short."""
    text = "".join(c if c.isprintable() else "?" for c in name)
    return text if len(text) <= 120 else f"…{text[-119:]}"


def _check(entry: zipfile.ZipInfo) -> None:
    """Refuse what no build job packs: nothing here is extracted, but it is an attack elsewhere."""
    name = shown(entry.filename)
    for text in (entry.filename, entry.orig_filename):
        parts = re.split(r"[/\\]", text)
        if text.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", text) or ".." in parts:
            raise InvalidInput(f"The zip names a path outside itself: '{name}'.")
        if "\0" in text:
            raise InvalidInput(f"The zip holds a malformed name: '{name}'.")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise InvalidInput(f"The zip holds a link or device: '{name}'.")
    if entry.flag_bits & _ENCRYPTED:
        raise InvalidInput(f"The zip is encrypted: '{name}'.")
    if Path(entry.filename).suffix.lower() in _ARCHIVES:
        raise InvalidInput(f"The zip holds another archive: '{name}'.")


def _is_result(entry: zipfile.ZipInfo, result_format: Format | None) -> bool:
    parts = entry.filename.split("/")
    # macOS adds a twin with metadata to each file: __MACOSX/._name
    if entry.is_dir() or "__MACOSX" in parts or parts[-1].startswith("."):
        return False
    return Path(parts[-1]).suffix.lower() in _wanted_suffixes(result_format)


def _wanted_suffixes(result_format: Format | None) -> frozenset[str]:
    return frozenset().union(*_SUFFIXES.values()) if not result_format else _SUFFIXES[result_format]


def _suffix_text(result_format: Format | None) -> str:
    return " or ".join(sorted(_wanted_suffixes(result_format)))


def _too_many(limits: ArchiveLimits) -> TooLarge:
    return TooLarge(
        f"The zip holds more than {limits.max_entries} entries (OSTRO_UPLOAD_MAX_ZIP_ENTRIES)."
    )


@contextmanager
def _damage_as_invalid(name: str) -> Iterator[None]:
    try:
        yield
    except (*_DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise  # the disk's fault; EINVAL is a seek to where a wrong header points
        where = f"{name}, " if name else ""
        raise InvalidInput(f"{where}the zip is damaged or of an unknown kind: {error}") from None


class _Directory(io.FileIO):
    """The zip as ``zipfile`` reads it; a directory of more entries than allowed is never read.

    ``zipfile`` reads the central directory at once and makes an object of each 46 bytes of it,
    before it can be asked how many there are.
    """

    def __init__(self, path: Path, limits: ArchiveLimits) -> None:
        super().__init__(path, "rb")
        self._limits = limits

    def read(self, size: int | None = -1, /) -> bytes:
        """Read like a file, in pieces that a directory within the limits may have."""
        largest = 131_072 + self._limits.max_entries * _DIRECTORY_BYTES_PER_ENTRY
        if size is not None and size > largest:
            raise _too_many(self._limits)
        return super().read(size) or b""


class _Budget:
    """Unpacked bytes of all entries together."""

    def __init__(self, limits: ArchiveLimits, path_size: int) -> None:
        self.limits = limits
        self.path_size = path_size
        self._used = 0

    def spend(self, count: int) -> None:
        self._used += count
        if self._used > self.limits.max_unpacked_bytes:
            raise TooLarge(
                f"The zip unpacks to more than {self.limits.max_unpacked_bytes} bytes "
                "(OSTRO_UPLOAD_MAX_UNPACKED_BYTES)."
            )


class _Entry(io.BufferedIOBase):
    """One entry, read forward only; every byte is counted."""

    def __init__(self, unpacking: IO[bytes], name: str, packed_size: int, budget: _Budget) -> None:
        self._unpacking = unpacking
        self._name = name
        # zipfile reads no more packed bytes than the header says, nor than there are
        self._packed = max(1, min(packed_size, budget.path_size))
        self._unpacked = 0
        self._budget = budget

    def read(self, size: int | None = -1, /) -> bytes:
        """Read at most ``size`` bytes; a whole entry only in pieces."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(65_536), b""))
        first = self._unpacked == 0
        with _damage_as_invalid(self._name):
            data = self._unpacking.read(size)
        if first and data.startswith(_ZIP):
            raise InvalidInput(f"The zip holds another archive: '{self._name}'.")
        self._unpacked += len(data)
        self._budget.spend(len(data))
        ratio = self._budget.limits.max_ratio
        if self._unpacked > _RATIO_FREE_BYTES and self._unpacked > self._packed * ratio:
            raise TooLarge(f"{self._name} unpacks to more than {ratio} times its packed size.")
        return data

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def close(self) -> None:
        """Let go of the entry; the archive stays open."""
        self._unpacking.close()
        super().close()
