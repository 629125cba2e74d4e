"""The project directory in MongoDB."""

from collections.abc import Mapping, Sequence
from typing import Any

from kit.mongo import Database, unavailable_when_down
from services.tenancy.adapters.mongo.changes import Changes
from services.tenancy.adapters.mongo.documents import PROJECTS
from services.tenancy.domain.projects import Project
from services.tenancy.usecases.ports import Note


class MongoProjects:
    """Implements ``ProjectStore``."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._projects = database[PROJECTS]
        self._changes = changes

    async def all(self, tenant: str) -> Sequence[Project]:
        """Return the tenant's projects, by id."""
        with unavailable_when_down():
            # grants may be many, and are read where they are needed
            found = self._projects.find({"tenant": tenant}, {"permissions.grants": 0})
            rows = await found.sort("id", 1).to_list(None)
        return [load(row) for row in rows]

    async def add(self, tenant: str, project: Project, note: Note) -> None:
        """Store a new project."""
        row = {"_id": _id(tenant, project), "tenant": tenant, "id": project.id, "permissions": None}
        row |= _fields(project)
        with unavailable_when_down():
            await self._changes.insert(PROJECTS, row, tenant, str(project.id), note)

    async def replace(self, tenant: str, project: Project, note: Note) -> None:
        """Store a change."""
        with unavailable_when_down():
            await self._changes.update(
                PROJECTS,
                _id(tenant, project),
                project.rev,
                _fields(project),
                tenant,
                str(project.id),
                note,
            )


def load(row: Mapping[str, Any]) -> Project:
    """Return the domain object of a document."""
    return Project(
        tenant=row["tenant"],
        id=row["id"],
        jira_project_id=row["jira_project_id"],
        key=row["key"],
        aliases=tuple(row["aliases"]),
        enabled=row["enabled"],
        deleted=row["deleted"],
        visibility_at=row.get("visibility_at"),
        enforced=(row.get("permissions") or {}).get("enforced", False),
        rev=row["rev"],
    )


def _id(tenant: str, project: Project) -> str:
    return f"{tenant}/{project.id}"


def _fields(project: Project) -> dict[str, Any]:
    return {
        "jira_project_id": project.jira_project_id,
        "key": project.key,
        "aliases": list(project.aliases),
        "enabled": project.enabled,
        "deleted": project.deleted,
        "visibility_at": project.visibility_at,
    }
