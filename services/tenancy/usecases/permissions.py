"""The permission scheme of a project: reading, setting and enforcing it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from contracts.permissions import Grant, ProjectPermissions
from contracts.usage import UsageEventName
from services.tenancy.domain.audit import Action
from services.tenancy.domain.permissions import check_not_locked_out, checked_grants
from services.tenancy.domain.projects import Project
from services.tenancy.usecases.lockout import LockOut
from services.tenancy.usecases.ports import By, Note
from services.tenancy.usecases.projects import Projects
from services.tenancy.usecases.retry import until_stored

Judge = Callable[[ProjectPermissions], Awaitable[None]]


class PermissionStore(Protocol):
    """Schemes of projects; they are part of the project's document, and share its revision."""

    async def get(self, tenant: str, project: int) -> ProjectPermissions:
        """Return the scheme; one that is not enforced where nobody has set any."""
        ...

    async def replace(
        self, tenant: str, project: Project, permissions: ProjectPermissions, note: Note
    ) -> None:
        """Store a scheme of the project that was read at its revision."""
        ...


class Permissions:
    """What administrators do with schemes. Every change is in the audit trail."""

    def __init__(self, store: PermissionStore, projects: Projects, lock_out: LockOut) -> None:
        self._store = store
        self._projects = projects
        self._lock_out = lock_out

    async def get(self, tenant: str, id_or_key: str) -> tuple[Project, ProjectPermissions]:
        """Return a project and its scheme; raise ``NotFound``."""
        project = await self._projects.get(tenant, id_or_key)
        return project, await self._store.get(tenant, project.id)

    async def put(
        self,
        tenant: str,
        id_or_key: str,
        grants: Sequence[Grant],
        by: By,
        *,
        enforced: bool,
        force: bool = False,
        judge: Judge | None = None,
    ) -> tuple[Project, ProjectPermissions]:
        """Replace the whole scheme; other services know of it within a second.

        ``judge`` sees the scheme that is replaced and raises unless the caller may: whoever has
        just lost the right cannot give it back to itself.

        Raises ``InvalidInput`` for what cannot be a scheme, and for an enforced one that lets
        nobody edit the configuration unless it is forced; ``Unavailable`` when Jira cannot say
        whether its holders are there.
        """
        checked = checked_grants(grants)

        async def attempt() -> tuple[Project, ProjectPermissions]:
            project, known = await self.get(tenant, id_or_key)
            if judge is not None:
                await judge(known)
            wanted = ProjectPermissions(project=project.id, enforced=enforced, grants=checked)
            if not force:
                check_not_locked_out(wanted)
                await self._lock_out.check(tenant, project, wanted)
            if wanted != known:
                await self._store.replace(tenant, project, wanted, _note(by, project))
            return project, wanted

        return await until_stored(attempt)

    async def enforce(
        self, tenant: str, id_or_key: str, by: By, *, enforced: bool, force: bool = False
    ) -> tuple[Project, ProjectPermissions]:
        """Turn a scheme on or off; its grants stay."""

        async def attempt() -> tuple[Project, ProjectPermissions]:
            project, known = await self.get(tenant, id_or_key)
            wanted = known.model_copy(update={"enforced": enforced})
            if not force:
                check_not_locked_out(wanted)
                await self._lock_out.check(tenant, project, wanted)
            if wanted != known:
                await self._store.replace(tenant, project, wanted, _note(by, project))
            return project, wanted

        return await until_stored(attempt)


def _note(by: By, project: Project) -> Note:
    usage = by.usage(UsageEventName.CHANGED_PERMISSIONS, project=project.id)
    return Note(Action.PERMISSIONS_CHANGED, by, usage)
