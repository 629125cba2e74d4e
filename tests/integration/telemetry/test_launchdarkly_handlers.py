"""Telemetry against LaunchDarkly's own test handlers, which are written in Go."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from contracts.flags import SEARCH, UPLOAD_WAIT
from services.telemetry.adapters.flags.launchdarkly import Hosts, LaunchDarkly
from services.telemetry.domain.flags import ANONYMOUS, Subject
from tests.harness.golang import built
from tests.harness.polling import eventually

HOME = Path(__file__).parent / "launchdarkly_handlers"
KEY = "sdk-key"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass
class Handlers:
    """The process: its address, what it was asked for, and orders for it."""

    process: asyncio.subprocess.Process
    url: str = ""
    requests: list[str] = field(default_factory=list)

    async def order(self, **order: Any) -> None:
        """Have it done."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        await self.process.stdin.drain()
        await self.heard("done")

    async def heard(self, word: str) -> str:
        """Return what follows the next line that begins with this word."""
        assert self.process.stdout is not None
        while line := (await asyncio.wait_for(self.process.stdout.readline(), 30)).decode():
            first, _, rest = line.strip().partition(" ")
            if first == "request":
                self.requests.append(rest)
            if first == word:
                return rest
        raise AssertionError("the handlers ended")


@asynccontextmanager
async def handlers() -> AsyncIterator[Handlers]:
    program = await built(HOME, "LaunchDarkly's handlers")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(program, stdin=pipe, stdout=pipe)
    try:
        found = Handlers(process)
        found.url = f"http://127.0.0.1:{await found.heard('port')}"
        yield found
    finally:
        process.kill()
        await process.communicate()


@asynccontextmanager
async def launchdarkly(url: str) -> AsyncIterator[LaunchDarkly]:
    def ignore(_: object = None) -> None:
        """Nobody is told: the test looks."""

    hosts = Hosts(url, url, url)
    source = await asyncio.to_thread(LaunchDarkly, KEY, hosts, "handlers", ignore, ignore)
    try:
        yield source
    finally:
        await asyncio.to_thread(source.close)


async def test_flags_come_change_and_go_and_nothing_else_is_asked_for() -> None:
    large = Subject("0123456789abcdef01234567", "1001-10000", "COMMERCIAL")

    async with handlers() as there, launchdarkly(there.url) as source:

        async def generation() -> int | None:
            return source.generation

        async def decided() -> list[dict[str, object]]:
            return [dict(values) for values in source.decide([ANONYMOUS, large])]

        await eventually(generation, lambda known: known is not None)
        assert await decided() == [{}, {}]
        clause = {
            "contextKind": "organization",
            "attribute": "licenceTier",
            "op": "in",
            "values": [large.licence_tier],
        }
        rules = {
            "on": True,
            "variations": [True, False],
            "fallthrough": {"variation": 0},
            "rules": [{"id": "large", "variation": 1, "clauses": [clause]}],
        }
        await there.order(set={"key": SEARCH.key, "version": 1, "salt": "s", **rules})
        await eventually(decided, lambda found: found == [{SEARCH.key: True}, {SEARCH.key: False}])
        wait = {"on": True, "variations": [4], "fallthrough": {"variation": 0}}
        await there.order(set={"key": UPLOAD_WAIT.key, "version": 2, "salt": "s", **wait})
        await there.order(delete=SEARCH.key, version=3)
        await eventually(decided, lambda found: found == [{UPLOAD_WAIT.key: 4.0}] * 2)
        # older than what is known: passed over
        await there.order(set={"key": SEARCH.key, "version": 2, "salt": "s", **rules})
        await there.order(hangUp=True)
        await there.heard("request")
        # decisions are kept until the stream is open again; these handlers then begin anew
        await eventually(decided, lambda found: found == [{}, {}])
    assert set(there.requests) == {f"GET /all {KEY}"}
