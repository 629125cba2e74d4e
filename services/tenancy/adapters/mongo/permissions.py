"""Permission schemes in MongoDB: a part of the project's document, so that they change as one."""

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.permissions import Holder, ProjectPermissions
from kit.directory.permissions import Scheme
from kit.mongo import Database, unavailable_when_down
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.documents import PROJECTS
from services.tenancy.domain.projects import Project
from services.tenancy.usecases.memberships import RoleProject
from services.tenancy.usecases.ports import Note

_FIELDS = {"_id": 0, "id": 1, "permissions": 1}


class MongoPermissions:
    """Implements ``PermissionStore``, and what enforces and resolves schemes."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._projects = database[PROJECTS]
        self._changes = changes

    async def get(self, tenant: str, project: int) -> ProjectPermissions:
        """Return the scheme of a project."""
        query = {"_id": f"{tenant}/{project}", "tenant": tenant}
        with unavailable_when_down():
            row = await self._projects.find_one(query, _FIELDS)
        found = load(row) if row is not None else None
        return found or ProjectPermissions(project=project, enforced=False)

    async def replace(
        self, tenant: str, project: Project, permissions: ProjectPermissions, note: Note
    ) -> None:
        """Store a scheme; raise ``ChangedMeanwhile``."""
        scheme = permissions.model_dump(mode="json", include={"enforced", "grants"})
        with unavailable_when_down():
            await self._changes.update(
                PROJECTS,
                f"{tenant}/{project.id}",
                project.rev,
                {"permissions": scheme},
                tenant,
                str(project.id),
                note,
            )

    async def schemes(self, tenant: str, projects: Sequence[Project]) -> dict[int, Scheme]:
        """Return the schemes of those of the projects whose scheme is enforced."""
        enforced = [p.id for p in projects if p.enforced]
        if not enforced:
            return {}
        query = {"tenant": tenant, "id": {"$in": enforced}}
        with unavailable_when_down():
            rows = await self._projects.find(query, _FIELDS).to_list(None)
        found = [load(row) for row in rows]
        return {state.project: Scheme.of(state) for state in found if state is not None}

    async def with_roles(self, tenant: str) -> Sequence[RoleProject]:
        """Return the visible projects whose enforced scheme names roles."""
        query = {
            "tenant": tenant,
            "permissions.enforced": True,
            "permissions.grants.holder": Holder.ROLE.value,
            "enabled": True,
            "deleted": False,
        }
        # asked for each user that is resolved, so the grants stay where they are
        wanted = {"_id": 0, "id": 1, "jira_project_id": 1}
        with unavailable_when_down():
            rows = await self._projects.find(query, wanted).sort("id", 1).to_list(None)
        return [RoleProject(row["id"], row["jira_project_id"]) for row in rows]


def load(row: Mapping[str, Any]) -> ProjectPermissions | None:
    """Return the scheme in a project's document, None where nobody has set any."""
    scheme = row.get("permissions")
    if scheme is None:
        return None
    return ProjectPermissions.model_validate({**scheme, "project": row["id"]})
