"""Permission schemes: what may be set, and what would lock everybody out."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from contracts.permissions import (
    MAX_GRANTS,
    MAX_HOLDER_LENGTH,
    Entity,
    Grant,
    Holder,
    ProjectPermissions,
    Right,
)
from kit.errors import InvalidInput

_IDS = {
    Holder.USER: re.compile(rf"[-:a-zA-Z0-9]{{1,{MAX_HOLDER_LENGTH}}}"),
    Holder.GROUP: re.compile(rf"[-:_a-zA-Z0-9]{{1,{MAX_HOLDER_LENGTH}}}"),
    Holder.ROLE: re.compile(r"[0-9]{1,19}"),
}
"""Account id, group id and role id, as Jira gives them; names are refused."""


def checked_grants(grants: Sequence[Grant]) -> tuple[Grant, ...]:
    """Return the grants in one form: one per entity and holder, rights without repeats.

    Raises ``InvalidInput`` for too many of them, for one without rights, and for what is no id.
    """
    if len(grants) > MAX_GRANTS:
        raise InvalidInput(f"grants must not hold more than {MAX_GRANTS} grants")
    rights: defaultdict[tuple[Entity, Holder, str], set[Right]] = defaultdict(set)
    for grant in grants:
        if not grant.rights:
            raise InvalidInput("rights must name at least one right")
        if not _IDS[grant.holder].fullmatch(grant.id):
            raise InvalidInput(f"id must be the id of a {grant.holder.value} in Jira, no name")
        rights[grant.entity, grant.holder, grant.id].update(grant.rights)
    return tuple(
        Grant(entity=entity, rights=_in_order(found), holder=holder, id=ident)
        for (entity, holder, ident), found in sorted(rights.items())
    )


def check_not_locked_out(permissions: ProjectPermissions) -> None:
    """Raise ``InvalidInput`` when nobody could change the scheme by right."""
    if permissions.enforced and not any(
        grant.entity is Entity.CONFIGURATION and Right.EDIT in grant.rights
        for grant in permissions.grants
    ):
        raise InvalidInput(
            "No grant lets anybody edit the configuration, so that only a token with the scope "
            "admin could change the permissions again; force it if that is what you want."
        )


def _in_order(rights: Iterable[Right]) -> tuple[Right, ...]:
    given = set(rights)
    return tuple(right for right in Right if right in given)
