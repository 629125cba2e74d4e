"""The project directory: which Jira projects a tenant uses, under which id and key."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from contracts.ids import MAX_PROJECT_ID
from contracts.usage import UsageEventName
from kit.clock import Clock
from kit.errors import Conflict, InvalidInput, NotFound
from kit.ids import Ids
from services.tenancy.domain.audit import Action
from services.tenancy.domain.projects import Project, checked_key
from services.tenancy.usecases.jira import JiraProjects, Sites
from services.tenancy.usecases.ports import By, Note, ProjectStore
from services.tenancy.usecases.retry import until_stored
from services.tenancy.usecases.tenants import Tenants


@dataclass(frozen=True)
class Wanted:
    """A project by key, by Jira's id, or both. Jira decides what it knows better."""

    key: str | None = None
    jira_project_id: int | None = None
    id: int | None = None
    """The id that a new one is to have: what is imported into it keeps its public ids."""


@dataclass(frozen=True)
class _Identified:
    key: str
    jira_project_id: int | None
    seen_at: datetime | None = None
    """When Jira was asked; None without Jira."""


class Projects:
    """Enabling, disabling and finding the projects of a tenant."""

    def __init__(
        self,
        projects: ProjectStore,
        tenants: Tenants,
        jira: JiraProjects,
        sites: Sites,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._projects = projects
        self._tenants = tenants
        self._jira = jira
        self._sites = sites
        self._clock = clock
        self._ids = ids

    async def all(self, tenant: str) -> Sequence[Project]:
        """Return every project, disabled ones too, by id."""
        return await self._projects.all(tenant)

    async def get(self, tenant: str, id_or_key: str) -> Project:
        """Return a project by our id, its key or an alias; raise ``NotFound``."""
        known = await self._projects.all(tenant)
        found = next(
            (p for p in known if id_or_key in {str(p.id), p.key}),
            next((p for p in known if id_or_key in p.aliases), None),
        )
        if found is None:
            raise NotFound(f"Project {id_or_key} does not exist or is not enabled.")
        return found

    async def enable(self, tenant: str, wanted: Wanted, by: By) -> tuple[Project, bool]:
        """Enable a project; return it, and whether it is new. Enabling twice changes nothing.

        One that was hidden because Jira said so shows again: Jira has just shown it. ``Conflict``
        for a wanted id that the project does not have, or that another one has.
        """
        identified = await self._identify(tenant, wanted)

        async def attempt() -> tuple[Project, bool]:
            everything = await self._projects.all(tenant)
            known = _same(everything, identified)
            if wanted.id is not None:
                _check_id(everything, known, wanted.id)
            if known is None:
                return await self._add(tenant, identified, wanted.id, by), True
            changed = replace(known.known_as(identified.key), enabled=True)
            if identified.seen_at is not None:
                changed = changed.seen(identified.key, hidden=False, at=identified.seen_at)
            if changed != known:
                await self._projects.replace(tenant, changed, _enabled(changed, by))
            return changed, False

        return await until_stored(attempt)

    async def switch(self, tenant: str, id_or_key: str, by: By, *, enabled: bool) -> Project:
        """Hide a known project everywhere, or show it again; its data stays."""

        async def attempt() -> Project:
            known = await self.get(tenant, id_or_key)
            changed = replace(known, enabled=enabled)
            if changed != known:
                note = _enabled(known, by) if enabled else Note(Action.PROJECT_DISABLED, by)
                await self._projects.replace(tenant, changed, note)
            return changed

        return await until_stored(attempt)

    async def _identify(self, tenant: str, wanted: Wanted) -> _Identified:
        if not (await self._tenants.active(tenant)).has_jira:
            if wanted.key is None:
                raise InvalidInput("key must not be null")
            return _Identified(checked_key(wanted.key), wanted.jira_project_id)
        asked = str(wanted.jira_project_id) if wanted.jira_project_id is not None else wanted.key
        if asked is None:
            raise InvalidInput("key or jiraProjectId must not be null")
        began = self._clock.now()
        found = await self._jira.find(await self._sites.get(tenant), asked)
        if found is None:
            raise NotFound(f"Jira has no project {asked}, or does not show it to the app.")
        if found.archived:
            raise Conflict(f"Jira's project {asked} is archived.")
        if wanted.jira_project_id is not None and wanted.key not in {None, found.key}:
            raise InvalidInput(f"Jira's project {asked} has another key.")
        return _Identified(checked_key(found.key), found.id, began)

    async def _add(
        self, tenant: str, identified: _Identified, wanted: int | None, by: By
    ) -> Project:
        number = wanted or self._ids.below(MAX_PROJECT_ID) + 1
        jira_id = identified.jira_project_id
        project = Project(
            tenant, number, jira_id if jira_id is not None else number, identified.key
        )
        await self._projects.add(tenant, project, _enabled(project, by))
        return project


def _same(known: Sequence[Project], identified: _Identified) -> Project | None:
    """Return the stored project that is meant; raise ``Conflict`` when its names disagree."""
    by_key = next((p for p in known if p.key == identified.key), None)
    if identified.jira_project_id is None:
        return by_key
    by_id = next((p for p in known if p.jira_project_id == identified.jira_project_id), None)
    if by_key is not None and by_key is not by_id:
        raise Conflict(f"The key {identified.key} belongs to another project.")
    return by_id


def _check_id(everything: Sequence[Project], known: Project | None, wanted: int) -> None:
    if known is not None and known.id != wanted:
        raise Conflict(f"The project {known.key} has the id {known.id} already.")
    if known is None and any(p.id == wanted for p in everything):
        raise Conflict(f"The id {wanted} belongs to another project.")


def _enabled(project: Project, by: By) -> Note:
    usage = by.usage(UsageEventName.ENABLED_PROJECT, project=project.id)
    return Note(Action.PROJECT_ENABLED, by, usage)
