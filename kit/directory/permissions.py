"""Rights in a project: what a request needs, and whether a scheme gives it. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from contracts.permissions import Entity, Holder, Membership, ProjectPermissions, Right

Permission = tuple[Entity, Right]
_Party = tuple[Holder, str]


@dataclass(frozen=True)
class Need:
    """What a request needs in a project: each clause, and of a clause one permission."""

    clauses: tuple[tuple[Permission, ...], ...]

    @classmethod
    def of(cls, *all_of: Permission) -> "Need":
        """Return the need of every one of these."""
        return cls(tuple((permission,) for permission in all_of))

    @classmethod
    def any_of(cls, *permissions: Permission) -> "Need":
        """Return the need of one of these."""
        return cls((permissions,))

    @property
    def writes(self) -> bool:
        """Whether looking is not enough."""
        return any(all(right is not Right.VIEW for _, right in c) for c in self.clauses)


@dataclass(frozen=True)
class Scheme:
    """The permission scheme of one project, arranged for look-up."""

    project: int
    enforced: bool
    holders: Mapping[Permission, frozenset[_Party]] = field(repr=False)

    @classmethod
    def of(cls, state: ProjectPermissions) -> "Scheme":
        """Return the scheme as published."""
        holders: defaultdict[Permission, set[_Party]] = defaultdict(set)
        for grant in state.grants:
            for right in grant.rights:
                holders[grant.entity, right].add((grant.holder, grant.id))
        frozen = {permission: frozenset(parties) for permission, parties in holders.items()}
        return cls(state.project, state.enforced, frozen)

    def lacking(self, need: Need, member: Membership) -> Permission | None:
        """Return a permission that a user would need and does not hold; None when all is there."""
        parties = self._parties(member)
        for clause in need.clauses:
            if all(parties.isdisjoint(self._holding(permission)) for permission in clause):
                return clause[0]
        return None

    def turns_on_roles(self, need: Need) -> bool:
        """Whether a role could give some of it."""
        permissions = (permission for clause in need.clauses for permission in clause)
        return any(kind is Holder.ROLE for p in permissions for kind, _ in self._holding(p))

    def _holding(self, permission: Permission) -> frozenset[_Party]:
        return self.holders.get(permission, frozenset())

    def _parties(self, member: Membership) -> set[_Party]:
        if not member.active:
            return set()
        found = {(Holder.GROUP, group) for group in member.groups}
        found |= {
            (Holder.ROLE, role)
            for of_project in member.roles
            if of_project.project == self.project
            for role in of_project.roles
        }
        found.add((Holder.USER, member.account_id))
        return found


def roles_known(member: Membership, project: int) -> bool:
    """Whether the user's roles in the project were looked at; who is not active has none."""
    return not member.active or any(r.project == project for r in member.roles)
