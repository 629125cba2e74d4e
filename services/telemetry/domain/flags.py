"""For whom flags are decided: an organization under a pseudonym, or nobody in particular."""

import hmac
from dataclasses import dataclass

from contracts.tenancy import TenantState
from services.telemetry.domain import buckets

_DOMAIN = b"launchdarkly"
_CHARACTERS = 24


@dataclass(frozen=True, slots=True)
class Subject:
    """What rules may look at. ``key`` None is everybody who has not consented."""

    key: str | None = None
    licence_tier: str | None = None
    licence_type: str | None = None

    @classmethod
    def of(cls, key: str, tenant: TenantState) -> "Subject":
        """Return a tenant's, with the bucket of its tier and a known licence type."""
        tier, kind = tenant.licence_tier, tenant.licence_type
        return cls(
            key,
            None if tier is None else buckets.licence_tier(tier),
            None if kind is None else buckets.licence_type(kind),
        )


ANONYMOUS = Subject()


def context_key(handle: str) -> str:
    """Return the key that rules may name a tenant by: 24 hex characters.

    Made of the tenant's random handle (130 bits), so it is stable, says nothing, differs from all
    that other processors get, and leads nowhere once the handle is gone.
    """
    return hmac.digest(handle.encode(), _DOMAIN, "sha256").hex()[:_CHARACTERS]
