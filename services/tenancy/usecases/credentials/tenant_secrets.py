"""Which tenant signed an HS256 token of Jira's: shared by the verifiers of the symmetric kinds.

A tenant with its opened secrets is kept for under a second, so that webhooks at volume cost no
query each and a rotated or wiped secret stops working within a second. A refusal always rests on a
read that began after the call came in: a secret that was stored a moment ago already counts.
Calls that wait for a read share one query, so a flood of unknown issuers costs few.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from contracts.tenancy import TenantStatus
from kit.clock import Clock
from services.tenancy.domain import jwt
from services.tenancy.domain.jwt import BadToken
from services.tenancy.domain.secret import Secret
from services.tenancy.domain.tenants import InstallSecret, Tenant
from services.tenancy.usecases.ports import ClientKeyIndex, Vault

ALGORITHM = "HS256"
FRESH_SECONDS = 0.9
_READ_AGAIN_SECONDS = 0.05
_MAX_TENANTS = 2_000
_MAX_UNKNOWN = 10_000
_MAX_BATCH = 500
# one answer for an unknown issuer and a bad signature: nobody learns who is a tenant
_NOT_PROVED = "signature"


class Installs(Protocol):
    """Tenants by their install, many at once."""

    async def by_client_keys(self, client_key_hashes: Sequence[str]) -> Sequence[Tenant]:
        """Return the tenants that have one of these keyed hashes, in any order."""
        ...


@dataclass(frozen=True)
class Proved:
    """A tenant, and what its Jira says in a token whose signature is good."""

    tenant: Tenant
    issuer: str
    claims: Mapping[str, Any]

    @property
    def status(self) -> TenantStatus:
        """Whether Connect's calls may be served: its secret ends with it, though Forge goes on."""
        install = self.tenant.install
        gone = install is None or install.removed
        return TenantStatus.UNINSTALLED if gone else self.tenant.status


@dataclass(frozen=True)
class _Opened:
    tenant: Tenant
    secrets: tuple[tuple[InstallSecret, Secret], ...]


@dataclass(frozen=True)
class _Read:
    """What a read found. ``began`` is the loop's time, in seconds."""

    began: float
    opened: _Opened | None


class TenantSecrets:
    """Proves tokens with the current or the just replaced secret of their issuer."""

    def __init__(
        self, installs: Installs, vault: Vault, index: ClientKeyIndex, clock: Clock
    ) -> None:
        self._installs = installs
        self._vault = vault
        self._index = index
        self._clock = clock
        # apart, so that invented issuers cannot push tenants out
        self._found: OrderedDict[str, _Read] = OrderedDict()
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._waiting: dict[str, asyncio.Future[_Read]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def prove(self, token: str) -> Proved:
        """Return the tenant and its claims; raise ``BadToken``. Nothing but the signature counts.

        Raises ``Unavailable`` when the database or the key service cannot be asked.
        """
        claimed = jwt.read_unverified(token, ALGORITHM)
        key = self._index.hash(claimed.issuer)
        arrived = _now()
        cached = self._found.get(key)
        if cached is not None and arrived - cached.began < FRESH_SECONDS:
            proved = self._check(claimed, cached)
            if proved is not None:
                return proved
        proved = self._check(claimed, await self._read_after(key, arrived))
        if proved is None:
            raise BadToken(_NOT_PROVED)
        return proved

    def _check(self, claimed: jwt.Unverified, read: _Read) -> Proved | None:
        if read.opened is None:
            return None
        now = self._clock.now()
        for held, secret in read.opened.secrets:
            if held.until is not None and held.until <= now:
                continue
            try:
                claims = jwt.verified_claims(claimed, secret.reveal())
            except BadToken:
                continue
            return Proved(read.opened.tenant, claimed.issuer, claims)
        return None

    async def _read_after(self, key: str, arrived: float) -> _Read:
        """Return what a read that began after the call found; one issuer is read 20 times a s."""
        last = self._last_read(key)
        if last is not None and (rest := last + _READ_AGAIN_SECONDS - _now()) > 0:
            await asyncio.sleep(rest)
            # whoever came at the same time waited as long, and one of us was first
            found = self._found.get(key)
            if found is not None and found.began >= arrived:
                return found
            if self._unknown.get(key, arrived - 1) >= arrived:
                return _Read(self._unknown[key], None)
        if key not in self._waiting:
            self._waiting[key] = asyncio.get_running_loop().create_future()
        waiting = self._waiting[key]
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_all())
        return await asyncio.shield(waiting)

    def _last_read(self, key: str) -> float | None:
        found = self._found.get(key)
        return found.began if found is not None else self._unknown.get(key)

    async def _read_all(self) -> None:
        while self._waiting:
            keys = list(self._waiting)[:_MAX_BATCH]
            batch = {key: self._waiting.pop(key) for key in keys}
            began = _now()
            try:
                tenants = await self._installs.by_client_keys(keys)
            except Exception as error:  # noqa: BLE001  it is theirs who wait
                for future in batch.values():
                    _fail(future, error)
                continue
            found = {t.install.client_key_hash: t for t in tenants if t.install is not None}
            await asyncio.gather(
                *(self._answer(k, future, began, found.get(k)) for k, future in batch.items())
            )
            self._forget_old(_now())

    async def _answer(
        self, key: str, future: asyncio.Future[_Read], began: float, tenant: Tenant | None
    ) -> None:
        try:
            opened = None if tenant is None else _Opened(tenant, await self._open(tenant))
        except Exception as error:  # noqa: BLE001  it is theirs who wait
            _fail(future, error)
            return
        read = _Read(began, opened)
        if opened is None:
            self._found.pop(key, None)
            _keep(self._unknown, key, began, _MAX_UNKNOWN)
        else:
            self._unknown.pop(key, None)
            _keep(self._found, key, read, _MAX_TENANTS)
        if not future.done():
            future.set_result(read)

    async def _open(self, tenant: Tenant) -> tuple[tuple[InstallSecret, Secret], ...]:
        install = tenant.install
        known = install.secrets(self._clock.now()) if install is not None else ()
        return tuple([(s, await self._vault.open(s.sealed, s.place(tenant.id))) for s in known])

    def _forget_old(self, now: float) -> None:
        while self._found:
            oldest = next(iter(self._found))
            if now - self._found[oldest].began < FRESH_SECONDS:
                return
            del self._found[oldest]


def _now() -> float:
    return asyncio.get_running_loop().time()


def _fail(future: asyncio.Future[_Read], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        # whoever waited may have gone away
        future.exception()


def _keep(cache: OrderedDict[str, Any], key: str, value: Any, size: int) -> None:
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > size:
        cache.popitem(last=False)
