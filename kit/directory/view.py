"""What a service needs to know of a tenant to serve a request, and where it gets it."""

from dataclasses import dataclass, field
from typing import Protocol

from contracts.tenancy import ProjectState, SigningKeyState, TenantState, TenantStatus
from kit.directory.memberships import Standing
from kit.directory.permissions import Scheme


@dataclass(frozen=True)
class TenantView:
    """One tenant, its projects, their permissions and revoked tokens, at most a second old."""

    tenant: TenantState
    projects: dict[int, ProjectState]
    revoked_tokens: frozenset[str]
    permissions: dict[int, Scheme] = field(default_factory=dict)
    """By project; a project without a scheme is not enforced, unless its state says so."""

    @property
    def active(self) -> bool:
        """Whether the tenant may be served."""
        return self.tenant.status is TenantStatus.ACTIVE

    @property
    def complete(self) -> bool:
        """Whether the scheme of every project that is enforced is there, and says so, too."""
        return all(
            not project.enforced
            or ((scheme := self.permissions.get(project.id)) is not None and scheme.enforced)
            for project in self.projects.values()
        )

    def by_key(self, key: str) -> ProjectState | None:
        """Return the usable project that has this key or alias."""
        for project in self.projects.values():
            if usable(project) and project.key == key:
                return project
        for project in self.projects.values():
            if usable(project) and key in project.aliases:
                return project
        return None


def usable(project: ProjectState) -> bool:
    """Whether a project shows in /v2."""
    return project.enabled and not project.deleted


class Directory(Protocol):
    """Tenancy's published state. tenancy answers from its own database, others from a copy."""

    async def tenant(self, tenant: str) -> TenantView | None:
        """Return the tenant, None when unknown."""
        ...

    async def project_by_key(self, tenant: str, key: str) -> ProjectState | None:
        """Return an enabled project by key or alias; asks the owner before it says None."""
        ...

    async def project(self, tenant: str, project: int) -> ProjectState | None:
        """Return an enabled project by id; asks the owner before it says None."""
        ...

    async def scheme(self, tenant: str, project: int) -> Scheme | None:
        """Return the permission scheme of a project as it is known now."""
        ...

    async def signing_key(self, kid: str) -> SigningKeyState | None:
        """Return a public key that signs API tokens; asks the owner before it says None."""
        ...

    async def membership(self, tenant: str, account: str, roles_in: int | None = None) -> Standing:
        """Return what a user is a member of, with the roles in a project where it is named.

        Raises ``Unavailable`` when nothing is known of the user and Jira cannot be asked.
        """
        ...
