"""Reading the audit trail: who did what when, by ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class AuditEntry:
    """One row. ``subject`` is the id of what was changed, ``actor`` a kind of actor."""

    id: str
    at: datetime
    action: str
    subject: str
    actor: str
    account_id: str | None
    token_id: str | None


class AuditTrail(Protocol):
    """The rows of one tenant, newest first. Raises ``Unavailable``."""

    async def count(self, tenant: str, since: datetime | None) -> int:
        """Return how many there are, at or after a moment if one is given."""
        ...

    async def page(
        self, tenant: str, since: datetime | None, start: int, limit: int
    ) -> Sequence[AuditEntry]:
        """Return up to ``limit`` of them, after the first ``start``."""
        ...
