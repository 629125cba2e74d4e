"""Keys of pseudonyms: random, one per tenant and epoch, sealed, insert-if-absent.

Whoever comes second uses what the first one stored, so all processes agree. Reads ask for
majority: a key that a failover takes back again must not have been used.
"""

from collections import OrderedDict

import structlog
from pymongo.read_concern import ReadConcern

from kit.clock import Clock
from kit.errors import Unavailable
from kit.mongo import Database, DuplicateKey
from services.telemetry.adapters.mongo.documents import PSEUDONYM_KEYS, PseudonymKeyDocument
from services.telemetry.adapters.sealing import RandomBytes, Sealer, WrongWrappingKey
from services.telemetry.domain.pseudonyms import KEY_BYTES

log = structlog.get_logger(__name__)

_CACHED = 10_000


class MongoPseudonymKeys:
    """Implements ``usecases.anonymizing.Keys``."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        random_bytes: RandomBytes,
        clock: Clock,
        cached: int = _CACHED,
    ) -> None:
        self._rows = database[PSEUDONYM_KEYS].with_options(read_concern=ReadConcern("majority"))
        self._sealer = sealer
        self._random_bytes = random_bytes
        self._clock = clock
        self._cached = cached
        self._keys: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    async def key(self, tenant: str, epoch: str) -> bytes:
        """Return the key; make it when there is none."""
        found = self._keys.get((tenant, epoch))
        if found is None:
            found = await self._stored(tenant, epoch) or await self._made(tenant, epoch)
            self._keys[tenant, epoch] = found
            while len(self._keys) > self._cached:
                self._keys.popitem(last=False)
        else:
            self._keys.move_to_end((tenant, epoch))
        return found

    async def check(self) -> None:
        """Open one of the newest keys: a wrong wrapping key should show at start."""
        row = await self._rows.find_one({}, sort=[("$natural", -1)])
        if row is not None:
            self._open(row["sealed"], row["tenant"], row["epoch"])

    async def _stored(self, tenant: str, epoch: str) -> bytes | None:
        row = await self._rows.find_one({"_id": _id(tenant, epoch), "tenant": tenant})
        return None if row is None else self._open(row["sealed"], tenant, epoch)

    async def _made(self, tenant: str, epoch: str) -> bytes:
        key = self._random_bytes(KEY_BYTES)
        row = PseudonymKeyDocument(
            _id=_id(tenant, epoch),
            tenant=tenant,
            epoch=epoch,
            sealed=self._sealer.seal(key, tenant, epoch),
            created_at=self._clock.now(),
        )
        try:
            await self._rows.insert_one({**row})
        except DuplicateKey:
            stored = await self._stored(tenant, epoch)
            if stored is None:
                # the other's insert is not with the majority yet
                raise Unavailable("A pseudonym key is being made; try again.") from None
            return stored
        return key

    def _open(self, sealed: bytes, tenant: str, epoch: str) -> bytes:
        try:
            return self._sealer.open(sealed, tenant, epoch)
        except WrongWrappingKey:
            # the events are good, our configuration is not: nothing may be dropped for it
            log.error("a pseudonym key does not open", epoch=epoch)  # noqa: TRY400  no trace needed
            raise Unavailable(
                "OSTRO_PSEUDONYM_KEY_FILE: the stored pseudonym keys were sealed with another key"
            ) from None


def _id(tenant: str, epoch: str) -> str:
    return f"{tenant}/{epoch}"
