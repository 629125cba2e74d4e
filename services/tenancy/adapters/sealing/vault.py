"""Envelope encryption: AES-256-GCM under a data key of its own for every secret."""

import os
from dataclasses import replace

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.tenancy.adapters.sealing.local_keys import Entropy
from services.tenancy.domain.secret import Place, Sealed, Secret
from services.tenancy.usecases.ports import KeyProvider, SealBroken

log = structlog.get_logger(__name__)

_KEY_BYTES = 32
_NONCE_BYTES = 12


class EnvelopeVault:
    """Seals and opens; the place is authenticated twice, with the secret and with its key."""

    def __init__(self, keys: KeyProvider, entropy: Entropy = os.urandom) -> None:
        self._keys = keys
        self._entropy = entropy

    async def seal(self, secret: Secret, place: Place) -> Sealed:
        """Encrypt under a fresh data key."""
        data_key, nonce = Secret(self._entropy(_KEY_BYTES)), self._entropy(_NONCE_BYTES)
        cipher = AESGCM(data_key.reveal())
        ciphertext = cipher.encrypt(nonce, secret.reveal(), place.context())
        key_id, wrapped = await self._keys.wrap(data_key, place)
        return Sealed(key_id, wrapped, nonce, ciphertext)

    async def open(self, sealed: Sealed, place: Place) -> Secret:
        """Decrypt; raise ``SealBroken`` when anything about it was changed."""
        try:
            data_key = await self._keys.unwrap(sealed.key_id, sealed.wrapped, place)
            return _decrypted(sealed, data_key, place)
        except SealBroken as error:
            # whoever asked gets a 503 that says nothing: this is for the operator
            log.error(  # noqa: TRY400  reason and place are all there is to say
                "a stored secret does not open",
                tenant=place.tenant,
                field=place.field,
                reason=error.reason,
            )
            raise

    async def rewrap(self, sealed: Sealed, place: Place) -> Sealed:
        """Wrap the data key anew. Nothing is wrapped that does not open."""
        data_key = await self._keys.unwrap(sealed.key_id, sealed.wrapped, place)
        _decrypted(sealed, data_key, place)
        key_id, wrapped = await self._keys.wrap(data_key, place)
        return replace(sealed, key_id=key_id, wrapped=wrapped)


def _decrypted(sealed: Sealed, data_key: Secret, place: Place) -> Secret:
    try:
        cipher = AESGCM(data_key.reveal())
        return Secret(cipher.decrypt(sealed.nonce, sealed.ciphertext, place.context()))
    except (InvalidTag, ValueError):  # ValueError: a key or nonce of a wrong length
        raise SealBroken("the secret was changed or belongs elsewhere") from None
