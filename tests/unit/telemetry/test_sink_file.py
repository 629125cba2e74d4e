"""The sink file on a real disk: whole lines, rotation, what a crash leaves, two writers."""

import asyncio
from pathlib import Path

import pytest

from kit.errors import Unavailable
from services.telemetry.adapters.sink_file import SinkFile

LINE = b'{"name":"Viewed test player"}'


async def test_lines_are_appended_and_read_by_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "events.jsonl"
    await SinkFile(path, 1_000, 3).append([LINE, LINE])
    await SinkFile(path, 1_000, 3).append([LINE])
    assert path.read_bytes() == (LINE + b"\n") * 3
    assert path.stat().st_mode & 0o777 == 0o600


async def test_what_a_crash_left_of_a_line_goes(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(LINE + b"\n" + b"x" * 100_000)
    await SinkFile(path, 1_000_000, 3).append([LINE])
    assert path.read_bytes() == (LINE + b"\n") * 2
    path.write_bytes(b"torn")
    await SinkFile(path, 1_000_000, 3).append([LINE])
    assert path.read_bytes() == LINE + b"\n"


@pytest.mark.parametrize("files", [1, 2, 3])
async def test_the_whole_is_bounded(tmp_path: Path, files: int) -> None:
    path = tmp_path / "events.jsonl"
    sink = SinkFile(path, 100, files)
    for number in range(20):
        await sink.append([b"%02d" % number + b"x" * 40])
    found = sorted(p.name for p in tmp_path.iterdir() if p.suffix != ".lock")
    assert found == ["events.jsonl", *(f"events.jsonl.{n}" for n in range(1, files))]
    assert all((tmp_path / name).stat().st_size <= 100 for name in found)
    newest = b"".join((tmp_path / name).read_bytes() for name in reversed(found))
    numbers = [int(line[:2]) for line in newest.splitlines()]
    assert numbers == list(range(20 - len(numbers), 20))


async def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    sinks = [SinkFile(path, 300, 50) for _ in range(2)]

    async def write(sink: SinkFile, name: bytes) -> None:
        for number in range(30):
            await sink.append([b"%b%02d" % (name, number)] * 3)

    await asyncio.gather(write(sinks[0], b"a"), write(sinks[1], b"b"))
    lines = [
        line
        for file in tmp_path.iterdir()
        if file.suffix != ".lock"
        for line in file.read_bytes().splitlines()
    ]
    written = [b"%b%02d" % (name, n) for name in (b"a", b"b") for n in range(30)] * 3
    assert sorted(lines) == sorted(written)


async def test_a_disk_that_refuses_is_told_and_waited_for(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").mkdir()
    with pytest.raises(Unavailable, match="OSTRO_TELEMETRY_SINK_FILE"):
        await SinkFile(tmp_path / "events.jsonl", 1_000, 3).append([LINE])
