"""The API tokens of a person inside Jira: everybody may have some of their own, never for admin."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kit.auth.principal import Scope
from kit.errors import Conflict, Forbidden
from services.tenancy.domain.tokens import ApiToken
from services.tenancy.usecases.accounts import Standing
from services.tenancy.usecases.credentials.forge_invocation import ForgeCall
from services.tenancy.usecases.ports import By
from services.tenancy.usecases.seen_tokens import ActOnce
from services.tenancy.usecases.tokens import Minted, TokenRequest, Tokens

OWN_SCOPES = frozenset({Scope.READ, Scope.WRITE, Scope.RESULTS})
MOST_TOKENS = 100
"""Of a person, revoked ones included: every service keeps a revocation until the token expires.

Calls that race may pass it by as many as they are."""


@dataclass(frozen=True)
class Person:
    """Somebody whom Jira vouches for. ``call`` is the Forge call they came with, if it was one."""

    tenant: str
    account_id: str
    call: ForgeCall | None = None


class OwnTokens:
    """The one place that decides what a person may do with tokens, however they come."""

    def __init__(self, tokens: Tokens, standing: Standing, once: ActOnce) -> None:
        self._tokens = tokens
        self._standing = standing
        self._once = once

    async def all(self, person: Person) -> Sequence[ApiToken]:
        """Return the records of the person's tokens, newest first."""
        return await self._tokens.of_account(person.tenant, person.account_id)

    async def mint(self, person: Person, request: TokenRequest, by: By) -> Minted:
        """Make a token that acts for the person.

        Raises ``Forbidden`` for the scope admin and for somebody who sees none of the projects in
        use, ``Conflict`` for too many or a repeated call, ``Unavailable`` while Jira is silent.
        """
        if not OWN_SCOPES.issuperset(request.scopes):
            raise Forbidden("A token of your own cannot have the scope admin.")
        if await self._tokens.unexpired(person.tenant, person.account_id) >= MOST_TOKENS:
            raise Conflict(f"You have {MOST_TOKENS} tokens that have not expired yet.")
        # a signed-in customer of a service desk may come as far as this
        await self._standing.check(person.tenant, person.account_id)
        # the first answer holds the token's text and cannot be given again
        if person.call is not None and not await self._once.claim(person.call, person.tenant):
            raise Conflict("This call was made already.")
        owned = replace(request, account_id=person.account_id)
        return await self._tokens.mint(person.tenant, owned, by)

    async def revoke(self, person: Person, token: str, by: By) -> None:
        """Make a token of the person worthless; another's is unknown (``NotFound``)."""
        await self._tokens.revoke(person.tenant, token, by, owner=person.account_id)
