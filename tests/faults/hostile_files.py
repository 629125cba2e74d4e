"""Files and bodies that are made to hurt whoever takes them in."""

import io
import secrets
import stat
import struct
import zipfile
from collections.abc import Callable, Iterable, Mapping

XML = b'<testsuite><testcase name="fine"/></testsuite>'
MEGABYTE = 1_000_000
UNPACKED_CAP = 30 * MEGABYTE
"""OSTRO_UPLOAD_MAX_UNPACKED_BYTES of the process under attack; lower than the default for speed."""


def zipped(entries: Iterable[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    """Return a deflated zip."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in entries:
            archive.writestr(name, content, zipfile.ZIP_DEFLATED)
    return data.getvalue()


def _padded(padding: bytes, times: int) -> bytes:
    return b"<testsuite>" + padding * times + XML + b"</testsuite>"


def bomb() -> bytes:
    """40 MB of spaces in 40 KB."""
    return zipped([("a.xml", _padded(b" " * MEGABYTE, 40))])


def patient_bomb() -> bytes:
    """Over the cap, but with the ratio of a result file."""
    comment = b"<!-- " + secrets.token_hex(1_000).encode() + b" -->"
    entry = _padded(comment, 12 * MEGABYTE // len(comment))
    return zipped((f"{n}.xml", entry) for n in range(3))


def overlapping() -> bytes:
    """One entry of 1 MB that the directory names 500 times."""
    comment = b"<!-- " + secrets.token_hex(2_000).encode() + b" -->"
    plain = zipped([("a.xml", _padded(comment, MEGABYTE // len(comment)))])
    end = plain.rindex(b"PK\x05\x06")
    start = struct.unpack("<I", plain[end + 16 : end + 20])[0]
    directory = plain[start:end] * 500
    counts = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 500, 500, len(directory), start, 0)
    return plain[:start] + directory + counts


def liar() -> bytes:
    """A bomb whose headers speak of 100 bytes."""
    return bomb().replace(struct.pack("<I", len(_padded(b" " * MEGABYTE, 40))), b"\x64\0\0\0")


def linked() -> bytes:
    """A symbolic link to a file of the server."""
    entry = zipfile.ZipInfo("a.xml")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped([(entry, b"/etc/passwd")])


def encrypted() -> bytes:
    """An entry that says that it is encrypted."""
    data = zipped([("a.xml", XML)])
    at = data.index(b"PK\x01\x02") + 8
    return data[:at] + b"\1\0" + data[at + 2 :]


def nested() -> bytes:
    """A zip in a zip in a zip, under the name of a result file."""
    inner = zipped([("a.xml", bomb())])
    return zipped([("a.xml", inner)])


def laughs() -> bytes:
    """Entities that double."""
    rows = "".join(f'<!ENTITY e{n + 1} "&e{n};&e{n};">' for n in range(30))
    return (
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">{rows}]>'
        "<testsuite><testcase name='&e30;'/></testsuite>"
    ).encode()


def external() -> bytes:
    """An entity that reads a file of the server."""
    return (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
        b"<testsuite><testcase name='a'><failure>&f;</failure></testcase></testsuite>"
    )


def _huge(before: bytes, after: bytes) -> Callable[[], bytes]:
    """25 MB of one value in a small zip."""

    def build() -> bytes:
        block = secrets.token_hex(1_000).encode()
        name = "a.xml" if before.startswith(b"<") else "a.json"
        return zipped([(name, before + block * (25 * MEGABYTE // len(block)) + after)])

    return build


ARCHIVES: Mapping[str, Callable[[], bytes]] = {
    "bomb": bomb,
    "patient bomb": patient_bomb,
    "overlapping entries": overlapping,
    "lying headers": liar,
    "bomb in a zip in a zip": nested,
    "zip in a zip": lambda: zipped([("a.xml", XML), ("more.zip", zipped([("b.xml", XML)]))]),
    "too many entries": lambda: zipped((f"{n}.xml", XML) for n in range(1_001)),
    "20,000 entries": lambda: zipped((f"{n}.xml", b"") for n in range(20_000)),
    "path upwards": lambda: zipped([("../../a.xml", XML)]),
    "path upwards beside a good one": lambda: zipped([("a.xml", XML), ("x/../../b.xml", XML)]),
    "absolute path": lambda: zipped([("/etc/a.xml", XML)]),
    "drive": lambda: zipped([("C:\\a.xml", XML)]),
    "backslashes": lambda: zipped([("x\\..\\..\\a.xml", XML)]),
    "link": linked,
    "encrypted": encrypted,
    "cut off": lambda: zipped([("a.xml", XML)])[:-30],
}
XMLS: Mapping[str, Callable[[], bytes]] = {
    "billion laughs": laughs,
    "external entity": external,
    "10,000 deep": lambda: b"<a>" * 10_000 + b"</a>" * 10_000,
    "1,000,000 deep": lambda: b"<a>" * MEGABYTE,
    "attribute of 25 MB": _huge(b"<testsuite><testcase name='", b"'/></testsuite>"),
    "comment without end": _huge(b"<testsuite><!-- ", b""),
    "100,000 element names": lambda: (
        b"<testsuite>" + b"".join(b"<a%d/>" % n for n in range(100_000)) + b"</testsuite>"
    ),
    "1,000,000 keys in a name": lambda: (
        b"<testsuite><testcase name='"
        + b" ".join(b"DEMO-T%d" % n for n in range(700_000))
        + b"'/></testsuite>"
    ),
}
JSONS: Mapping[str, Callable[[], bytes]] = {
    "lists 100,000 deep": lambda: b"[" * 100_000 + b"]" * 100_000,
    "objects 100,000 deep": lambda: b'{"x":' * 100_000 + b"1" + b"}" * 100_000,
    "number of 1,000,000 digits": lambda: b'[{"elements": [' + b"1" * MEGABYTE + b"]}]",
    "key of 25 MB": _huge(b'[{"', b'": 1}]'),
}

BOUNDARY = "edge-of-part"
_FILE = b'Content-Disposition: form-data; name="file"; filename="a.xml"\r\n'
_CYCLE = b'Content-Disposition: form-data; name="testCycle"\r\nContent-Type: application/json\r\n'


def _part(headers: bytes, content: bytes) -> bytes:
    return b"--" + BOUNDARY.encode() + b"\r\n" + headers + b"\r\n" + content + b"\r\n"


def _repeated(first: bytes, piece: bytes, times: int) -> Callable[[], Iterable[bytes]]:
    def build() -> Iterable[bytes]:
        yield first
        for _ in range(times):
            yield piece

    return build


_START = b"--" + BOUNDARY.encode() + b"\r\n"
_BLOCK = b"x" * 100_000
BODIES: Mapping[str, Callable[[], Iterable[bytes]]] = {
    "file without end": _repeated(_START + _FILE + b"\r\n", _BLOCK, 300),
    "other part without end": _repeated(
        _START + b'Content-Disposition: form-data; name="other"\r\n\r\n', _BLOCK, 300
    ),
    "test cycle without end": _repeated(_START + _CYCLE + b"\r\n", _BLOCK, 300),
    "header without end": _repeated(_START + b"X-Long: ", _BLOCK, 300),
    "headers without end": _repeated(_START, b"X-Many: 1\r\n" * 5_000, 300),
    "preamble without end": _repeated(b"", _BLOCK, 300),
    "parts without end": _repeated(b"", _part(_CYCLE, b"{}") * 50, 300),
    "no end": lambda: [_part(_FILE, XML)],
    "nothing": lambda: [b""],
}
