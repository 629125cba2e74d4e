"""The keyed hash of client keys; its key is made once and sealed like every other secret."""

import contextlib
import hashlib
import hmac
import os

from kit.mongo import Database, DuplicateKey, unavailable_when_down
from services.tenancy.adapters.mongo import sealed
from services.tenancy.adapters.mongo.documents import OWN_KEYS
from services.tenancy.adapters.sealing.local_keys import Entropy
from services.tenancy.domain.secret import Place, Secret
from services.tenancy.domain.signing_keys import NO_TENANT
from services.tenancy.usecases.ports import Vault

_RECORD = "client-key-index"
_KEY_BYTES = 32


def place_of(record: str) -> Place:
    """Return what one of the service's own keys is bound to."""
    return Place(NO_TENANT, "index-key", record, 1)


_PLACE = place_of(_RECORD)


class HmacIndex:
    """HMAC-SHA256."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def hash(self, client_key: str) -> str:
        """Return the hash, hex."""
        return hmac.new(self._key.reveal(), client_key.encode(), hashlib.sha256).hexdigest()


async def client_key_index(
    database: Database, vault: Vault, entropy: Entropy = os.urandom
) -> HmacIndex:
    """Open the key, or make it when this database has none; raise ``SealBroken``."""
    keys = database[OWN_KEYS]
    with unavailable_when_down():
        row = await keys.find_one({"_id": _RECORD})
        if row is None:
            fresh = await vault.seal(Secret(entropy(_KEY_BYTES)), _PLACE)
            with contextlib.suppress(DuplicateKey):  # another process was first
                await keys.insert_one({"_id": _RECORD, "sealed": sealed.dump(fresh)})
            row = await keys.find_one({"_id": _RECORD})
    assert row is not None
    return HmacIndex(await vault.open(sealed.load(row["sealed"]), _PLACE))
