"""The file that holds both archives of a project: a zip, in which they lie uncompressed."""

import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from contracts.transfer import MANIFEST, Manifest, Part

_PIECE = 1 << 20


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
                info = outer.getinfo(_name(part))
                with _faults(file), outer.open(info) as inner:
                    found.append(Packed(part, info.file_size, _manifest(inner)))
    if not found:
        raise FileFault(f"{file} holds no archive of a project.")
    return found


def pieces(file: Path, part: Part) -> Iterator[bytes]:
    """Yield the bytes of an archive in a file."""
    with _opened(file) as outer, outer.open(_name(part)) as inner:
        while piece := inner.read(_PIECE):
            yield piece


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
    except (zipfile.BadZipFile, KeyError, RuntimeError) as error:
        raise FileFault(f"{file} is damaged or no file of this command: {error}") from None
    except OSError as error:
        raise FileFault(f"{file} cannot be read: {error.strerror}") from None
