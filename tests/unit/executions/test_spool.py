"""The upload's body on its way to disk."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from kit.errors import InvalidInput, OstroError, TooLarge, Unavailable
from services.executions.adapters.multipart import MAX_TEST_CYCLE_BYTES
from services.executions.adapters.spool import PREFIX, spool, sweep
from services.executions.domain.formats import Format

CAP = 1_000_000
FILE = ("file", ("results.xml", b"<testsuite/>", "application/xml"))
Parts = Sequence[tuple[str, Any]]


class Sent:
    """A request as the server hands it over; knows how much of the body was taken."""

    def __init__(
        self, headers: dict[str, str], pieces: Sequence[bytes], *, whole: bool = True
    ) -> None:
        self._messages: list[Message] = [
            {"type": "http.request", "body": piece, "more_body": True} for piece in pieces
        ]
        last: Message = {"type": "http.request"} if whole else {"type": "http.disconnect"}
        self._messages.append(last)
        self.taken = 0
        raw = [(k.lower().encode(), v.encode()) for k, v in headers.items()]
        scope = {"type": "http", "method": "POST", "path": "/", "headers": raw}
        self.request = Request(scope, self._receive)

    async def _receive(self) -> Message:
        message = self._messages.pop(0)
        self.taken += len(message.get("body", b""))
        return message


def sent(parts: Parts, *, chunked: bool = False, size: int = 60_000) -> Sent:
    """Encode a request as a client does."""
    request = httpx.Request("POST", "http://127.0.0.1/", files=parts)
    body = request.read()
    headers = {"content-type": request.headers["content-type"]}
    if not chunked:
        headers["content-length"] = str(len(body))
    return Sent(headers, [body[i : i + size] for i in range(0, len(body), size)])


def body(text: str, boundary: str = "B", **headers: str) -> Sent:
    """Build a request from a body written by hand."""
    values = {"content-type": f"multipart/form-data; boundary={boundary}"} | headers
    return Sent(values, [text.replace("\n", "\r\n").encode()])


def left(folder: Path) -> list[str]:
    """Return what is still in the folder."""
    return [p.name for p in folder.iterdir()]


@pytest.mark.parametrize("size", [1, 7, 60_000])
async def test_file_and_test_cycle(tmp_path: Path, size: int) -> None:
    """The file is on disk for us alone while it is worked on, and gone afterwards."""
    parts = [FILE, ("testCycle", (None, b'{"name": "n"}', "application/json; charset=utf-8"))]
    async with spool(sent(parts, size=size).request, tmp_path / "new", CAP) as upload:
        assert upload.path.read_bytes() == b"<testsuite/>"
        assert upload.size == 12
        assert upload.test_cycle == b'{"name": "n"}'
        assert upload.path.stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert left(tmp_path / "new") == []


@pytest.mark.parametrize(
    ("part", "kept"),
    [
        (("tc.json", b"{}", "application/json"), b"{}"),
        (("tc.json", b"{}", "Application/JSON"), b"{}"),
        ((None, b"{}", "text/plain"), None),
        ((None, b"{}"), None),
        (("tc.json", b"{}", "application/octet-stream"), None),
    ],
)
async def test_test_cycle_counts_as_json_only(
    tmp_path: Path, part: tuple[Any, ...], kept: bytes | None
) -> None:
    """With or without a file name; of another type it is ignored, as the vendor does."""
    for parts in ([FILE, ("testCycle", part)], [("testCycle", part), FILE]):
        async with spool(sent(parts).request, tmp_path, CAP) as upload:
            assert upload.test_cycle == kept


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "application/octet-stream",
        "application/x-zip-compressed",
        "text/xml",
        "multipart/form-data",
    ],
)
async def test_the_file_may_be_of_any_type(tmp_path: Path, kind: str) -> None:
    """Clients say all sorts of things; unknown parts are not stored."""
    parts = [("attachments", ("a.json", b"{}")), ("file", ("f", b"data", kind)), ("x", ("y", b"z"))]
    async with spool(sent(parts).request, tmp_path, CAP) as upload:
        assert upload.path.read_bytes() == b"data"
        assert len(left(tmp_path)) == 1


async def test_chunked_bodies_within_the_cap(tmp_path: Path) -> None:
    """Without a length the body is counted."""
    data = os.urandom(CAP)
    async with spool(sent([("file", ("f", data))], chunked=True).request, tmp_path, CAP) as upload:
        assert upload.size == CAP
        assert upload.path.read_bytes() == data


async def refused(tmp_path: Path, arriving: Sent, kind: type[OstroError], message: str) -> None:
    """Check the refusal, and that nothing is left."""
    with pytest.raises(kind) as refusal:
        async with spool(arriving.request, tmp_path, CAP, Format.JUNIT):
            pytest.fail("accepted")
    assert message in refusal.value.message
    assert left(tmp_path) == []


async def test_a_length_over_the_cap_is_refused_at_once(tmp_path: Path) -> None:
    """Not a byte of the body is read."""
    arriving = sent([("file", ("f", b"x" * (3 * CAP)))])
    message = "larger than 1000000 bytes (OSTRO_UPLOAD_MAX_JUNIT_BYTES)"
    await refused(tmp_path, arriving, TooLarge, message)
    assert arriving.taken == 0


@pytest.mark.parametrize("chunked", [True, False])
async def test_over_the_cap_is_refused_while_it_arrives(tmp_path: Path, chunked: bool) -> None:
    """One byte too many, or a body without end."""
    arriving = sent([("file", ("f", b"x" * (CAP + 1)))], chunked=chunked)
    await refused(tmp_path, arriving, TooLarge, "larger than 1000000 bytes")
    arriving = sent([("file", ("f", b"x" * (9 * CAP)))], chunked=True)
    await refused(tmp_path, arriving, TooLarge, "larger than 1000000 bytes")
    assert arriving.taken < 1.1 * CAP


async def test_other_parts_have_little_room(tmp_path: Path) -> None:
    """Parts that nobody reads cannot be used to send without end; nor can testCycle."""
    arriving = sent([("other", ("f", b"x" * (9 * CAP))), FILE], chunked=True)
    await refused(tmp_path, arriving, TooLarge, "larger than 1000000 bytes")
    assert arriving.taken < 1.4 * CAP
    cycle = (None, b"x" * (MAX_TEST_CYCLE_BYTES + 1), "application/json")
    await refused(tmp_path, sent([("testCycle", cycle)]), TooLarge, "'testCycle' is above 65536")
    many = [(f"p{n}", (None, b"x")) for n in range(101)]
    await refused(tmp_path, sent(many), InvalidInput, "more than 100 parts")


PART = '--B\nContent-Disposition: form-data; name="file"\n'


@pytest.mark.parametrize(
    ("arriving", "message"),
    [
        (body("", **{"content-type": "application/json"}), "must be multipart/form-data"),
        (body("", **{"content-type": "multipart/form-data"}), "names no boundary"),
        (body("", boundary="x" * 300), "The boundary cannot be used"),
        (Sent({}, [b"x"]), "must be multipart/form-data"),
        (body(""), "ends in the middle"),
        (body(f"{PART}\ndata"), "ends in the middle"),
        (body(f"{PART}\ndata\n--B"), "ends in the middle"),
        (body("--B--\n"), "no part named 'file'"),
        (body('--B\nContent-Disposition: form-data; name="File"\n\nx\n--B--\n'), "no part named"),
        (body("--B\nX: y\n\nx\n--B--\n"), "no part named 'file'"),
        (body(f"{PART}\n\n--B--\n"), "'file' is empty"),
        (body(f"{PART}\na\n{PART}\nb\n--B--\n"), "two parts named 'file'"),
        (body("no boundary here"), "no valid multipart/form-data"),
        (body(f"{PART}Content-Transfer-Encoding: base64\n\neA==\n--B--\n"), "Transfer-Encoding"),
        (body(f"{PART}X: {'y' * 9_000}\n\nx\n--B--\n"), "no valid multipart/form-data"),
        (body(PART + "X: y\n" * 50 + "\nx\n--B--\n"), "no valid multipart/form-data"),
    ],
)  # fmt: skip
async def test_no_upload(tmp_path: Path, arriving: Sent, message: str) -> None:
    """What is missing or broken is named."""
    await refused(tmp_path, arriving, InvalidInput, message)


async def test_a_client_that_goes_away_leaves_nothing(tmp_path: Path) -> None:
    """Cut off in the middle of the file."""
    whole = sent([("file", ("f", b"x" * CAP))])
    pieces = [m["body"] for m in whole._messages[:5]]
    arriving = Sent({"content-type": whole.request.headers["content-type"]}, pieces, whole=False)
    with pytest.raises(ClientDisconnect):
        async with spool(arriving.request, tmp_path, CAP):
            pytest.fail("accepted")
    assert left(tmp_path) == []


async def test_a_failing_or_cancelled_use_leaves_nothing(tmp_path: Path) -> None:
    """Whatever happens to the one who works on the file."""
    with pytest.raises(ZeroDivisionError):
        async with spool(sent([FILE]).request, tmp_path, CAP):
            raise ZeroDivisionError
    started = asyncio.Event()

    async def work() -> None:
        async with spool(sent([FILE]).request, tmp_path, CAP):
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left(tmp_path) == []


async def test_a_disk_that_takes_nothing(tmp_path: Path) -> None:
    """The client may try again; it is not its fault."""
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(Unavailable, match="cannot be stored at present"):
        async with spool(sent([FILE]).request, blocked / "sub", CAP):
            pytest.fail("accepted")


async def test_sweep_removes_what_nobody_holds(tmp_path: Path) -> None:
    """What a killed process left goes, what is being worked on and what is not ours stays."""
    stale, foreign, link = tmp_path / f"{PREFIX}1", tmp_path / "other", tmp_path / f"{PREFIX}2"
    stale.write_bytes(b"x")
    foreign.write_bytes(b"x")
    link.symlink_to(foreign)
    async with spool(sent([FILE]).request, tmp_path, CAP) as upload:
        assert sweep(tmp_path) == 1
        assert set(left(tmp_path)) == {"other", link.name, upload.path.name}
        assert upload.path.read_bytes() == b"<testsuite/>"
    assert sweep(tmp_path / "missing") == 0


def test_a_folder_that_cannot_be_used_ends_the_start_by_its_name(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(SystemExit, match="OSTRO_SPOOL_DIR: cannot write to"):
        sweep(blocked / "sub")


async def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    """The kernel gives the lock back with the process."""
    hold = (
        "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); "
        "print('locked', flush=True); sys.stdin.read()"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", hold, str(tmp_path / f"{PREFIX}1"),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"locked\n"
        assert sweep(tmp_path) == 0
    finally:
        process.kill()
        await process.communicate()
    assert sweep(tmp_path) == 1


BITS = st.sampled_from(
    [b"--B", b"--B--", b"\r\n", b"\n", b"-", b"B", b":", b";", b'"', b"x" * 100,
     b'Content-Disposition: form-data; name="file"', b"Content-Type: application/json",
     b'Content-Disposition: form-data; name="testCycle"', b"\xff", b"\0"]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(BITS).map(b"".join) | st.binary(), max_size=6))
def test_arbitrary_bodies(tmp_path: Path, pieces: list[bytes]) -> None:
    """Any bytes are an upload or a refusal, and leave nothing."""
    headers = {"content-type": "multipart/form-data; boundary=B"}

    async def take() -> None:
        try:
            async with spool(Sent(headers, pieces).request, tmp_path, 300) as upload:
                assert upload.size == len(upload.path.read_bytes()) > 0
        except (InvalidInput, TooLarge):
            return

    asyncio.run(take())
    assert left(tmp_path) == []
