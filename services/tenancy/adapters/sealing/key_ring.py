"""Several wrapping keys: one wraps, all of them unwrap what is theirs."""

from collections.abc import Awaitable, Callable, Sequence

from services.tenancy.domain.secret import Place, Secret
from services.tenancy.usecases.ports import KeyProvider, SealBroken

Close = Callable[[], Awaitable[None]]


class KeyRing:
    """Implements ``KeyProvider``.

    A stored key id only chooses among the keys that the settings name: whoever can write to the
    database cannot have a secret opened with a key of their own.
    """

    def __init__(
        self,
        current: KeyProvider,
        others: Sequence[KeyProvider] = (),
        closers: Sequence[Close] = (),
    ) -> None:
        self._current = current
        self._by_id = {keys.key_id: keys for keys in (*others, current)}
        self._closers = closers

    @property
    def key_id(self) -> str:
        """Return the id of the key that wraps."""
        return self._current.key_id

    @property
    def key_ids(self) -> frozenset[str]:
        """Return the ids of all keys that unwrap."""
        return frozenset(self._by_id)

    async def wrap(self, data_key: Secret, place: Place) -> tuple[str, bytes]:
        """Wrap with the current key."""
        return await self._current.wrap(data_key, place)

    async def unwrap(self, key_id: str, wrapped: bytes, place: Place) -> Secret:
        """Unwrap with the key that wrapped it; raise ``SealBroken`` when it is not configured."""
        keys = self._by_id.get(key_id)
        if keys is None:
            raise SealBroken("sealed with a key that is not configured")
        return await keys.unwrap(key_id, wrapped, place)

    async def close(self) -> None:
        """Close what the keys hold open."""
        for close in self._closers:
            await close()
