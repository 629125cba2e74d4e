"""Grants in one line."""

from contracts.permissions import Entity, Grant, Holder, Right

EVERY_ENTITY = tuple(Entity)
EVERY_RIGHT = tuple(Right)


def to_user(account: str, entity: Entity, *rights: Right) -> Grant:
    """Grant rights to one account."""
    return Grant(entity=entity, rights=rights, holder=Holder.USER, id=account)


def to_group(group: str, entity: Entity, *rights: Right) -> Grant:
    """Grant rights to the members of a group."""
    return Grant(entity=entity, rights=rights, holder=Holder.GROUP, id=group)


def to_role(role: str, entity: Entity, *rights: Right) -> Grant:
    """Grant rights to whoever has a role in the project."""
    return Grant(entity=entity, rights=rights, holder=Holder.ROLE, id=role)


def everything(holder: Holder, ident: str) -> list[Grant]:
    """Grant every right on everything."""
    return [
        Grant(entity=entity, rights=EVERY_RIGHT, holder=holder, id=ident) for entity in EVERY_ENTITY
    ]
