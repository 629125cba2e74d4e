"""Topic ``ostro.tenancy.jira-change.v1``: projects and people; the rest is for others."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Protocol

import structlog
from pydantic import TypeAdapter

from contracts.envelope import Event
from contracts.jira import JiraChange, JiraEntity
from kit.errors import OstroError
from kit.kafka.records import Poison, Record, decode
from services.tenancy.usecases.project_changes import ProjectChanges

log = structlog.get_logger(__name__)

_EVENT = TypeAdapter(Event[JiraChange])
_OURS = tuple(f"/{e.value}/".encode() for e in (JiraEntity.PROJECT, JiraEntity.USER))
_ASKED_AT_ONCE = 8
_ASKING_SECONDS = 30.0
"""For the people of one batch: projects of others wait behind it."""


class Refresher(Protocol):
    """Keeps who is in which group."""

    async def refresh(self, tenant: str, account: str) -> None:
        """Ask Jira again about somebody who is known here."""
        ...


class JiraChangesConsumer:
    """Handler of the group ``tenancy.jira-changes``."""

    def __init__(
        self,
        projects: ProjectChanges,
        memberships: Refresher,
        *,
        asking_seconds: float = _ASKING_SECONDS,
    ) -> None:
        self._projects = projects
        self._memberships = memberships
        self._asking_seconds = asking_seconds

    async def handle(self, records: Sequence[Record]) -> Sequence[Poison]:
        """Apply changes of projects and ask anew about changed people.

        Most records are about issues: those are not even decoded.
        """
        poison: list[Poison] = []
        people: dict[tuple[str, str], None] = {}
        for record in records:
            if not any(part in (record.key or b"") for part in _OURS):
                continue
            event = decode(record, _EVENT)
            if isinstance(event, Poison):
                poison.append(event)
            elif event.data.entity is JiraEntity.USER:
                people[event.tenantid, event.data.id] = None
            elif event.data.entity is JiraEntity.PROJECT:
                await self._projects.follow(event.tenantid, event.data)
        await self._refresh(people)
        return poison

    async def _refresh(self, people: Collection[tuple[str, str]]) -> None:
        """Ask about people; whoever is left out is asked about within minutes by the loop."""
        gate, down = asyncio.Semaphore(_ASKED_AT_ONCE), set[str]()

        async def one(tenant: str, account: str) -> None:
            async with gate:
                if tenant in down:
                    return
                try:
                    await self._memberships.refresh(tenant, account)
                except OstroError as error:
                    down.add(tenant)
                    log.warning("memberships are refreshed later", cause=type(error).__name__)

        try:
            async with asyncio.timeout(self._asking_seconds):
                await asyncio.gather(*(one(*person) for person in people))
        except TimeoutError:
            log.warning("a Jira site is slow; memberships are refreshed later")
