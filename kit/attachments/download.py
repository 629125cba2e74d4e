"""The answer that carries an attachment: saved and never shown by browsers, whole or in part."""

import re
from collections.abc import AsyncIterator
from contextlib import aclosing

from fastapi import Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Send

from kit.attachments.attachments import Attachments
from kit.attachments.names import disposition, safe_type
from kit.attachments.rows import Attachment
from kit.http.errors import error_response

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


async def download(request: Request, attachments: Attachments, found: Attachment) -> Response:
    """Return 200 with all bytes, 206 with a range, 304 for what the client has, or 416.

    Raises what the store raises before the first byte; a later fault breaks the connection.
    """
    etag = f'"{found.sha256}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": disposition(found.name),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    if etag in request.headers.get("if-none-match", "").replace("W/", "").split(", "):
        return Response(status_code=304, headers=headers)
    status, start, size = 200, 0, found.size
    if (wanted := _range(request, found)) is not None:
        start, size = wanted
        if size <= 0:
            unsatisfied = {"Content-Range": f"bytes */{found.size}"}
            return error_response(416, "The range is outside the file.", unsatisfied)
        status = 206
        headers["Content-Range"] = f"bytes {start}-{start + size - 1}/{found.size}"
    stream = attachments.read(found) if status == 200 else attachments.read(found, start, size)
    headers["Content-Length"] = str(size)
    body = _Resumed(await anext(stream), stream)
    # as a media_type, a text would be said to be UTF-8
    headers["Content-Type"] = safe_type(found.content_type)
    return _Bytes(body, status, headers)


def _range(request: Request, found: Attachment) -> tuple[int, int] | None:
    """Return offset and size of the one range asked for; None where all is to be sent."""
    match = _RANGE.fullmatch(request.headers.get("range", "").strip())
    unchanged = request.headers.get("if-range", f'"{found.sha256}"') == f'"{found.sha256}"'
    if match is None or not unchanged or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        size = min(int(last), found.size)
        return found.size - size, size
    start = int(first)
    end = min(int(last), found.size - 1) if last else found.size - 1
    if last and int(last) < start:
        return None  # no range at all (RFC 9110, 14.1.1)
    return start, end - start + 1


class _Resumed:
    """A stream whose first piece was taken to see that it flows."""

    def __init__(self, first: bytes, rest: AsyncIterator[bytes]) -> None:
        self._first: bytes | None = first
        self._rest = rest

    def __aiter__(self) -> "_Resumed":
        return self

    async def __anext__(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return await anext(self._rest)

    async def aclose(self) -> None:
        """Close the stream."""
        close = getattr(self._rest, "aclose", None)
        if close is not None:
            await close()


class _Bytes(StreamingResponse):
    """Closes its stream also when the client goes away in the middle."""

    body_iterator: _Resumed

    async def stream_response(self, send: Send) -> None:
        """Send everything."""
        async with aclosing(self.body_iterator):
            await super().stream_response(send)
