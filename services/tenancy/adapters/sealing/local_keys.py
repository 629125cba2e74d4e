"""The key provider of a single host: one master key in a file."""

import base64
import binascii
import hashlib
import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.tenancy.domain.secret import Place, Secret
from services.tenancy.usecases.ports import SealBroken

KEY_BYTES = 32
_NONCE_BYTES = 12
Entropy = Callable[[int], bytes]


def master_key(text: str) -> Secret:
    """Decode the content of a key file; raise ``ValueError`` unless it is 32 bytes in base64."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"the file must hold {KEY_BYTES} bytes in base64")
    return Secret(key)


class LocalKeys:
    """Wraps data keys with AES-256-GCM under the master key."""

    def __init__(self, master: Secret, entropy: Entropy = os.urandom) -> None:
        self._cipher = AESGCM(master.reveal())
        self._entropy = entropy
        digest = hashlib.sha256(b"ostro master key\0" + master.reveal()).hexdigest()
        self._key_id = f"local:{digest[:16]}"

    @property
    def key_id(self) -> str:
        """Return ``local:<fingerprint>``."""
        return self._key_id

    async def wrap(self, data_key: Secret, place: Place) -> tuple[str, bytes]:
        """Return the key id and nonce + ciphertext."""
        nonce = self._entropy(_NONCE_BYTES)
        ciphertext = self._cipher.encrypt(nonce, data_key.reveal(), place.context())
        return self._key_id, nonce + ciphertext

    async def unwrap(self, key_id: str, wrapped: bytes, place: Place) -> Secret:
        """Return the data key."""
        if key_id != self._key_id:
            raise SealBroken("sealed with another master key")
        try:
            nonce, ciphertext = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
            return Secret(self._cipher.decrypt(nonce, ciphertext, place.context()))
        except (InvalidTag, ValueError):  # ValueError: the nonce itself is cut
            raise SealBroken("the data key was changed or belongs elsewhere") from None
