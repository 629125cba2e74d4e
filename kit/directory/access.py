"""What one caller may see: everything else answers as if it did not exist."""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.ids import PROJECT_KEY, EntityKey, Kind, parse_key
from contracts.tenancy import ProjectState
from kit.auth.api_tokens import VerifiedToken
from kit.auth.principal import Principal
from kit.directory.view import Directory, TenantView, usable
from kit.errors import NotFound


@dataclass(frozen=True)
class Access:
    """A principal, the view of its tenant that let it in, and the directory behind the view."""

    principal: Principal
    view: TenantView
    directory: Directory

    @classmethod
    def of(cls, caller: VerifiedToken, directory: Directory) -> "Access":
        """Return the access of a verified caller."""
        return cls(caller.principal, caller.tenant, directory)

    @property
    def tenant(self) -> str:
        """The caller's tenant."""
        return self.principal.tenant

    async def project(self, key: str) -> ProjectState:
        """Return a project by key or alias; ``NotFound`` alike for unknown and invisible ones."""
        found = None
        if PROJECT_KEY.match(key):  # nothing else is asked of the owner, where it enters a path
            found = await self.directory.project_by_key(self.tenant, key)
        if found is None or not self.principal.may_see(found.id):
            raise NotFound(f"Project with key {key} does not exist or is not enabled.")
        return self._learnt(found)

    async def sees(self, project: int) -> ProjectState | None:
        """Return the project of something stored, None when it must not be shown."""
        if not self.principal.may_see(project):
            return None
        found = await self.directory.project(self.tenant, project)
        return self._learnt(found) if found is not None else None

    async def chosen(self, key: str | None) -> Mapping[int, ProjectState]:
        """Return the projects that a list covers: the named one, else all visible ones."""
        if key is not None:
            project = await self.project(key)
            return {project.id: project}
        return {
            p.id: p
            for p in self.view.projects.values()
            if usable(p) and self.principal.may_see(p.id)
        }

    async def entity(self, text: str, kind: Kind) -> tuple[EntityKey, ProjectState] | None:
        """Parse a human key and return its project; None for whatever is none or not visible."""
        key = parse_key(text, kind)
        if key is None:
            return None
        try:
            return key, await self.project(key.project_key)
        except NotFound:
            return None

    def _learnt(self, project: ProjectState) -> ProjectState:
        # the owner may know a project that the view does not hold yet; whoever renders needs it
        self.view.projects.setdefault(project.id, project)
        return project
