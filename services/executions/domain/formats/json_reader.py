"""Reads a large JSON document piece by piece: arrays and objects near the root are walked, what
stands inside is parsed one value at a time, what nobody wants is skipped. Memory is one piece of
the file and one value.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from kit.errors import InvalidInput
from services.executions.domain.formats.stream import CHUNK_BYTES, ByteStream

MAX_DEPTH: Final = 64
MAX_VALUE_BYTES: Final = 4_194_304
MAX_CONTAINERS: Final = 100_000
"""Most arrays and objects in one value: parsed, an empty one costs thirty times its text."""
MAX_STRING_BYTES: Final = 65_536
"""Longer strings inside a value (screenshots) are cut; no text that is kept is as long."""
MAX_SCALAR_BYTES: Final = 1_000

_SPACE = re.compile(rb"[ \t\r\n]*")
# everything up to the next bracket, or up to a string that this piece of the file does not close
_PLAIN = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
_STRING = re.compile(rb'[^"\\]*')
_SCALAR = re.compile(rb"[^ \t\r\n,\[\]{}:\"]*")
_OPENING = frozenset((b"[", b"{"))
_CLOSING = frozenset((b"]", b"}"))
_BOM = b"\xef\xbb\xbf"


class JsonReader:
    """A cursor in a JSON document. Raises ``InvalidInput`` naming line and cause."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._piece = b""
        self._at = 0
        self._lines, self._counted = 1, 0
        self._sink: bytearray | None = None
        self._refill()
        if self._piece.startswith(_BOM):
            self._at = len(_BOM)

    @property
    def line(self) -> int:
        """Line of the cursor, from 1."""
        self._lines += self._piece.count(b"\n", self._counted, self._at)
        self._counted = self._at
        return self._lines

    def refused(self, cause: str) -> InvalidInput:
        """Build the error for a fault at the cursor."""
        return InvalidInput(f"line {self.line}: {cause}")

    def at(self, opening: bytes) -> bool:
        """Tell whether the next value begins with this byte."""
        return self._peek() == opening

    def items(self) -> Iterator[int]:
        """Walk an array: yields the index of each item, which the caller reads or skips."""
        self._expect(b"[", "an array")
        if self._accept(b"]"):
            return
        index = 0
        while True:
            yield index
            if self._accept(b"]"):
                return
            self._expect(b",", "',' or ']'")
            index += 1

    def members(self) -> Iterator[str]:
        """Walk an object: yields each key, whose value the caller reads or skips."""
        self._expect(b"{", "an object")
        if self._accept(b"}"):
            return
        while True:
            if self._peek() != b'"':
                raise self.refused("expected a key in quotes")
            key = self.value()
            self._expect(b":", "':'")
            yield str(key)
            if self._accept(b"}"):
                return
            self._expect(b",", "',' or '}'")

    def value(self) -> Any:
        """Parse the next value, at most ``MAX_VALUE_BYTES`` long without what long strings lose."""
        self._peek()
        first = self.line
        self._sink = bytearray()
        self._pass_value()
        data, self._sink = bytes(self._sink), None
        try:
            return loads(data)
        except orjson.JSONDecodeError as error:
            raise InvalidInput(f"line {first + error.lineno - 1}: {error.msg}") from None

    def skip(self) -> None:
        """Pass over the next value in constant memory; only its brackets and quotes are checked."""
        self._peek()
        self._pass_value()

    def end(self) -> None:
        """Check that nothing follows."""
        if self._peek():
            raise self.refused("unexpected text after the end of the document")

    def _peek(self) -> bytes:
        while True:
            match = _SPACE.match(self._piece, self._at)
            assert match is not None, "the pattern matches the empty string"
            self._at = match.end()
            if self._at < len(self._piece):
                return self._piece[self._at : self._at + 1]
            if not self._refill():
                return b""

    def _accept(self, byte: bytes) -> bool:
        if self._peek() != byte:
            return False
        self._at += 1
        return True

    def _expect(self, byte: bytes, what: str) -> None:
        if not self._accept(byte):
            found = self._piece[self._at : self._at + 1].decode("latin-1")
            raise self.refused(f"expected {what}, found {repr(found) if found else 'the end'}")

    def _refill(self) -> bool:
        """Read the next piece once the cursor is at the end of this one."""
        self._lines += self._piece.count(b"\n", self._counted)
        self._piece = self._stream.read(CHUNK_BYTES)
        self._at = self._counted = 0
        return bool(self._piece)

    def _pass(self, end: int) -> None:
        """Move the cursor, keeping what it passes."""
        if self._sink is not None:
            self._sink += self._piece[self._at : end]
            if len(self._sink) > MAX_VALUE_BYTES:
                raise self.refused(f"one value is longer than {MAX_VALUE_BYTES} bytes")
        self._at = end

    def _pass_value(self) -> None:
        first = self._peek()
        if first == b'"':
            self._pass_string()
        elif first in _OPENING:
            self._pass_container()
        else:
            self._pass_scalar()

    def _pass_container(self) -> None:
        depth = containers = 0
        at = self._at
        while True:
            match = _PLAIN.match(self._piece, at)
            assert match is not None, "the pattern matches the empty string"
            end = match.end()
            byte = self._piece[end : end + 1]
            at = end + 1
            if byte in _OPENING:
                depth += 1
                containers += 1
                if depth > MAX_DEPTH or containers > MAX_CONTAINERS:
                    self._too_many(end, depth)
            elif byte in _CLOSING:
                depth -= 1
                if depth == 0:
                    self._pass(at)
                    return
            else:
                self._pass(end)
                if byte:
                    self._pass_string()
                else:
                    self._more()
                at = self._at

    def _too_many(self, at: int, depth: int) -> None:
        self._pass(at)
        if depth > MAX_DEPTH:
            raise self.refused(f"nested deeper than {MAX_DEPTH}")
        if self._sink is not None:
            raise self.refused(f"one value holds more than {MAX_CONTAINERS} arrays and objects")

    def _pass_string(self) -> None:
        """Pass a string that may go on over any number of pieces."""
        self._pass(self._at + 1)
        sink = self._sink
        start = len(sink) if sink is not None else 0
        self._pass_to_quote(start)
        if sink is not None:
            self._sink = sink
            sink += b'"'

    def _pass_to_quote(self, start: int) -> None:
        while True:
            if self._sink is not None and len(self._sink) - start > MAX_STRING_BYTES:
                _end_cleanly(self._sink)
                self._sink = None  # the rest of it is passed over
            match = _STRING.match(self._piece, self._at)
            assert match is not None, "the pattern matches the empty string"
            self._pass(match.end())
            byte = self._piece[self._at : self._at + 1]
            if byte == b'"':
                self._at += 1
                return
            if not byte:
                self._more()
                continue
            self._pass(self._at + 1)
            if self._at < len(self._piece) or self._more():
                self._pass(self._at + 1)  # what the backslash escapes

    def _pass_scalar(self) -> None:
        passed = 0
        while True:
            match = _SCALAR.match(self._piece, self._at)
            assert match is not None, "the pattern matches the empty string"
            passed += match.end() - self._at
            self._pass(match.end())
            if self._at < len(self._piece) or not self._refill():
                break
            if passed > MAX_SCALAR_BYTES:
                break
        if not 0 < passed <= MAX_SCALAR_BYTES:
            raise self.refused("expected a JSON value")

    def _more(self) -> bool:
        if not self._refill():
            raise self.refused("the document ends in the middle of a value")
        return True


def _end_cleanly(text: bytearray) -> None:
    """Take away an escape or a character that may be incomplete at the end of a cut string."""
    escape = text.rfind(b"\\", -6)
    if escape >= 0:
        del text[escape:]
        while text.endswith(b"\\"):
            del text[-1]
    while text[-1] & 0xC0 == 0x80:
        del text[-1]
    if text[-1] & 0x80:
        del text[-1]


def loads(data: bytes) -> Any:
    """Parse JSON; lone surrogates, as JavaScript writes them for half an emoji, become ``?``."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if "surrogate" not in error.msg:
            raise
        return _without_surrogates(data, error)


def _without_surrogates(data: bytes, error: orjson.JSONDecodeError) -> Any:
    try:
        text = json.dumps(json.loads(data), ensure_ascii=False)
    except (ValueError, RecursionError):
        raise error from None
    return orjson.loads(text.encode(errors="replace"))
