"""Shelves: what is put aside keeps its document and stands under another tenant's name.

Every query and every index begins with the tenant, so a thing on a shelf is found by none that
does not ask for the shelf, in one single-document write and at no cost for those who read. The
same indexes find what stands on a shelf. Why: docs/adr/0025-shelves.md.
"""

from enum import StrEnum

_MARK = "~"
"""Stands in no tenant's id."""


class Shelf(StrEnum):
    """Why something is put aside."""

    ARCHIVED = "archived"
    """By itself; it can be taken back."""
    ALONG = "along"
    """With what it is in, and taken back with it."""
    REMOVED = "removed"
    """For good: it is going to be erased."""


def shelved(tenant: str, shelf: Shelf | None) -> str:
    """Return the name that a tenant's things have on a shelf; None: where everybody sees them."""
    return tenant if shelf is None else f"{tenant}{_MARK}{shelf}"


def home(name: str) -> str:
    """Return the tenant whose things have this name, on whichever shelf."""
    return name.partition(_MARK)[0]


def everywhere(tenant: str) -> list[str]:
    """Return all names of a tenant's things but those that are being erased."""
    return [tenant, shelved(tenant, Shelf.ARCHIVED), shelved(tenant, Shelf.ALONG)]
