"""Files on disk: their size and checksum."""

import hashlib
from pathlib import Path

_PIECE = 1 << 20


def kept(path: Path) -> tuple[int, str] | None:
    """Return the bytes and the SHA-256 of a file; None where there is none."""
    if not path.exists():
        return None
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return path.stat().st_size, digest.hexdigest()


def size_of(path: Path) -> int:
    """Return the bytes of a file."""
    return path.stat().st_size
