"""What a parser reads from."""

from typing import Protocol

CHUNK_BYTES = 65_536


class ByteStream(Protocol):
    """A binary file as far as parsers need it; b"" says that it ends."""

    def read(self, size: int = -1, /) -> bytes: ...


class ResultStream(ByteStream, Protocol):
    """A file that is let go of after it was read."""

    def close(self) -> None: ...
