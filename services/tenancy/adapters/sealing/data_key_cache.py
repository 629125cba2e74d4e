"""Opened data keys of a remote provider, for a minute at most."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from services.tenancy.domain.secret import Place, Secret
from services.tenancy.usecases.ports import KeyProvider

_MOST = 1000
_SECONDS = 60.0


class DataKeyCache:
    """Implements ``KeyProvider`` in front of another.

    Every webhook, every call to Jira and every minted token opens a secret. Without this each would
    wait for KMS, count against its quota (shared by the whole account) and be billed; and a hiccup
    of KMS would refuse Jira's calls at once. The price: up to ``_MOST`` data keys stand in memory,
    where the opened secrets pass anyway, and a key that is disabled in KMS works here for a minute.
    The place is part of what is looked up, so a cached key opens nothing elsewhere.
    """

    def __init__(
        self,
        keys: KeyProvider,
        most: int = _MOST,
        seconds: float = _SECONDS,
        now: Callable[[], float] | None = None,
    ) -> None:
        self._keys = keys
        self._most = most
        self._seconds = seconds
        self._now = now
        self._opened: OrderedDict[tuple[str, bytes, Place], tuple[float, Secret]] = OrderedDict()

    @property
    def key_id(self) -> str:
        """Return the id of the key behind."""
        return self._keys.key_id

    async def wrap(self, data_key: Secret, place: Place) -> tuple[str, bytes]:
        """Wrap; nothing is remembered."""
        return await self._keys.wrap(data_key, place)

    async def unwrap(self, key_id: str, wrapped: bytes, place: Place) -> Secret:
        """Return what was opened within the last minute, else ask."""
        now = self._now() if self._now is not None else asyncio.get_running_loop().time()
        self._forget(now)
        sought = (key_id, wrapped, place)
        cached = self._opened.get(sought)
        if cached is not None and now - cached[0] < self._seconds:
            return cached[1]
        found = await self._keys.unwrap(key_id, wrapped, place)
        self._opened[sought] = (now, found)  # counts from the question, not from the answer
        self._opened.move_to_end(sought)
        while len(self._opened) > self._most:
            self._opened.popitem(last=False)
        return found

    def _forget(self, now: float) -> None:
        while self._opened:
            oldest = next(iter(self._opened))
            if now - self._opened[oldest][0] < self._seconds:
                return
            del self._opened[oldest]
