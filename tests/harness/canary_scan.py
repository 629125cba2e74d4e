"""Looks for planted tokens in any bytes: plain, written in other ways, packed, encoded, hashed.

One pass for the core that all tokens share, in every way of writing it; one look-up for every word
that could be a digest. What is packed or encoded is opened and searched again, three layers deep.
"""

import base64
import binascii
import hashlib
import hmac
import html
import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes

from tests.harness.canary_tokens import Planter, Token

_DIGEST_BYTES = 12
"""So much of a digest counts: pseudonyms are cut to this."""
_ALGORITHMS = ("md5", "sha1", "sha256", "sha512")
_HEX = re.compile(rb"[0-9a-fA-F]{24,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}")
_ESCAPES = re.compile(rb"\\u([0-9a-fA-F]{4})")
_PACKED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_LAYERS = 3
_UNPACKED = 32 << 20
_MINIMUM = 24
_AFTER = 4
"""Digits of a token's number."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A token, or a trace of one, where it must not be."""

    place: str
    form: str
    token: str
    """Where it was planted, as far as that can be told."""
    around: str
    number: int | None = None
    """The token's, None where the form does not tell."""

    def __str__(self) -> str:
        return f"{self.token} (#{self.number}) in {self.place} as {self.form}: {self.around}"


def _variants(token: Token, core: str) -> Iterator[str]:
    """Yield the ways in which a value is normalised before it is hashed."""
    start = token.value.find(core)
    bare = token.value[start : start + len(core) + _AFTER] if start >= 0 else token.value
    for text in {token.value, bare, token.value.strip().partition("@")[0]}:
        for form in ("NFC", "NFD"):
            normal = unicodedata.normalize(form, text)
            yield from (normal, normal.lower(), normal.upper(), normal.casefold())


def _forms(core: str) -> Iterator[tuple[str, bytes]]:
    """Yield every way of writing the core, each with its name; letters in lower case."""
    plain = core.encode()
    yield "plain text", plain
    yield "backwards", plain[::-1]
    yield "hex", plain.hex().encode()
    yield "UTF-16", core.encode("utf-16-le")
    percent = "".join(f"%{byte:02x}" for byte in plain)
    yield "percent-encoding", percent.encode()
    yield "percent-encoding twice", quote(percent, safe="").lower().encode()
    yield "JSON escapes", "".join(f"\\u{byte:04x}" for byte in plain).encode()
    yield "HTML escapes", "".join(f"&#{byte};" for byte in plain).encode()
    yield "HTML escapes in hex", "".join(f"&#x{byte:x};" for byte in plain).encode()


def _encoded(core: str) -> Iterator[tuple[str, bytes]]:
    """Yield the core in base64 at each offset, in both cases of its letters."""
    for text in (core, core.upper()):
        for offset in range(3):
            whole = base64.b64encode(b"\0" * offset + text.encode())
            inner = whole[4 if offset else 0 : len(whole) - 4]
            yield f"base64 at offset {offset}", inner
            yield f"base64 at offset {offset}", inner.translate(bytes.maketrans(b"+/", b"-_"))


@dataclass
class Scanner:
    """Searches for the tokens that were planted until it was made."""

    planter: Planter
    keys: Sequence[str] = ()
    """What somebody might take for a key: ids of tenants."""
    exact: Mapping[str, str] = field(default_factory=dict)
    """Further texts by where they were planted, too short for a core."""
    searched: int = 0
    """Bytes, each layer counted."""

    def __post_init__(self) -> None:
        cores = list(self.planter.forms_of_core())
        folded = {form: name for core in cores for name, form in _forms(core)}
        self._folded = folded
        self._folded_pattern = re.compile(b"|".join(re.escape(form) for form in folded))
        cased = {form: name for core in cores for name, form in _encoded(core)}
        self._cased = cased
        self._cased_pattern = re.compile(b"|".join(re.escape(form) for form in cased))
        self._digests = dict(self._digested())
        self._exact = {
            re.compile(rb"(?<![0-9a-z.])" + re.escape(text.lower().encode()) + rb"(?![0-9a-z])"): at
            for at, text in self.exact.items()
        }

    def _digested(self) -> Iterator[tuple[bytes, tuple[str, Token]]]:
        keys = [b"", *(key.encode() for key in self.keys)]
        for token in self.planter.planted:
            for text in set(_variants(token, self.planter.core)):
                data = text.encode()
                for name in _ALGORITHMS:
                    plain = hashlib.new(name, data, usedforsecurity=False).digest()
                    yield plain[:_DIGEST_BYTES], (name, token)
                for key in keys:
                    keyed = hmac.digest(key, data, "sha256")
                    yield keyed[:_DIGEST_BYTES], ("HMAC with a known key", token)

    def scan(self, place: str, contents: Iterable[bytes]) -> list[Hit]:
        """Return all that is found; the same trace at one place once."""
        found: dict[tuple[str, str, int | None], Hit] = {}
        for content in contents:
            for depth, layer in self._layers(content, _LAYERS):
                self.searched += len(layer)
                for hit in self._in(f"{place}{' (unpacked)' if depth < _LAYERS else ''}", layer):
                    found.setdefault((hit.form, hit.token, hit.number), hit)
        return list(found.values())

    def _layers(self, content: bytes, depth: int) -> Iterator[tuple[int, bytes]]:
        yield depth, content
        if depth:
            for inner in _opened(content):
                yield from self._layers(inner, depth - 1)

    def _in(self, place: str, data: bytes) -> Iterator[Hit]:
        low = data.lower()
        for match in self._folded_pattern.finditer(low):
            yield self._hit(place, self._folded[match[0]], match, low)
        for match in self._cased_pattern.finditer(data):
            yield self._hit(place, self._cased[match[0]], match, data)
        for pattern, at in self._exact.items():
            if (found := pattern.search(low)) is not None:
                yield Hit(place, "plain text", at, _around(low, found))
        yield from self._hashed(place, data)

    def _hit(self, place: str, form: str, match: re.Match[bytes], data: bytes) -> Hit:
        after = data[match.end() : match.end() + _AFTER + 1].decode("latin-1").lstrip("-:")
        token = self.planter.numbered(after[:_AFTER]) if form == "plain text" else None
        return _trace(place, form, token, _around(data, match))

    def _hashed(self, place: str, data: bytes) -> Iterator[Hit]:
        for match in _HEX.finditer(data):
            word = match[0]
            for start in range(len(word) - _MINIMUM + 1):
                known = self._digests.get(binascii.unhexlify(word[start : start + _MINIMUM]))
                if known is not None:
                    yield _trace(place, f"{known[0]} in hex", known[1], _around(data, match))
        for match in _BASE64.finditer(data):
            head = match[0][:16].translate(bytes.maketrans(b"-_", b"+/"))
            known = self._digests.get(binascii.a2b_base64(head))
            if known is not None:
                yield _trace(place, f"{known[0]} in base64", known[1], _around(data, match))


def _trace(place: str, form: str, token: Token | None, around: str) -> Hit:
    if token is None:
        return Hit(place, form, "?", around)
    return Hit(place, form, token.place, around, token.number)


def _around(data: bytes, match: re.Match[bytes]) -> str:
    return repr(data[max(0, match.start() - 120) : match.end() + 60])


def _opened(data: bytes) -> Iterator[bytes]:
    """Yield what is packed or encoded in it, and itself without escapes where there are any."""
    for match in _PACKED.finditer(data):
        with_header = zlib.decompressobj(wbits=32 + zlib.MAX_WBITS)
        try:
            inner = with_header.decompress(data[match.start() :], _UNPACKED)
        except zlib.error:
            continue
        if inner:
            yield inner
    for match in _BASE64.finditer(data):
        word = match[0].translate(bytes.maketrans(b"-_", b"+/"))
        # shorter ones hold no core
        if len(word) >= _MINIMUM + 4:
            whole = binascii.a2b_base64(word[: len(word) // 4 * 4])
            # a digest or an id is no text, and nothing is packed in it
            if _PACKED.match(whole) or b"%" in whole or b"\\u" in whole or whole.isascii():
                yield whole
    if b"\\u" in data:
        yield _ESCAPES.sub(lambda found: chr(int(found[1], 16)).encode("utf-8", "replace"), data)
    if b"%" in data and (plain := unquote_to_bytes(data)) != data:
        yield plain
    if b"&#" in data or b"&amp;" in data or b"&lt;" in data:
        yield html.unescape(data.decode("utf-8", "replace")).encode()
