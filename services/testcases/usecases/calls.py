"""Call-to-test steps: no case leads back to itself, and what a case comes to with all its calls."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol

from contracts.ids import project_of
from kit.errors import InvalidInput
from services.testcases.domain.calls import MAX_DEPTH, Expansion
from services.testcases.domain.scripts import Script, calls_of, size_of

MOST_CALLED = 1_000
"""Cases that one case may lead to."""
MAX_EXPANDED_BYTES = 4 * 1024 * 1024
_BATCH = 20
"""Scripts read at once: each may be as large as scripts get."""

CallsOf = Callable[[Collection[int]], Awaitable[Mapping[int, Collection[int]]]]
"""Returns the cases that visible cases call, by case."""


class CalledScripts(Protocol):
    """Reads scripts of called cases."""

    async def scripts(self, tenant: str, cases: Collection[int]) -> Mapping[int, Script]:
        """Return the scripts of those cases that are visible."""
        ...


async def check_calls(case: int, called: Collection[int], calls_of: CallsOf) -> None:
    """Raise ``InvalidInput`` when a case that shall call others would lead back to itself.

    Also when it would lead to more or deeper than anybody runs.
    """
    seen, level = set(called), list(called)
    for _ in range(MAX_DEPTH):
        if case in seen:
            raise InvalidInput("A test case must not call itself, nor a test case that calls it.")
        if not level:
            return
        below = await calls_of(level)
        level = list({found for cases in below.values() for found in cases} - seen)
        seen.update(level)
        if len(seen) > MOST_CALLED:
            raise InvalidInput(f"A test case must not call more than {MOST_CALLED} others.")
    if level:
        raise InvalidInput(f"Calls of test cases must not be nested deeper than {MAX_DEPTH}.")


class Calls:
    """Expands calls. ``may_see`` says of a project whether its cases may be read."""

    def __init__(self, store: CalledScripts) -> None:
        self._store = store

    async def expanded(
        self,
        tenant: str,
        case: int,
        script: Script,
        may_see: Callable[[int], Awaitable[bool]],
    ) -> Expansion:
        """Return the steps of a script with its calls replaced by what they lead to.

        Raises ``InvalidInput`` when that is too much.
        """
        scripts: dict[int, Script] = {case: script}
        size, level = size_of(script), set(calls_of(script))
        for _ in range(MAX_DEPTH):
            wanted = [c for c in sorted(level - scripts.keys()) if await may_see(project_of(c))]
            if not wanted:
                return Expansion.of(case, scripts, MAX_EXPANDED_BYTES)
            level = set()
            for some in _batches(wanted):
                found = await self._store.scripts(tenant, some)
                scripts |= found
                size += sum(map(size_of, found.values()))
                if size > MAX_EXPANDED_BYTES or len(scripts) > MOST_CALLED:
                    raise InvalidInput("The test cases that the test case calls are too large.")
                level.update(c for called in found.values() for c in calls_of(called))
        raise InvalidInput(f"Calls of the test case go deeper than {MAX_DEPTH}.")


def _batches(cases: Sequence[int]) -> Sequence[Sequence[int]]:
    return [cases[i : i + _BATCH] for i in range(0, len(cases), _BATCH)]
