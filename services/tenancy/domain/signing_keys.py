"""Keys that sign API tokens (ES256): when each is published, used, replaced and forgotten."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.tenancy import SigningKeyState
from services.tenancy.domain.secret import Place, Sealed
from services.tenancy.domain.tokens import MAX_LIFE

NO_TENANT = "-"
"""The tenant id that stands for none, in envelopes and places."""
PUBLISHED_BEFORE_USE = timedelta(minutes=5)
VERIFIES_AFTER_REPLACEMENT = MAX_LIFE + timedelta(days=1)
"""A token signed in the last moment lives this long; the day covers clocks and leeway."""


@dataclass(frozen=True)
class SigningKey:
    """One key pair. ``private`` is None once a successor signs."""

    kid: str
    generation: int
    """1 for the first; a successor counts on, so that two rotations at once make one key."""
    public_pem: str
    private: Sealed | None
    not_before: datetime
    """Signs from then on, until a successor does."""
    retired_at: datetime | None = None
    rev: int = 0

    @property
    def place(self) -> Place:
        """Return what the private half is bound to."""
        return self.place_of(self.kid)

    @staticmethod
    def place_of(kid: str) -> Place:
        """Return what the private half of a key is bound to."""
        return Place(NO_TENANT, "signing-key", kid, 1)

    def state(self) -> SigningKeyState:
        """Return the public half."""
        return SigningKeyState(
            kid=self.kid,
            public_pem=self.public_pem,
            not_before=self.not_before,
            retired_at=self.retired_at,
        )


def signer(keys: Iterable[SigningKey], now: datetime) -> SigningKey | None:
    """Return the key that signs now: the newest one in use whose private half we have."""
    usable = [k for k in keys if k.not_before <= now and k.private is not None]
    return max(usable, key=lambda k: k.generation, default=None)
