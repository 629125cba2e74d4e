"""The end of an upload: its provisional cases become visible, or go.

The verdict is written down before anything else, so that a request for cases that is still on
its way finds it (``ended_meanwhile``); the first verdict stands, and repeats do no harm.
"""

from typing import Protocol


class UploadStore(Protocol):
    """Where verdicts are kept, and what they do to provisional cases."""

    async def decide(self, tenant: str, project: int, upload: str, *, accepted: bool) -> bool:
        """Write the verdict down unless there is one; return the one that stands."""
        ...

    async def verdict(self, tenant: str, upload: str) -> bool | None:
        """Return whether the upload was accepted; None while it goes on."""
        ...

    async def accept(self, tenant: str, upload: str) -> None:
        """Make the upload's cases visible, each with its state event in the same write."""
        ...

    async def discard(self, tenant: str, upload: str) -> None:
        """Let go of the upload's cases and delete those that no other upload holds."""
        ...


class Uploads:
    """Ends uploads."""

    def __init__(self, store: UploadStore) -> None:
        self._store = store

    async def end(self, tenant: str, project: int, upload: str, *, accepted: bool) -> None:
        """Apply an upload's end; idempotent."""
        stands = await self._store.decide(tenant, project, upload, accepted=accepted)
        await self._apply(tenant, upload, accepted=stands)

    async def ended_meanwhile(self, tenant: str, upload: str) -> bool | None:
        """Apply an end that came before the caller's writes; None when there was none."""
        verdict = await self._store.verdict(tenant, upload)
        if verdict is not None:
            await self._apply(tenant, upload, accepted=verdict)
        return verdict

    async def _apply(self, tenant: str, upload: str, *, accepted: bool) -> None:
        if accepted:
            await self._store.accept(tenant, upload)
        else:
            await self._store.discard(tenant, upload)
