"""Tokens of people who left: revoked when Jira says clearly that the account is closed or gone.

A token is good by itself for up to a year, so somebody has to ask. Never because Jira does not
answer, refuses us or is another site meanwhile: that says nothing of anybody.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from kit.clock import Clock
from kit.errors import Forbidden
from services.tenancy.domain.audit import JIRA, SYSTEM, Action, Actor
from services.tenancy.usecases.accounts import AccountState, JiraAccounts
from services.tenancy.usecases.jira import JiraSite, Sites
from services.tenancy.usecases.memberships import Memberships
from services.tenancy.usecases.ports import By, Note, TokenStore
from services.tenancy.usecases.retry import until_stored

log = structlog.get_logger(__name__)

_PAGE = 50
_APART = timedelta(hours=12)
"""A second look counts after so long: a sweep that failed comes again within minutes."""


class MissingAccounts(Protocol):
    """Accounts that a site left out of an answer, and when it first did."""

    async def since(self, tenant: str, accounts: Collection[str]) -> Mapping[str, datetime]:
        """Return when each was first left out, of those that were."""
        ...

    async def note(self, tenant: str, account: str, at: datetime) -> None:
        """Note that one was left out, unless that is known."""
        ...

    async def clear(self, tenant: str, accounts: Collection[str]) -> None:
        """Forget it of some."""
        ...


class Leavers:
    """Asks Jira about the accounts that hold tokens. Repeating it changes nothing."""

    def __init__(
        self,
        tokens: TokenStore,
        missing: MissingAccounts,
        sites: Sites,
        jira: JiraAccounts,
        clock: Clock,
    ) -> None:
        self._tokens = tokens
        self._missing = missing
        self._sites = sites
        self._jira = jira
        self._clock = clock

    async def heard_of(self, tenant: str, account: str) -> None:
        """Ask about an account of which Jira told a change; only *closed* is clear at once.

        One that is left out is the sweep's matter. Raises what ``usecases.jira`` says.
        """
        if not await self._tokens.holders(tenant, self._clock.now(), account):
            return
        site = await self._sites.get(tenant)
        states = await self._jira.states(site, [account])
        if states.get(account) is AccountState.CLOSED:
            await self._end(site, [account], JIRA)

    async def sweep(self, tenant: str) -> None:
        """Ask about everybody who holds a token; raises what ``usecases.jira`` says.

        A site that does not let us ask says nothing of anybody.
        """
        began = self._clock.now()
        holders = await self._tokens.holders(tenant, began)
        if not holders:
            return
        site = await self._sites.get(tenant)
        for at in range(0, len(holders), _PAGE):
            some = holders[at : at + _PAGE]
            try:
                states = await self._jira.states(site, some)
            except Forbidden:
                log.warning("Jira does not tell of accounts", tenant=tenant)
                return
            await self._end(site, await self._gone(tenant, states, began), SYSTEM)

    async def _gone(
        self, tenant: str, states: Mapping[str, AccountState], began: datetime
    ) -> Sequence[str]:
        """Return who is closed, and who is left out now and was in an earlier sweep."""
        noted = await self._missing.since(tenant, states.keys())
        there = [a for a in noted if states[a] is not AccountState.LEFT_OUT]
        if there:
            await self._missing.clear(tenant, there)
        gone = [a for a, state in states.items() if state is AccountState.CLOSED]
        for account in (a for a, state in states.items() if state is AccountState.LEFT_OUT):
            if account not in noted:
                await self._missing.note(tenant, account, began)
            elif began - noted[account] >= _APART:
                gone.append(account)
        return gone

    async def _end(self, site: JiraSite, accounts: Sequence[str], actor: Actor) -> None:
        if not accounts:
            return
        now_at = await self._sites.find(site.tenant)
        if now_at is None or now_at.base_url != site.base_url:
            # uninstalled or moved in between: what was read is another site's
            return
        ended = 0
        for account in accounts:
            for token in await self._tokens.of_account(site.tenant, account):
                ended += await self._revoke(site.tenant, token.id, actor)
        # last: a crash before it does the rest again
        await self._missing.clear(site.tenant, accounts)
        log.info("tokens of closed accounts revoked", tenant=site.tenant, count=ended)

    async def _revoke(self, tenant: str, token: str, actor: Actor) -> bool:
        async def attempt() -> bool:
            known, now = await self._tokens.get(tenant, token), self._clock.now()
            if known is None or known.revoked_at is not None or known.expires_at <= now:
                return False
            note = Note(Action.TOKEN_ENDED, By(actor))
            await self._tokens.replace(tenant, replace(known, revoked_at=now), note)
            return True

        return await until_stored(attempt)


class ChangedPeople:
    """What a change of an account means here: for what it may do, and for its tokens."""

    def __init__(self, memberships: Memberships, leavers: Leavers) -> None:
        self._memberships = memberships
        self._leavers = leavers

    async def refresh(self, tenant: str, account: str) -> None:
        """Do both; what fails does not keep the other from being done."""
        outcomes = await asyncio.gather(
            self._memberships.refresh(tenant, account),
            self._leavers.heard_of(tenant, account),
            return_exceptions=True,
        )
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
