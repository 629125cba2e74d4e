"""The file that holds both archives of a project: a zip, in which they lie uncompressed."""

import json
import os
import shutil
import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from contracts.transfer import MANIFEST, Manifest, Member, Part
from kit.transfer.archive import without_files
from kit.transfer.windows import window

_PIECE = 1 << 20
_LENGTHS = "<26x2H"
"""Of a member's header in a zip: its end says how long the name and the extra field are."""


class FileFault(Exception):
    """The file is none of ours; the text says why."""


@dataclass(frozen=True)
class Packed:
    """One archive inside a file."""

    part: Part
    size: int
    manifest: Manifest


def pack(archives: Mapping[Part, Path], target: Path) -> None:
    """Write the archives into one file, which is there when it is whole."""
    unfinished = target.with_name(f"{target.name}.part")
    try:
        unfinished.unlink(missing_ok=True)
        # what a project holds is nobody else's on this machine
        descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with (
            os.fdopen(descriptor, "w+b") as raw,
            zipfile.ZipFile(raw, "w", zipfile.ZIP_STORED) as made,
        ):
            for part, archive in archives.items():
                with (
                    archive.open("rb") as source,
                    made.open(_name(part), "w", force_zip64=True) as out,
                ):
                    shutil.copyfileobj(source, out, _PIECE)
        os.replace(unfinished, target)  # noqa: PTH105  the same on Path
    finally:
        unfinished.unlink(missing_ok=True)


def check(archive: Path) -> None:
    """Raise ``FileFault`` for an archive that has no end."""
    with _faults(archive), archive.open("rb") as found:
        _manifest(found)


def contents(file: Path) -> list[Packed]:
    """Return the archives in a file, the library first; raise ``FileFault``."""
    found = []
    with _opened(file) as outer:
        for part in Part:
            if _name(part) in outer.namelist():
                size = outer.getinfo(_name(part)).file_size
                with opened(file, part) as inner:
                    found.append(Packed(part, size, _manifest(inner)))
    if not found:
        raise FileFault(f"{file} holds no archive of a project.")
    return found


@contextmanager
def opened(file: Path, part: Part) -> Iterator[IO[bytes]]:
    """Open an archive in a file."""
    with _faults(file), file.open("rb") as raw, zipfile.ZipFile(raw) as outer:
        info = outer.getinfo(_name(part))
        if info.compress_type != zipfile.ZIP_STORED:
            raise FileFault(f"{file} is damaged or no file of this command: it is compressed")
        raw.seek(info.header_offset)
        lengths = struct.unpack(_LENGTHS, raw.read(struct.calcsize(_LENGTHS)))
        start = info.header_offset + struct.calcsize(_LENGTHS) + sum(lengths)
        yield window(raw, start, info.file_size)


def pieces(file: Path, part: Part) -> Iterator[bytes]:
    """Yield the bytes of an archive in a file."""
    with opened(file, part) as inner:
        while piece := inner.read(_PIECE):
            yield piece


def rows_alone(file: Path, part: Part, target: IO[bytes]) -> None:
    """Write an archive in a file to ``target``, without what is attached."""
    with opened(file, part) as inner:
        without_files(inner, target)


def keys(file: Path, part: Part, member: Member) -> set[str]:
    """Return the keys in a member of an archive in a file."""
    with (
        opened(file, part) as inner,
        zipfile.ZipFile(inner) as found,
        found.open(member.value) as rows,
    ):
        return {json.loads(row)["key"] for row in rows}


def _name(part: Part) -> str:
    return f"{part}.zip"


def _manifest(archive: IO[bytes]) -> Manifest:
    with zipfile.ZipFile(archive) as found:
        return Manifest.model_validate_json(found.read(MANIFEST))


@contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    with _faults(file), zipfile.ZipFile(file) as found:
        yield found


@contextmanager
def _faults(file: Path) -> Iterator[None]:
    try:
        yield
    except ValidationError:
        raise FileFault(f"{file} is of another version of the format.") from None
    except (zipfile.BadZipFile, struct.error, KeyError, RuntimeError) as error:
        raise FileFault(f"{file} is damaged or no file of this command: {error}") from None
    except OSError as error:
        raise FileFault(f"{file} cannot be read: {error.strerror}") from None
