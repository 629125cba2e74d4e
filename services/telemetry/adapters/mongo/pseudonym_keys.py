"""Keys of pseudonyms: random, one per tenant and epoch, sealed, insert-if-absent.

Whoever comes second uses what the first one stored, so all processes agree. Reads ask for
majority: a key that a failover takes back again must not have been used. A destroyed key leaves a
tombstone in its place, so nobody makes a new one for its epoch.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import structlog
from pymongo.read_concern import ReadConcern

from kit.clock import Clock
from kit.errors import Unavailable
from kit.mongo import Database, DuplicateKey
from services.telemetry.adapters.mongo.documents import PSEUDONYM_KEYS, PseudonymKeyDocument
from services.telemetry.adapters.sealing import RandomBytes, Sealer, WrongWrappingKey
from services.telemetry.domain.pseudonyms import KEY_BYTES, Domain, Period, epoch_of, pseudonym
from services.telemetry.usecases.keys import TenantEpoch

log = structlog.get_logger(__name__)

_CACHED = 10_000
FRESH_SECONDS = 1.0
"""How long a key is used before it is asked for again: a destroyed one lives on no longer."""


class MongoPseudonymKeys:
    """Implements ``usecases.keys.Keys`` and ``usecases.keys.KeyRing``."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        random_bytes: RandomBytes,
        clock: Clock,
        period: Period = Period.MONTH,
        *,
        cached: int = _CACHED,
    ) -> None:
        self._rows = database[PSEUDONYM_KEYS].with_options(read_concern=ReadConcern("majority"))
        self._sealer = sealer
        self._random_bytes = random_bytes
        self._clock = clock
        self._period = period
        self._cached = cached
        self._keys: OrderedDict[TenantEpoch, tuple[float, bytes]] = OrderedDict()

    def epoch(self, moment: datetime) -> str:
        """Return the epoch of a moment."""
        return epoch_of(moment, self._period)

    async def key(self, tenant: str, epoch: str) -> bytes | None:
        """Return one key; see ``keys``."""
        wanted = tenant, epoch
        return (await self.keys([wanted])).get(wanted)

    async def keys(self, wanted: Collection[TenantEpoch]) -> Mapping[TenantEpoch, bytes]:
        """Return the keys, made where there is none; a destroyed one is missing."""
        now = asyncio.get_running_loop().time()
        found: dict[TenantEpoch, bytes] = {}
        old: list[TenantEpoch] = []
        for pair in wanted:
            checked, key = self._keys.get(pair, (now - 2 * FRESH_SECONDS, b""))
            if now - checked < FRESH_SECONDS:
                found[pair] = key
            else:
                old.append(pair)
        if old:
            read = await self._stored(old)
            for pair in old:
                key_or_none = read[pair] if pair in read else await self._made(*pair)
                self._remember(pair, key_or_none, now)
                if key_or_none is not None:
                    found[pair] = key_or_none
        return found

    async def epochs(self, tenant: str) -> Sequence[str]:
        """Return the epochs whose keys exist, in the order of their names."""
        rows = self._rows.find({"tenant": tenant, "sealed": {"$exists": True}}, {"epoch": 1})
        return sorted([row["epoch"] async for row in rows])

    async def pseudonym_of(
        self, tenant: str, epoch: str, value: str, domain: Domain = Domain.USER
    ) -> str | None:
        """Return the pseudonym of an account, None when the epoch has no key; makes no key."""
        key = (await self._stored([(tenant, epoch)])).get((tenant, epoch))
        return None if key is None else pseudonym(key, domain, value)

    async def check(self) -> None:
        """Open one of the newest keys: a wrong wrapping key should show at start."""
        row = await self._rows.find_one({"sealed": {"$exists": True}}, sort=[("$natural", -1)])
        if row is not None:
            self._open(row["sealed"], row["tenant"], row["epoch"])

    def _remember(self, pair: TenantEpoch, key: bytes | None, now: float) -> None:
        self._keys.pop(pair, None)
        if key is not None:
            self._keys[pair] = now, key
        while len(self._keys) > self._cached:
            self._keys.popitem(last=False)

    async def _stored(self, pairs: Collection[TenantEpoch]) -> dict[TenantEpoch, bytes | None]:
        """Return what is stored: None stands for a destroyed key."""
        rows = self._rows.find(
            {
                "tenant": {"$in": sorted({tenant for tenant, _ in pairs})},
                "_id": {"$in": [key_id(*pair) for pair in pairs]},
            }
        )
        found: dict[TenantEpoch, bytes | None] = {}
        async for row in rows:
            pair = row["tenant"], row["epoch"]
            found[pair] = self._open(row["sealed"], *pair) if "sealed" in row else None
        return found

    async def _made(self, tenant: str, epoch: str) -> bytes | None:
        key = self._random_bytes(KEY_BYTES)
        row = PseudonymKeyDocument(
            _id=key_id(tenant, epoch),
            tenant=tenant,
            epoch=epoch,
            sealed=self._sealer.seal(key, tenant, epoch),
            created_at=self._clock.now(),
        )
        try:
            await self._rows.insert_one({**row})
        except DuplicateKey:
            stored = await self._stored([(tenant, epoch)])
            if (tenant, epoch) not in stored:
                # the other's insert is not with the majority yet
                raise Unavailable("A pseudonym key is being made; try again.") from None
            return stored[tenant, epoch]
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


def key_id(tenant: str, epoch: str) -> str:
    """Return the id of a key's document."""
    return f"{tenant}/{epoch}"
