"""A processor that cannot be asked: nobody gave it a credential for deletions."""

from collections.abc import Sequence

from services.telemetry.domain.erasure import State
from services.telemetry.usecases.erasing import Asked


class NotConfigured:
    """Implements ``usecases.erasing.Deleting``."""

    def __init__(self, setting: str) -> None:
        self._said = Asked(State.NOT_SUPPORTED, reason=f"not configured: {setting}")

    async def request(self, pseudonyms: Sequence[str]) -> Asked:  # noqa: ARG002  nobody gets them
        """Say so."""
        return self._said

    async def status(self, reference: str) -> Asked:  # noqa: ARG002  as above
        """Say so, also of what was asked before the credential went."""
        return self._said
