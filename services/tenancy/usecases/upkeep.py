"""What has to be forgotten when its time is over. Repeating it does no harm."""

from datetime import timedelta

from kit.clock import Clock
from services.tenancy.usecases.memberships import FORGOTTEN, MembershipStore
from services.tenancy.usecases.ports import TenantStore, TokenStore
from services.tenancy.usecases.signing_keys import SigningKeys

_CLOCK_MARGIN = timedelta(days=1)


class Upkeep:
    """One round of cleaning up."""

    def __init__(
        self,
        tenants: TenantStore,
        tokens: TokenStore,
        keys: SigningKeys,
        memberships: MembershipStore,
        clock: Clock,
    ) -> None:
        self._tenants = tenants
        self._tokens = tokens
        self._keys = keys
        self._memberships = memberships
        self._clock = clock

    async def round(self) -> None:
        """Wipe replaced secrets and private keys, drop expired revocations and unseen users."""
        now = self._clock.now()
        await self._tenants.wipe_replaced_secrets(now)
        await self._keys.tidy()
        await self._tokens.forget_expired_revocations(now - _CLOCK_MARGIN)
        await self._memberships.forget(now - FORGOTTEN)
