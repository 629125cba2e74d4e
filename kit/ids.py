"""Ids and randomness, injected."""

import secrets
import time
from typing import Protocol
from uuid import UUID, uuid5

_NAMESPACE = UUID("6f1d3a54-6f1b-5b0e-9d3b-1f6f6a0f7f31")
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class Ids(Protocol):
    """Source of fresh ids and random numbers."""

    def uuid7(self) -> str:
        """Return a time-ordered UUID (RFC 9562)."""
        ...

    def token(self, length: int = 16) -> str:
        """Return ``length`` random characters of Crockford's base 32 (5 bits each)."""
        ...

    def below(self, limit: int) -> int:
        """Return a random integer in [0, limit)."""
        ...


class SystemIds:
    """Ids from the operating system's randomness."""

    def uuid7(self) -> str:
        """Return a time-ordered UUID."""
        value = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 80 | secrets.randbits(76)
        value = value & ~(0xF << 76) | 0x7 << 76
        return str(UUID(int=value & ~(0b11 << 62) | 0b10 << 62))

    def token(self, length: int = 16) -> str:
        """Return random characters."""
        return "".join(secrets.choice(_ALPHABET) for _ in range(length))

    def below(self, limit: int) -> int:
        """Return a random integer."""
        return secrets.randbelow(limit)


def stable_uuid(*parts: object) -> str:
    """Return the UUIDv5 of the parts: the same fact published twice gets the same event id."""
    return str(uuid5(_NAMESPACE, "\x1f".join(map(str, parts))))
