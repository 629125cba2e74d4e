"""How an answer goes over the wire: whole, late, dribbling, half, or not at all."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from devstack.processors.message import Answer

Manner = Literal["whole", "late", "slow_body", "half", "close"]
_DRIBBLES = 8


@dataclass(frozen=True, slots=True)
class Outcome:
    answer: Answer
    manner: Manner = "whole"
    seconds: float = 0.0


class ClosableProtocol(H11Protocol):
    """Lets the application reach the connection of a request, to close it in the middle."""

    open: ClassVar[dict[tuple[str, int], asyncio.Transport]] = {}
    _peer: tuple[str, int] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        super().connection_made(transport)
        self._peer = transport.get_extra_info("peername")[:2]
        if self._peer is not None:
            self.open[self._peer] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._peer is not None:
            self.open.pop(self._peer, None)
        super().connection_lost(exc)


async def deliver(outcome: Outcome, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the answer in its manner. In process, where there is no connection, closing raises."""
    if outcome.manner == "close":
        await _close(scope, receive)
        return
    if outcome.manner == "late":
        await asyncio.sleep(outcome.seconds)
    answer = outcome.answer
    length = {} if answer.stream else {"content-length": str(len(answer.body))}
    headers = {**length, **answer.headers}
    start: dict[str, Any] = {
        "type": "http.response.start",
        "status": answer.status,
        "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
    }
    await send(start)
    if answer.stream is not None:
        await _stream(answer.stream, receive, send)
        return
    if outcome.manner == "half":
        await _part(send, answer.body[: len(answer.body) // 2])
        await _close(scope, receive)
        return
    if outcome.manner == "slow_body":
        size = max(1, len(answer.body) // _DRIBBLES)
        for begin in range(0, len(answer.body), size):
            await asyncio.sleep(outcome.seconds / _DRIBBLES)
            await _part(send, answer.body[begin : begin + size])
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.body", "body": answer.body})


async def _stream(chunks: AsyncIterator[bytes], receive: Receive, send: Send) -> None:
    """Send as it comes, until the client is gone or nothing comes any more."""
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        while True:
            following = asyncio.ensure_future(anext(chunks, None))
            await asyncio.wait({gone, following}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done() or following.result() is None:
                following.cancel()
                break
            await _part(send, following.result() or b"")
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _part(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _close(scope: Scope, receive: Receive) -> None:
    """Close politely, so that what was written still arrives, and wait until it is done."""
    peer = tuple(scope["client"] or ())[:2]
    transport = ClosableProtocol.open.get(peer)
    if transport is None:
        raise ConnectionResetError("the stand-in closed the connection without an answer")
    transport.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            await _disconnected(receive)
