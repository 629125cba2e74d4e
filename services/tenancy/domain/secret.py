"""Secrets in memory and at rest."""

import hmac
from dataclasses import dataclass
from typing import Any, NoReturn


class Secret:
    """Bytes that show in no text: not in repr, str or format, and they cannot be pickled."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    @classmethod
    def of_text(cls, text: str) -> "Secret":
        """Take the UTF-8 bytes of a text."""
        return cls(text.encode())

    def reveal(self) -> bytes:
        """Return the bytes; call it where they are used, keep nothing."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(hidden)"

    __str__ = __repr__

    def __format__(self, _: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # as a dict key it would be compared byte by byte

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret does not leave the process")

    def __deepcopy__(self, _: dict[int, Any]) -> "Secret":
        return self


@dataclass(frozen=True)
class Place:
    """Where a secret belongs. It is authenticated with the secret, so a copy elsewhere is dead."""

    tenant: str
    """Tenant id, "-" for what belongs to no tenant."""
    field: str
    record: str
    version: int

    def context(self) -> bytes:
        """Return the additional authenticated data. None of the parts may hold the separator."""
        parts = (self.tenant, self.field, self.record, str(self.version))
        if any("|" in part for part in parts):
            raise ValueError("a part of a place holds the separator")
        return "|".join(parts).encode()


@dataclass(frozen=True)
class Sealed:
    """A secret under its own data key, and that key wrapped by a key provider."""

    key_id: str
    """Provider and key that wrapped the data key: ``local:<fingerprint>``."""
    wrapped: bytes
    nonce: bytes
    ciphertext: bytes
