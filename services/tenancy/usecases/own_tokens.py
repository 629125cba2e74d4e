"""The API tokens of a person inside Jira: everybody may have some of their own, never for admin."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from kit.auth.principal import Scope
from kit.errors import Conflict, Forbidden
from services.tenancy.domain.tokens import ApiToken
from services.tenancy.usecases.credentials.forge_invocation import ForgeCall
from services.tenancy.usecases.ports import By
from services.tenancy.usecases.seen_tokens import ActOnce
from services.tenancy.usecases.tokens import Minted, TokenRequest, Tokens

T = TypeVar("T")
OWN_SCOPES = frozenset({Scope.READ, Scope.WRITE, Scope.RESULTS})


@dataclass(frozen=True)
class Person:
    """Somebody whom Jira vouches for. ``call`` is the Forge call they came with, if it was one."""

    tenant: str
    account_id: str
    call: ForgeCall | None = None


class OwnTokens:
    """The one place that decides what a person may do with tokens, however they come."""

    def __init__(self, tokens: Tokens, once: ActOnce) -> None:
        self._tokens = tokens
        self._once = once

    async def all(self, person: Person) -> Sequence[ApiToken]:
        """Return the records of the person's tokens, newest first."""
        return await self._tokens.of_account(person.tenant, person.account_id)

    async def mint(self, person: Person, request: TokenRequest, by: By) -> Minted:
        """Make a token that acts for the person; raise ``Forbidden`` for the scope admin."""
        if not OWN_SCOPES.issuperset(request.scopes):
            raise Forbidden("A token of your own cannot have the scope admin.")
        owned = replace(request, account_id=person.account_id)
        return await self._new_call(person, lambda: self._tokens.mint(person.tenant, owned, by))

    async def revoke(self, person: Person, token: str, by: By) -> None:
        """Make a token of the person worthless; another's is unknown (``NotFound``)."""
        await self._tokens.revoke(person.tenant, token, by, owner=person.account_id)

    async def _new_call(self, person: Person, action: Callable[[], Awaitable[T]]) -> T:
        if person.call is None:
            return await action()
        done: list[T] = []

        async def act() -> str:
            done.append(await action())
            return person.tenant

        # the first answer held the token's text and cannot be given again
        if not await self._once.act(person.call, person.tenant, act):
            raise Conflict("This call was made already.")
        return done[0]
