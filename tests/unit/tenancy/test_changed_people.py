"""Changed people are asked about at once, but nobody waits long behind a site that is slow."""

import asyncio
from datetime import UTC, datetime

from contracts.jira import JiraAction, JiraChange, JiraEntity
from contracts.topics import JIRA_CHANGE
from kit.errors import Unavailable
from kit.kafka.records import Record
from services.tenancy.adapters.kafka.jira_changes import record
from services.tenancy.consumers.jira_changes import JiraChangesConsumer
from services.tenancy.domain.projects import Project
from services.tenancy.usecases.ports import Note
from services.tenancy.usecases.project_changes import ProjectChanges

PATIENCE = 0.2


class Sites:
    """Some are slow, some down; the rest answer."""

    def __init__(self) -> None:
        self.slow: set[str] = set()
        self.down: set[str] = set()
        self.asked: list[tuple[str, str]] = []

    async def refresh(self, tenant: str, account: str) -> None:
        self.asked.append((tenant, account))
        if tenant in self.slow:
            await asyncio.Event().wait()
        if tenant in self.down:
            raise Unavailable("the site is down")


class NoProjects:
    """Nobody uses any."""

    async def all(self, tenant: str) -> list[Project]:
        return []

    async def add(self, tenant: str, project: Project, note: Note) -> None:
        raise NotImplementedError

    async def replace(self, tenant: str, project: Project, note: Note) -> None:
        raise NotImplementedError


def changed(tenant: str, account: str) -> Record:
    change = JiraChange(
        entity=JiraEntity.USER,
        action=JiraAction.UPDATED,
        id=account,
        at=datetime(2026, 11, 24, tzinfo=UTC),
    )
    sent = record("topic", tenant, f"of-{tenant}-{account}", change)
    return Record(JIRA_CHANGE, 0, 0, sent.key, sent.value, {}, 0)


async def told(sites: Sites, *people: tuple[str, str]) -> None:
    consumer = JiraChangesConsumer(ProjectChanges(NoProjects()), sites, asking_seconds=PATIENCE)
    assert await consumer.handle([changed(*person) for person in people]) == []


async def test_each_person_of_a_batch_is_asked_about_once() -> None:
    sites = Sites()
    await told(sites, ("t", "a"), ("t", "b"), ("t", "a"), ("u", "a"))
    assert sorted(sites.asked) == [("t", "a"), ("t", "b"), ("u", "a")]


async def test_a_site_that_is_slow_ends_the_wait_for_all() -> None:
    sites = Sites()
    sites.slow = {"slow"}
    began = asyncio.get_running_loop().time()
    await told(sites, *(("slow", f"a{n}") for n in range(100)))
    assert asyncio.get_running_loop().time() - began < 50 * PATIENCE
    assert len(sites.asked) < 100


async def test_a_site_that_is_down_is_not_asked_for_each_of_its_people() -> None:
    sites = Sites()
    sites.down = {"down"}
    await told(sites, *(("down", f"a{n}") for n in range(100)), ("up", "b"))
    assert len(sites.asked) < 20
    assert ("up", "b") in sites.asked
