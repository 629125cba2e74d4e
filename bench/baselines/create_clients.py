"""Keep-alive clients that send one POST after the other.

    python -m bench.baselines.create_clients PORT CLIENTS SECONDS REQUESTS

``REQUESTS`` is a file with a JSON list of whole requests, taken in turn. Prints the answers per
second after a second of warming up; any answer but 201 ends it.
"""

import asyncio
import itertools
import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_WARM_SECONDS = 1.0
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n")


async def _client(port: int, requests: Iterator[bytes], times: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while True:
            writer.write(next(requests))
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1])) if length else b""
            if not head.startswith(b"HTTP/1.1 201"):
                raise SystemExit(f"answered {head[:20]!r} {body[:200]!r}")
            times.append(time.perf_counter())
    finally:
        writer.close()


async def main(port: int, clients: int, seconds: float, requests: list[bytes]) -> float:
    """Return answers per second."""
    turn, times = itertools.cycle(requests), list[float]()
    tasks = [asyncio.create_task(_client(port, turn, times)) for _ in range(clients)]
    started = time.perf_counter() + _WARM_SECONDS
    done, _ = await asyncio.wait(
        tasks, timeout=_WARM_SECONDS + seconds, return_when=asyncio.FIRST_EXCEPTION
    )
    ended = time.perf_counter()
    for task in tasks:
        task.cancel()
    for task in done:
        task.result()
    await asyncio.gather(*tasks, return_exceptions=True)
    return sum(started <= t <= ended for t in times) / (ended - started)


if __name__ == "__main__":
    _, port, clients, seconds, file = sys.argv
    from uvloop import new_event_loop

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        wanted = [request.encode() for request in json.loads(Path(file).read_text())]
        print(runner.run(main(int(port), int(clients), float(seconds), wanted)))
