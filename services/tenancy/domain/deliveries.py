"""The order of what Jira tells us: calls come more than once, late, and in any order."""

from dataclasses import dataclass
from datetime import datetime, timedelta

SAME_MOMENT = timedelta(seconds=5)
_SEEN_CALLS = 32


@dataclass(frozen=True)
class Delivery:
    """One lifecycle call whose token was verified. Digests are of its token and of its body."""

    issued_at: int
    """``iat`` of its token, in seconds."""
    token: str
    body: str

    @property
    def mark(self) -> str:
        """Return what tells this call from others."""
        return f"{self.token}.{self.body}"


@dataclass(frozen=True)
class Stamp:
    """The newest call that something was learnt from: the newest token wins, not the last to come.

    Source: facts.md 2.3, rule 8.
    """

    iat: int = 0
    seen: tuple[str, ...] = ()
    """Marks of the calls with this ``iat`` that were acted on."""

    def outdates(self, delivery: Delivery, now: datetime) -> bool:
        """Whether something newer was acted on, or this very call was.

        Jira's tokens of one second are alike, so a used token may come again with another body
        (two installs in a row), but in the same moment only: later it is a replay.
        """
        if delivery.issued_at != self.iat:
            return delivery.issued_at < self.iat
        if delivery.mark in self.seen:
            return True
        late = now.timestamp() > delivery.issued_at + SAME_MOMENT.total_seconds()
        return late and any(mark.startswith(f"{delivery.token}.") for mark in self.seen)

    def after(self, delivery: Delivery) -> "Stamp":
        """Remember that a call was acted on."""
        seen = self.seen if delivery.issued_at == self.iat else ()
        return Stamp(delivery.issued_at, (*seen, delivery.mark)[-_SEEN_CALLS:])


NOTHING = Stamp()
"""Nothing was heard yet."""
