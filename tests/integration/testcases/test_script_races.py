"""Two processes that write scripts at once; what one process does in turn is not enough here."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from kit.clock import SystemClock
from kit.errors import InvalidInput
from kit.ids import SystemIds
from kit.mongo import Database
from services.testcases.adapters.mongo.pending import Pending
from services.testcases.adapters.mongo.scripts import ScriptRepository
from services.testcases.domain.scripts import CallStep, InlineStep, Script, Step, StepsScript
from services.testcases.usecases.calls import CallsOf, check_calls
from tests.integration.testcases.scripting import case, texts
from tests.integration.testcases.site import Site

_OVERLAP_SECONDS = 0.5
"""How long the first writer waits for the second to be as far: where turns are taken, in vain."""
Decide = Callable[[Script, CallsOf], Awaitable[Script]]


def process(database: Database) -> ScriptRepository:
    """Build a repository that shares nothing but the database with others."""
    return ScriptRepository(database, Pending(SystemClock(), SystemIds()))


async def overlapping(
    database: Database, site: Site, decide: Callable[[int], Decide], *, calls: bool, same: bool
) -> list[bool | BaseException]:
    """Let two processes decide at once where they can: on one case, or on the first two."""
    first, second = asyncio.Event(), asyncio.Event()

    def meeting(number: int, mine: asyncio.Event, other: asyncio.Event) -> Decide:
        async def met(script: Script, calls_of: CallsOf) -> Script:
            made = await decide(number)(script, calls_of)
            mine.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(other.wait(), _OVERLAP_SECONDS)
            return made

        return met

    async def later() -> bool:
        await first.wait()
        return await process(database).change(
            site.tenant, site.id(1 if same else 2), meeting(2, second, first), calls=calls
        )

    ends = await asyncio.gather(
        process(database).change(site.tenant, site.id(1), meeting(1, first, second), calls=calls),
        later(),
        return_exceptions=True,
    )
    return list(ends)


async def test_a_circle_of_calls_is_not_made_by_two_processes(site: Site, stored: Database) -> None:
    for name in ("one", "two"):
        await case(site, name)

    def calling(number: int) -> Decide:
        this, other = (1, 2) if number == 1 else (2, 1)

        async def decide(_: Script, calls_of: CallsOf) -> Script:
            await check_calls(site.id(this), [site.id(other)], calls_of)
            return StepsScript((Step(site.id(100 + this), CallStep(site.id(other), "K")),))

        return decide

    ends = await overlapping(stored, site, calling, calls=True, same=False)
    # either may be told to decide again
    refused = [end for end in ends if isinstance(end, InvalidInput)]
    assert len(refused) == 1
    assert [end for end in ends if end not in refused] == [True]


@pytest.mark.parametrize("calls", [False, True])
async def test_no_append_of_two_processes_is_lost(
    site: Site, stored: Database, *, calls: bool
) -> None:
    key = await case(site)

    def appending(number: int) -> Decide:
        async def decide(old: Script, _: CallsOf) -> Script:
            assert isinstance(old, StepsScript)
            return StepsScript((*old.steps, Step(site.id(100 + number), InlineStep(f"n{number}"))))

        return decide

    assert await overlapping(stored, site, appending, calls=calls, same=True) == [True, True]
    assert sorted((await texts(site, key))[1:], key=str) == ["n1", "n2"]
