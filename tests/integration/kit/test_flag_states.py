"""Every process keeps the states of flags, from the beginning of the topic on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from contracts.flags import EVERYBODY, SEARCH, UPLOAD_WAIT
from contracts.topics import FLAG_STATE
from kit.flags import Flags
from kit.kafka.flag_states import FlagReader
from tests.harness.flags import flag_state
from tests.integration.kit.conftest import Namespace

TOPICS = (FLAG_STATE,)


@contextlib.asynccontextmanager
async def reading(kafka: Namespace) -> AsyncIterator[Flags]:
    """Yield what a process knows, once it knows something."""
    flags = Flags()
    task = asyncio.create_task(FlagReader(kafka.settings, kafka.names, flags).run())
    try:
        async with asyncio.timeout(20):
            await flags.known()
        yield flags
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_process_knows_what_was_published_before_and_what_comes(kafka: Namespace) -> None:
    names, send = kafka.names, kafka.publisher.send
    await send([flag_state(names, {SEARCH.key: False, UPLOAD_WAIT.key: 60.5})])
    await send([flag_state(names, {}, "own"), flag_state(names, {SEARCH.key: False}, "gone")])
    await send([flag_state(names, None, "gone")])
    # nobody can read these: what was known before holds
    await kafka.send(FLAG_STATE, (EVERYBODY, b"{}"), (EVERYBODY, b"\xff"), ("own", b""))
    async with reading(kafka) as flags, reading(kafka) as others, asyncio.timeout(20):
        assert flags.states == others.states == {EVERYBODY: {SEARCH.key: False}, "own": {}}
        assert not flags.value("somebody", SEARCH)
        assert flags.value("own", SEARCH)
        await send([flag_state(names, {UPLOAD_WAIT.key: 0}, "own")])
        for each in (flags, others):
            await each.until(lambda states: bool(states["own"]))
            assert each.value("own", UPLOAD_WAIT, 20.0) == 0.0
