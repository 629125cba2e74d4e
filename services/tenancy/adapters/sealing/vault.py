"""Envelope encryption: AES-256-GCM under a data key of its own for every secret."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.tenancy.adapters.sealing.local_keys import Entropy
from services.tenancy.domain.secret import Place, Sealed, Secret
from services.tenancy.usecases.ports import KeyProvider, SealBroken

_KEY_BYTES = 32
_NONCE_BYTES = 12


class EnvelopeVault:
    """Seals and opens; the place is authenticated twice, with the secret and with its key."""

    def __init__(self, keys: KeyProvider, entropy: Entropy = os.urandom) -> None:
        self._keys = keys
        self._entropy = entropy

    async def seal(self, secret: Secret, place: Place) -> Sealed:
        """Encrypt under a fresh data key."""
        context = place.context()
        data_key, nonce = Secret(self._entropy(_KEY_BYTES)), self._entropy(_NONCE_BYTES)
        ciphertext = AESGCM(data_key.reveal()).encrypt(nonce, secret.reveal(), context)
        key_id, wrapped = await self._keys.wrap(data_key, context)
        return Sealed(key_id, wrapped, nonce, ciphertext)

    async def open(self, sealed: Sealed, place: Place) -> Secret:
        """Decrypt; raise ``SealBroken`` when anything about it was changed."""
        context = place.context()
        data_key = await self._keys.unwrap(sealed.key_id, sealed.wrapped, context)
        try:
            cipher = AESGCM(data_key.reveal())
            return Secret(cipher.decrypt(sealed.nonce, sealed.ciphertext, context))
        except InvalidTag:
            raise SealBroken("the secret was changed or belongs elsewhere") from None
