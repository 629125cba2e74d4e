"""Bare files and zips: what is read, and what is refused before it costs."""

import io
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.errors import InvalidInput, TooLarge
from services.executions.adapters.archives import ArchiveLimits, open_results
from services.executions.domain.formats import Format

LIMITS = ArchiveLimits(max_entries=20, max_unpacked_bytes=5_000_000)
XML = b'<testsuite><testcase name="a"/></testsuite>'


def zipped(path: Path, entries: Iterable[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    """Write a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def contents(
    path: Path, limits: ArchiveLimits = LIMITS, result_format: Format | None = Format.JUNIT
) -> list[tuple[str, bytes]]:
    """Read everything, piece by piece as a parser does."""
    return [
        (name, b"".join(iter(lambda: stream.read(65_536), b"")))  # noqa: B023  read at once
        for name, stream in open_results(path, limits, result_format)
    ]


def test_a_bare_file(tmp_path: Path) -> None:
    """What is no zip is the file itself."""
    for data in (XML, b"", b"PK not a zip"):
        path = tmp_path / "upload"
        path.write_bytes(data)
        assert contents(path) == [("", data)]


def test_several_files_in_folders_in_their_order(tmp_path: Path) -> None:
    """Result files are told by their suffix; what else a build job packs is skipped."""
    path = zipped(
        tmp_path / "upload",
        [
            ("target/", b""),
            ("target/z.xml", XML),
            ("target/a/deep/" + "long" * 60 + ".XML", XML + b" "),
            ("target/log.txt", b"text"),
            ("target/report.json", b"[]"),
            ("__MACOSX/target/._z.xml", b"\0\5\x16\7"),
            ("target/.hidden.xml", b"x"),
            ("target/png", b"\x89PNG"),
        ],
    )
    assert contents(path) == [
        ("target/z.xml", XML),
        ("…" + ("target/a/deep/" + "long" * 60 + ".XML")[-119:], XML + b" "),
    ]
    assert contents(path, result_format=Format.CUCUMBER) == [("target/report.json", b"[]")]
    assert len(contents(path, result_format=None)) == 3


def test_stored_and_streamed_entries(tmp_path: Path) -> None:
    """Entries without compression, and those whose size follows the data, are read."""
    plain = zipfile.ZipInfo("a.xml")
    out = io.BytesIO()
    streamed = type("Pipe", (), {"write": out.write, "flush": lambda _: None})()
    with zipfile.ZipFile(streamed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(plain, XML)
        archive.writestr("b.xml", XML)
    path = tmp_path / "upload"
    path.write_bytes(out.getvalue())
    assert contents(path) == [("a.xml", XML), ("b.xml", XML)]


def special(mode: int, name: str = "link.xml") -> zipfile.ZipInfo:
    """Describe an entry that is no regular file."""
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (mode | 0o777) << 16
    return entry


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "The zip holds no .xml file"),
        ([("readme.txt", b"x")], "The zip holds no .xml file"),
        ([("../a.xml", XML)], "a path outside itself: '../a.xml'"),
        ([("a/../../b.xml", XML)], "a path outside itself"),
        ([("/etc/a.xml", XML)], "a path outside itself"),
        ([("C:\\a.xml", XML)], "a path outside itself"),
        ([("a\\..\\b.xml", XML)], "a path outside itself"),
        ([("\\\\host\\b.xml", XML)], "a path outside itself"),
        ([("good.xml", XML), ("../evil.txt", b"")], "a path outside itself"),
        ([(special(stat.S_IFLNK), b"/etc/passwd")], "a link or device: 'link.xml'"),
        ([(special(stat.S_IFIFO), b"")], "a link or device"),
        ([("good.xml", XML), ("more.zip", b"")], "another archive: 'more.zip'"),
        ([("good.xml", XML), ("more.tar.GZ", b"")], "another archive"),
    ],
)
def test_refused(
    tmp_path: Path, entries: list[tuple[str | zipfile.ZipInfo, bytes]], message: str
) -> None:
    """Tricks are refused although nothing is ever extracted."""
    with pytest.raises(InvalidInput) as refusal:
        contents(zipped(tmp_path / "upload", entries))
    assert message in refusal.value.message


def test_an_archive_under_another_name(tmp_path: Path) -> None:
    """A nested zip is told by its content as well."""
    inner = zipped(tmp_path / "inner", [("a.xml", XML)]).read_bytes()
    with pytest.raises(InvalidInput, match=r"another archive: 'a\.xml'"):
        contents(zipped(tmp_path / "upload", [("a.xml", inner)]))


def test_too_many_entries(tmp_path: Path) -> None:
    """Thousands of entries are refused, with the setting's name."""
    path = zipped(tmp_path / "upload", [(f"{n}.xml", XML) for n in range(21)])
    with pytest.raises(TooLarge, match=r"more than 20 entries \(OSTRO_UPLOAD_MAX_ZIP_ENTRIES\)"):
        contents(path)


def test_an_endless_directory_is_not_read(tmp_path: Path) -> None:
    """100,000 entries in a few MB would become as many objects before they could be counted."""
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", *[0] * 6, *[0] * 3, 1, *[0] * 4, 0, 0) + b"a"
    directory = entry * 100_000
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), 4, 0)
    path = tmp_path / "upload"
    path.write_bytes(b"PK\x03\x04" + directory + end)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge, match="more than 20 entries"):
            contents(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def test_unpacked_size_is_counted_over_all_entries(tmp_path: Path) -> None:
    """The cap holds for the sum, at the byte where it is passed."""
    noise = bytes(range(256)) * 8_000
    entries = [(f"{n}.xml", noise) for n in range(3)]
    path = zipped(tmp_path / "upload", entries)
    with pytest.raises(
        TooLarge, match=r"more than 5000000 bytes \(OSTRO_UPLOAD_MAX_UNPACKED_BYTES"
    ):
        contents(path)
    assert len(contents(path, ArchiveLimits(20, 3 * len(noise)))) == 3


def test_a_bomb_is_given_up_early(tmp_path: Path) -> None:
    """A ratio that no result file has is refused long before the cap; headers may lie."""
    path = zipped(tmp_path / "upload", [("a.xml", b" " * 50_000_000)])
    honest = path.read_bytes()
    size = struct.pack("<I", 50_000_000)
    packed = struct.pack("<I", zipfile.ZipFile(path).infolist()[0].compress_size)
    lies = honest.replace(size, struct.pack("<I", 100)), honest.replace(packed, b"\xff\xff\xff\x0f")
    for data in (honest, *lies):
        path.write_bytes(data)
        tracemalloc.start()
        try:
            with pytest.raises((TooLarge, InvalidInput)):
                contents(path, ArchiveLimits(20, 1_000_000_000))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 20_000_000


def test_repetitive_result_files_pass(tmp_path: Path) -> None:
    """10,000 failures with the same long text are a bad day, no bomb."""
    text = b"    at shop.CartTest.discount(CartTest.java:10)\n" * 40
    case = b'<testcase name="t%d"><failure>%s</failure></testcase>'
    data = b"".join(case % (n, text) for n in range(2_000))
    path = zipped(tmp_path / "upload", [("a.xml", data)])
    assert contents(path) == [("a.xml", data)]


def flags(data: bytes, bits: int) -> bytes:
    """Set flag bits in the central directory."""
    at = data.index(b"PK\x01\x02") + 8
    return data[:at] + struct.pack("<H", bits) + data[at + 2 :]


def method(data: bytes, number: int) -> bytes:
    """Set the compression method in both headers."""
    for magic, offset in ((b"PK\x01\x02", 10), (b"PK\x03\x04", 8)):
        at = data.index(magic) + offset
        data = data[:at] + struct.pack("<H", number) + data[at + 2 :]
    return data


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: flags(d, 1), "encrypted"),
        (lambda d: flags(d, 0x40), "encrypted"),
        (lambda d: method(d, zipfile.ZIP_LZMA), "a compression other than deflate"),
        (lambda d: method(d, 99), "a compression other than deflate"),
        (lambda d: d[:-10], "damaged"),
        (lambda d: d[: len(d) // 2], "damaged"),
        (lambda d: d.replace(XML[:20], b"?" * 20), "damaged"),
        (lambda d: d[:40] + b"\xff" * 30 + d[70:], "damaged"),
    ],
)
def test_damaged(tmp_path: Path, damage: Callable[[bytes], bytes], message: str) -> None:
    """What cannot be read is said to be so."""
    noise = bytes(n * 7 % 251 for n in range(3_000))
    path = tmp_path / "upload"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.xml", XML + noise)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InvalidInput, match=message):
        contents(path)


ARCHIVE_BITS = st.sampled_from(
    [b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"\0" * 18,
     b"\xff" * 8, b"\x01\0\x2e\0", b"a.xml", b"../b.xml"]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=50) | ARCHIVE_BITS).map(b"".join), st.data())
def test_arbitrary_bytes(tmp_path: Path, data: bytes, draw: st.DataObject) -> None:
    """Bytes after a zip's magic, and a real zip with bytes changed, are read or refused."""
    path = zipped(tmp_path / "upload", [("a.xml", XML), ("b/c.xml", XML * 20)])
    real = bytearray(path.read_bytes())
    for _ in range(draw.draw(st.integers(0, 4))):
        real[draw.draw(st.integers(0, len(real) - 1))] = draw.draw(st.integers(0, 255))
    for content in (b"PK\x03\x04" + data, bytes(real)):
        path.write_bytes(content)
        try:
            contents(path)
        except (InvalidInput, TooLarge) as refusal:
            str(refusal.message).encode()
