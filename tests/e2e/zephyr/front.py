"""One address for a whole installation that answers as a bad day does: late, refused, cut off.

The services behind it are real; this stands where the vendor's gateway does.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from devstack.standin.serving import Listeners, bind, port_of
from tests.harness.installation import Installation
from tests.harness.system import Edge

FAULTS = ("429", "429 now", "500", "503", "no json", "cut off", "late")


@dataclass
class Front:
    """Counts what it is asked; ``faulty`` of the requests get a fault, chosen by a seed."""

    edge: Edge
    chance: random.Random
    url: str = ""
    faulty: float = 0.0
    late: float = 5.0
    asked: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    at_once: int = 0
    most_at_once: int = 0
    hook: Callable[[str, bool], None] | None = None
    """Called with each request, before it is passed on and before it is answered; a test kills the
    copy here."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or spoil it."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        self.asked.append(f"{request.method} {request.url.path}?{request.url.query}")
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self._tell(answered=False)
            spoiled = self.chance.choice(FAULTS) if self.chance.random() < self.faulty else None
            await self._answer(request, spoiled, send)
        finally:
            self.at_once -= 1

    def _tell(self, *, answered: bool) -> None:
        if self.hook is not None:
            self.hook(self.asked[-1], answered)

    async def _answer(self, request: Request, spoiled: str | None, send: Send) -> None:
        if spoiled is not None:
            self.faults[spoiled] += 1
        match spoiled:
            case "429":
                await _said(send, 429, b"{}", (b"retry-after", b"0"))
            case "429 now":
                await _said(send, 429, b'{"errorCode": 429, "message": "slower"}')
            case "500" | "503":
                await _said(send, int(spoiled), b"<html>no</html>")
            case "no json" if "/attachments/" not in request.url.path:
                # nobody could tell that such bytes are not the file
                await _said(send, 200, b'{"values": [')
            case "late":
                await asyncio.sleep(self.late)
                await _said(send, 504, b"")
            case _:
                await self._pass_on(request, send, cut=spoiled is not None)

    async def _pass_on(self, request: Request, send: Send, *, cut: bool) -> None:
        headers = [(k, v) for k, v in request.headers.raw if k not in {b"host", b"connection"}]
        onward = httpx.Request(
            request.method, f"http://ostro.test{request.url.path}?{request.url.query}",
            headers=headers, content=await request.body(),
        )  # fmt: skip
        answer = await self.edge.handle_async_request(onward)
        body = await answer.aread()
        if request.method == "POST":
            self._tell(answered=True)
        passed = [
            (k.lower(), v) for k, v in answer.headers.raw if k.lower() not in _OF_A_CONNECTION
        ]
        passed.append((b"content-length", str(len(body)).encode()))
        if cut and body:
            start = {"status": answer.status_code, "headers": passed}
            await send({"type": "http.response.start", **start})
            # uvicorn closes the connection, because no more comes
            await send({"type": "http.response.body", "body": body[:-1], "more_body": True})
            return
        await _said(send, answer.status_code, body, *passed)


_OF_A_CONNECTION = frozenset({b"content-length", b"transfer-encoding", b"connection"})


async def _said(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


@contextlib.asynccontextmanager
async def front(installation: Installation, seed: int = 0) -> AsyncIterator[Front]:
    """Listen on a free port."""
    found = Front(Edge(installation), random.Random(seed))
    listeners, sock = Listeners(), bind("127.0.0.1", 0)
    await listeners.serve(found, sock)
    found.url = f"http://127.0.0.1:{port_of(sock)}"
    try:
        yield found
    finally:
        await listeners.stop()
        await found.edge.aclose()
