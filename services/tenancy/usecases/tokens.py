"""API tokens: mint, list, revoke."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from contracts.usage import UsageEventName
from kit.auth.principal import Scope
from kit.clock import Clock
from kit.errors import NotFound
from kit.ids import Ids
from services.tenancy.domain.audit import Action
from services.tenancy.domain.tenants import Install, Tenant
from services.tenancy.domain.tokens import ApiToken, checked_request
from services.tenancy.usecases.ports import By, Note, TokenStore, Vault
from services.tenancy.usecases.projects import Projects
from services.tenancy.usecases.retry import until_stored
from services.tenancy.usecases.signing_keys import SigningKeys
from services.tenancy.usecases.tenants import Tenants


@dataclass(frozen=True)
class TokenRequest:
    """What is asked for. ``projects`` are keys or ids; None means all, also later ones."""

    name: str
    scopes: Sequence[Scope]
    life: timedelta
    projects: Sequence[str] | None = None
    account_id: str | None = None
    requests_per_minute: int | None = None


@dataclass(frozen=True)
class Minted:
    """A new token. ``text`` is shown once and kept nowhere."""

    token: ApiToken
    text: str

    def __repr__(self) -> str:
        return f"Minted({self.token.id})"


class Tokens:
    """Gives API tokens out and takes them back."""

    def __init__(
        self,
        tokens: TokenStore,
        tenants: Tenants,
        projects: Projects,
        keys: SigningKeys,
        vault: Vault,
        public_url: str,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._tokens = tokens
        self._tenants = tenants
        self._projects = projects
        self._keys = keys
        self._vault = vault
        self._public_url = public_url.rstrip("/")
        self._clock = clock
        self._ids = ids

    async def mint(self, tenant: str, request: TokenRequest, by: By) -> Minted:
        """Make a token; its record is stored before its text is returned."""
        checked_request(
            request.name,
            request.scopes,
            request.life,
            limited=request.projects is not None,
            requests_per_minute=request.requests_per_minute,
        )
        owner = await self._tenants.active(tenant)
        # claims count whole seconds, and the record says what they say
        now = self._clock.now().replace(microsecond=0)
        token = ApiToken(
            tenant=tenant,
            id=self._ids.token(),
            name=request.name,
            account_id=request.account_id,
            scopes=frozenset(request.scopes),
            projects=await self._project_ids(tenant, request.projects),
            created_at=now,
            expires_at=now + request.life,
            requests_per_minute=request.requests_per_minute,
        )
        text = await self._keys.sign(
            token.claims(
                subject=await self._subject(owner),
                base_url=owner.site_url or self._public_url,
                cell=owner.cell,
            )
        )
        usage = by.usage(UsageEventName.CREATED_API_TOKEN)
        await self._tokens.add(tenant, token, Note(Action.TOKEN_CREATED, by, usage))
        return Minted(token, text)

    async def all(self, tenant: str) -> Sequence[ApiToken]:
        """Return the records, newest first."""
        return await self._tokens.all(tenant)

    async def of_account(self, tenant: str, account: str) -> Sequence[ApiToken]:
        """Return the records of the tokens that act for an account, newest first."""
        return await self._tokens.of_account(tenant, account)

    async def unexpired(self, tenant: str, account: str) -> int:
        """Return how many tokens of an account have not expired, revoked ones included."""
        return await self._tokens.unexpired(tenant, account, self._clock.now())

    async def revoke(
        self, tenant: str, token: str, by: By, *, owner: str | None = None
    ) -> ApiToken:
        """Make a token worthless within a second everywhere; again changes nothing.

        With an ``owner`` only a token that acts for this account: another's is unknown.
        """

        async def attempt() -> ApiToken:
            known = await self._tokens.get(tenant, token)
            if known is None or owner not in {None, known.account_id}:
                raise NotFound(f"There is no token {token}.")
            if known.revoked_at is not None:
                return known
            revoked = replace(known, revoked_at=self._clock.now())
            await self._tokens.replace(tenant, revoked, Note(Action.TOKEN_REVOKED, by))
            return revoked

        return await until_stored(attempt)

    async def revoked(self, tenant: str) -> frozenset[str]:
        """Return the ids of revoked tokens that have not expired long ago."""
        return await self._tokens.revoked(tenant)

    async def used(self, uses: Mapping[tuple[str, str], datetime]) -> None:
        """Note when tokens, by tenant and id, were used; unknown ones are nobody's."""
        now = self._clock.now()
        await self._tokens.used({key: min(at, now) for key, at in uses.items()})

    async def _project_ids(
        self, tenant: str, wanted: Sequence[str] | None
    ) -> tuple[int, ...] | None:
        if wanted is None:
            return None
        return tuple(sorted({(await self._projects.get(tenant, p)).id for p in wanted}))

    async def _subject(self, tenant: Tenant) -> str:
        if tenant.install is None:
            return tenant.id
        place = Install.client_key_place(tenant.id)
        return (await self._vault.open(tenant.install.client_key, place)).reveal().decode()
