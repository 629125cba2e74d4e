"""Work that one of all processes does."""

from typing import Protocol


class Leadership(Protocol):
    """One leader of all processes; see ``kit.leases``."""

    async def hold(self) -> bool:
        """Return whether this process leads, for one more while."""
        ...

    async def release(self) -> None:
        """Let another lead."""
        ...
