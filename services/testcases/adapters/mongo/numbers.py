"""Numbers from counters; the tenant is first in a counter's id."""

from kit.counters import Counters
from services.testcases.usecases.numbering import Numbered


class CounterNumbers:
    """Implements ``Numbers``."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    async def reserve(self, tenant: str, project: int, kind: Numbered, count: int = 1) -> int:
        """Return the first of ``count`` fresh consecutive numbers."""
        return await self._counters.reserve(f"{tenant}/{project}/{kind}", count)

    async def at_least(self, tenant: str, project: int, kind: Numbered, number: int) -> None:
        """Make sure that numbers up to ``number`` are never handed out."""
        await self._counters.at_least(f"{tenant}/{project}/{kind}", number)
