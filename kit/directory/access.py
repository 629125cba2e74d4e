"""What one caller may see and do: the rest is unknown (another's) or forbidden (one's own).

Every way to a project or to something in it leads through here and is decided before anything is
looked up, so a thing that is there and one that is not answer alike. A token without an account is
bound by its scopes and projects alone; no scope, admin neither, bypasses a scheme.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from contracts.ids import MAX_PROJECT_ID, PROJECT_KEY, EntityKey, Kind, parse_key, project_of
from contracts.permissions import Entity, Right
from contracts.tenancy import ProjectState
from kit.auth.api_tokens import VerifiedToken
from kit.auth.principal import Principal
from kit.directory.permissions import Need, Permission, Scheme, roles_known
from kit.directory.view import Directory, TenantView, usable
from kit.errors import Forbidden, NotFound, Unavailable

_NOUNS = {
    Entity.TEST_CASE: "test cases",
    Entity.TEST_PLAN: "test plans",
    Entity.TEST_CYCLE: "test cycles",
    Entity.TEST_EXECUTION: "test executions",
    Entity.CONFIGURATION: "the configuration",
}
_UNVERIFIED = (
    "Your permissions cannot be verified at present, so nothing may be changed; try again later."
)


@dataclass(frozen=True)
class Access:
    """A principal, the view of its tenant that let it in, and what its request needs.

    The view decides for the whole request: a request begins when its token is verified, and a
    change of permissions binds every request that begins after the view holds it.
    """

    principal: Principal
    view: TenantView
    directory: Directory
    need: Need

    @classmethod
    def of(cls, caller: VerifiedToken, directory: Directory, need: Need) -> "Access":
        """Return the access of a verified caller."""
        return cls(caller.principal, caller.tenant, directory, need)

    @property
    def tenant(self) -> str:
        """The caller's tenant."""
        return self.principal.tenant

    async def project(self, key: str) -> ProjectState:
        """Return a project by key or alias.

        ``NotFound`` alike for unknown ones and those the token is not good for, ``Forbidden``
        without the right.
        """
        found = None
        if PROJECT_KEY.match(key):  # nothing else is asked of the owner, where it enters a path
            found = await self.directory.project_by_key(self.tenant, key)
        if found is None or not self.principal.may_see(found.id):
            raise NotFound(f"Project with key {key} does not exist or is not enabled.")
        await self._decide(found, self.need)
        return self._learnt(found)

    async def sees(self, project: int) -> ProjectState | None:
        """Return the project that an id names, None when there is none; ``Forbidden`` as above.

        Called before the thing itself is looked up.
        """
        if not 1 <= project <= MAX_PROJECT_ID or not self.principal.may_see(project):
            return None
        found = await self.directory.project(self.tenant, project)
        if found is None:
            return None
        await self._decide(found, self.need)
        return self._learnt(found)

    async def chosen(self, key: str | None) -> Mapping[int, ProjectState]:
        """Return the projects that a list covers: the named one, else all that may be seen."""
        if key is not None:
            project = await self.project(key)
            return {project.id: project}
        return await self.among(p for p in self.view.projects.values() if usable(p))

    async def among(self, projects: Iterable[ProjectState]) -> Mapping[int, ProjectState]:
        """Return those of the projects in which the caller holds the right, by id."""
        return {
            p.id: p
            for p in list(projects)
            if self.principal.may_see(p.id) and await self._lacking(p, self.need) is None
        }

    async def viewed(self, ids: Collection[int], entity: Entity) -> list[int]:
        """Return those of the things of one kind that the caller may view, in their order."""
        need = Need.of((entity, Right.VIEW))
        known = [self.view.projects.get(ident) for ident in {project_of(i) for i in ids}]
        seen = {
            p.id
            for p in known
            if p is not None
            and self.principal.may_see(p.id)
            and await self._lacking(p, need) is None
        }
        return [ident for ident in ids if project_of(ident) in seen]

    async def entity(self, text: str, kind: Kind) -> tuple[EntityKey, ProjectState] | None:
        """Parse a human key and return its project; None for whatever is none or unknown."""
        key = parse_key(text, kind)
        if key is None:
            return None
        try:
            return key, await self.project(key.project_key)
        except NotFound:
            return None

    async def require(self, project: ProjectState, entity: Entity, right: Right) -> None:
        """Raise ``Forbidden`` unless the caller holds a second right, too."""
        await self._decide(project, Need.of((entity, right)))

    async def was_given(self, scheme: Scheme) -> bool:
        """Whether this scheme is enforced and gives the user the right; not that none forbids it.

        For the owner of schemes, who decides by the stored one and not by a view.
        """
        if not scheme.enforced or self.principal.account_id is None:
            return False
        return await self._lacking_in(scheme, self.need) is None

    async def _decide(self, project: ProjectState, need: Need) -> None:
        lacking = await self._lacking(project, need)
        if lacking is not None:
            entity, right = lacking
            raise Forbidden(
                f"You do not have permission to {right.value} {_NOUNS[entity]} in this project."
            )

    async def _lacking(self, project: ProjectState, need: Need) -> Permission | None:
        """Return what the caller lacks; a project that is not enforced costs no look-up."""
        return await self._lacking_in(await self._scheme(project), need)

    async def _lacking_in(self, scheme: Scheme, need: Need) -> Permission | None:
        account = self.principal.account_id
        if not scheme.enforced or account is None:
            return None
        standing = await self.directory.membership(self.tenant, account)
        lacking = scheme.lacking(need, standing.membership)
        unknown = not roles_known(standing.membership, scheme.project)
        if lacking is not None and unknown and scheme.turns_on_roles(need):
            standing = await self.directory.membership(self.tenant, account, scheme.project)
            if not roles_known(standing.membership, scheme.project):
                raise Unavailable("Your permissions cannot be looked up at present; try again.")
            lacking = scheme.lacking(need, standing.membership)
        if lacking is None and need.writes and not standing.trusted:
            raise Forbidden(_UNVERIFIED)
        return lacking

    async def _scheme(self, project: ProjectState) -> Scheme:
        scheme = self.view.permissions.get(project.id)
        if project.enforced and (scheme is None or not scheme.enforced):
            # the project was told of after the view was made, or its scheme comes after it
            scheme = await self.directory.scheme(self.tenant, project.id)
            if scheme is None or not scheme.enforced:
                raise Unavailable("The project's permissions are not known yet; try again.")
        return scheme or Scheme(project.id, enforced=False, holders={})

    def _learnt(self, project: ProjectState) -> ProjectState:
        # the owner may know a project that the view does not hold yet; whoever renders needs it
        self.view.projects.setdefault(project.id, project)
        return project
