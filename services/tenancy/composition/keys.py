"""Which keys wrap secrets and which unwrap them, by the settings."""

from collections.abc import Awaitable, Callable

from kit.errors import Unavailable
from kit.mongo import Database
from services.tenancy.adapters.mongo.client_key_index import HmacIndex, client_key_index
from services.tenancy.adapters.sealing.data_key_cache import DataKeyCache
from services.tenancy.adapters.sealing.key_ring import KeyRing
from services.tenancy.adapters.sealing.local_keys import LocalKeys
from services.tenancy.adapters.sealing.vault import EnvelopeVault
from services.tenancy.key_settings import KeyOptions, KeyProviderName
from services.tenancy.usecases.ports import KeyProvider, SealBroken


def key_ring(settings: KeyOptions) -> KeyRing:
    """Build the providers; boto3 is loaded only where a KMS key is named."""
    local: list[KeyProvider] = [LocalKeys(key) for key in settings.master_keys]
    kms, closers = _kms(settings) if settings.kms_keys else ([], [])
    if settings.key_provider is KeyProviderName.KMS:
        return KeyRing(kms[0], (*kms[1:], *local), closers)
    return KeyRing(local[0], (*local[1:], *kms), closers)


async def open_index(database: Database, ring: KeyRing) -> HmacIndex:
    """Open the key of the index of client keys.

    Every start does it, so a wrong key is noticed before anything is sealed with it.
    """
    try:
        return await client_key_index(database, EnvelopeVault(ring))
    except SealBroken:
        raise Unavailable(
            "OSTRO_MASTER_KEY_FILE does not hold the key that this database was sealed with, "
            "and neither does any other configured key (OSTRO_PREVIOUS_MASTER_KEY_FILES, "
            "OSTRO_KMS_KEY_ID, OSTRO_PREVIOUS_KMS_KEY_IDS)."
        ) from None


def _kms(
    settings: KeyOptions,
) -> tuple[list[KeyProvider], list[Callable[[], Awaitable[None]]]]:
    try:
        from services.tenancy.adapters.sealing.kms import (  # noqa: PLC0415  loads boto3
            KmsKeys,
        )
    except ImportError as error:
        raise SystemExit(
            f"OSTRO_KMS_KEY_ID needs the Python package {error.name}: install the extra kms"
        ) from None
    endpoint = None if settings.kms_endpoint is None else str(settings.kms_endpoint)
    keys = [KmsKeys(arn, endpoint) for arn in settings.kms_keys]
    return [DataKeyCache(one) for one in keys], [one.close for one in keys]
