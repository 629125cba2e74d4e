"""The parts of an upload's multipart body, as it arrives. Source: behaviour.md 15.1, clients.md."""

from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from kit.errors import InvalidInput, TooLarge

MAX_TEST_CYCLE_BYTES: Final = 65_536
MAX_PARTS: Final = 100

_ENCODED = frozenset({b"base64", b"quoted-printable"})


def boundary_of(content_type: str | None) -> bytes:
    """Return the boundary that a Content-Type names. Raises ``InvalidInput``."""
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise InvalidInput("The request's Content-Type must be multipart/form-data.")
    boundary = options.get(b"boundary")
    if not boundary:
        raise InvalidInput("The request's Content-Type names no boundary.")
    return boundary


class UploadParts:
    """Takes the body in pieces; keeps ``testCycle``, hands out ``file``, forgets other parts.

    ``testCycle`` counts only when its own Content-Type is application/json. Raises
    ``InvalidInput`` for what is no multipart body and ``TooLarge`` above the caps.
    """

    def __init__(self, boundary: bytes, cap: int, too_large: TooLarge) -> None:
        self.test_cycle: bytes | None = None
        self.file_size: int | None = None
        self._cap = cap
        self._too_large = too_large
        self._pending: list[bytes] = []
        self._parts = 0
        self._ended = False
        self._field = self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._part = b""
        self._cycle = bytearray()
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._on_field,
                    "on_header_value": self._on_value,
                    "on_header_end": self._on_header,
                    "on_headers_finished": self._on_headers,
                    "on_part_data": self._on_data,
                    "on_part_end": self._on_part,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise InvalidInput(f"The boundary cannot be used: {error}.") from None

    def feed(self, data: bytes) -> list[bytes]:
        """Take a piece of the body; return what it holds of the file."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise InvalidInput(f"The body is no valid multipart/form-data: {error}.") from None
        pending, self._pending = self._pending, []
        return pending

    def finish(self) -> int:
        """Return the file's size once the body has ended."""
        if not self._ended:
            raise InvalidInput("The body ends in the middle of a part.")
        if self.file_size is None:
            raise InvalidInput("The request has no part named 'file'.")
        if self.file_size == 0:
            raise InvalidInput("The part 'file' is empty.")
        return self.file_size

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise InvalidInput(f"The body has more than {MAX_PARTS} parts.")
        self._headers, self._part = {}, b""
        self._field = self._value = b""

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        name = options.get(b"name", b"")
        kind, _ = parse_options_header(self._headers.get(b"content-type"))
        if name == b"file":
            if self.file_size is not None:
                raise InvalidInput("The body has two parts named 'file'; send a zip instead.")
            self.file_size = 0
        elif name == b"testCycle" and kind == b"application/json":
            self._cycle.clear()
        else:
            return
        if self._headers.get(b"content-transfer-encoding", b"").strip().lower() in _ENCODED:
            raise InvalidInput("A Content-Transfer-Encoding other than binary is not supported.")
        self._part = name

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._part == b"file":
            self.file_size = (self.file_size or 0) + end - start
            if self.file_size > self._cap:
                raise self._too_large
            self._pending.append(data[start:end])
        elif self._part == b"testCycle":
            self._cycle += data[start:end]
            if len(self._cycle) > MAX_TEST_CYCLE_BYTES:
                raise TooLarge(f"The part 'testCycle' is above {MAX_TEST_CYCLE_BYTES} bytes.")

    def _on_part(self) -> None:
        if self._part == b"testCycle":
            self.test_cycle = bytes(self._cycle)

    def _on_end(self) -> None:
        self._ended = True
