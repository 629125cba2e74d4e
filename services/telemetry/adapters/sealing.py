"""Seals the keys of pseudonyms: AES-256-GCM under the key in OSTRO_PSEUDONYM_KEY_FILE."""

import base64
import binascii
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kit.settings import read_secret

RandomBytes = Callable[[int], bytes]

WRAPPING_KEY_BYTES = 32
_NONCE_BYTES = 12


class WrongWrappingKey(Exception):
    """A sealed key was sealed with another wrapping key, or for another tenant or epoch."""


def read_wrapping_key(path: Path) -> bytes:
    """Read 32 bytes in base64; raise ``ValueError`` for anything else."""
    try:
        key = base64.b64decode(read_secret(path), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != WRAPPING_KEY_BYTES:
        raise ValueError(f"{path} must hold {WRAPPING_KEY_BYTES} bytes in base64")
    return key


class Sealer:
    """Seals and opens. Tenant and epoch are authenticated: a moved row does not open."""

    def __init__(self, wrapping_key: bytes, random_bytes: RandomBytes) -> None:
        self._aead = AESGCM(wrapping_key)
        self._random_bytes = random_bytes

    def seal(self, key: bytes, tenant: str, epoch: str) -> bytes:
        """Return nonce and ciphertext."""
        nonce = self._random_bytes(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, key, _bound_to(tenant, epoch))

    def open(self, sealed: bytes, tenant: str, epoch: str) -> bytes:
        """Return the key; raise ``WrongWrappingKey``."""
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._aead.decrypt(nonce, text, _bound_to(tenant, epoch))
        except InvalidTag:
            raise WrongWrappingKey from None


def _bound_to(tenant: str, epoch: str) -> bytes:
    return f"{tenant}|{epoch}".encode()
