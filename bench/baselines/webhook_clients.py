"""Keep-alive clients that send one signed webhook after the other.

    python -m bench.baselines.webhook_clients PORT CLIENTS SECONDS REQUEST

``REQUEST`` is a file with the bytes of a request in which ``@@@@@@@@`` is replaced by a number.
Prints the answers per second after a second of warming up; any answer but 200 ends it.
"""

import asyncio
import itertools
import sys
import time
from pathlib import Path

_MARK = b"@@@@@@@@"
_WARM_SECONDS = 1.0


async def _client(
    port: int, parts: tuple[bytes, bytes], numbers: "itertools.count[int]", times: list[float]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while True:
            writer.write(b"%s%08d%s" % (parts[0], next(numbers), parts[1]))
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"answered {head[:60]!r}")
            times.append(time.perf_counter())
    finally:
        writer.close()


async def main(port: int, clients: int, seconds: float, request: bytes) -> float:
    """Return answers per second."""
    before, _, after = request.partition(_MARK)
    numbers, times = itertools.count(), list[float]()
    tasks = [
        asyncio.create_task(_client(port, (before, after), numbers, times)) for _ in range(clients)
    ]
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
        request = Path(file).read_bytes()
        print(runner.run(main(int(port), int(clients), float(seconds), request)))
