"""The install-signing keys and the two servers that publish them (facts.md 2.3)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from devstack.jira.model import SigningKey

KeyServer = Literal["primary", "backup"]
KeyServerFault = Literal["none", "down", "slow", "html", "redirect", "huge", "wrong_key", "404"]

KEY_BITS = 2048


@dataclass(slots=True)
class KeyServerState:
    fault: KeyServerFault = "none"
    seconds: float = 5.0


def new_private_key() -> RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)


def public_pem(key: RSAPrivateKey) -> str:
    """SubjectPublicKeyInfo, the form in which the servers answer."""
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@dataclass(slots=True)
class KeyRing:
    """Keys by kid over the saved list; the last one signs.

    With `first_kid` the first key is made when one is needed.
    """

    saved: list[SigningKey]
    first_kid: Callable[[], str] | None = None
    servers: dict[KeyServer, KeyServerState] = field(
        default_factory=lambda: {"primary": KeyServerState(), "backup": KeyServerState()}
    )
    _loaded: dict[str, RSAPrivateKey] = field(default_factory=dict)
    _stranger: RSAPrivateKey | None = None

    def rotate(self, kid: str) -> SigningKey:
        """Make a new key the signing one; earlier ones stay published."""
        key = new_private_key()
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
        saved = SigningKey(kid=kid, private_pem=pem)
        self.saved.append(saved)
        self._loaded[kid] = key
        return saved

    def withdraw(self, kid: str) -> bool:
        """The servers answer 404 for it from now on; the host may still sign with it."""
        found = [key for key in self.saved if key.kid == kid]
        for key in found:
            key.withdrawn = True
        return bool(found)

    @property
    def signing(self) -> tuple[str, RSAPrivateKey]:
        self._begin()
        newest = self.saved[-1]
        return newest.kid, self._private(newest)

    def published(self, kid: str) -> str | None:
        """PEM of the public key, None for an unknown or withdrawn kid."""
        for key in self.saved:
            if key.kid == kid and not key.withdrawn:
                return public_pem(self._private(key))
        return None

    def all_published(self) -> list[tuple[str, RSAPrivateKey]]:
        """Every kid that is not withdrawn, with its key."""
        self._begin()
        return [(key.kid, self._private(key)) for key in self.saved if not key.withdrawn]

    @property
    def stranger(self) -> RSAPrivateKey:
        """A key that no server publishes: an attacker's."""
        if self._stranger is None:
            self._stranger = new_private_key()
        return self._stranger

    def _begin(self) -> None:
        if not self.saved and self.first_kid is not None:
            self.rotate(self.first_kid())

    def _private(self, key: SigningKey) -> RSAPrivateKey:
        if key.kid not in self._loaded:
            loaded = serialization.load_pem_private_key(
                key.private_pem.encode(), None, unsafe_skip_rsa_key_validation=True
            )
            if not isinstance(loaded, RSAPrivateKey):
                raise TypeError(f"saved key {key.kid} is not an RSA key")
            self._loaded[key.kid] = loaded
        return self._loaded[key.kid]
