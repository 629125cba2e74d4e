"""Data classes: what kind of data a field holds, written on the field itself.

Every field of every contract and stored document is annotated with one, as in
``Annotated[str, DataClass.JIRA_ID]``; a test fails on a field without one, and the data
inventory is generated from them. ``SECRET`` never appears in ``contracts``.
"""

from collections.abc import Iterator
from enum import StrEnum
from types import UnionType
from typing import (
    Annotated,
    Any,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import BaseModel
from typing_extensions import is_typeddict


class DataClass(StrEnum):
    """The five kinds of data Ostro knows."""

    JIRA_ID = "jira-id"
    """An id or project key that Jira gave us: project, issue, user, group, role, version."""
    PSEUDONYM = "pseudonym"
    """Derived from an id with a key that never leaves telemetry."""
    CUSTOMER_CONTENT = "customer-content"
    """What customers wrote or uploaded: names, comments, failure texts, custom fields."""
    SECRET = "secret"  # noqa: S105  a label, not a password
    """Jira secrets and signing keys; sealed, and in tenancy alone."""
    OPERATIONAL = "operational"
    """Our own ids, counters, states and times."""


def field_classes(model: type) -> Iterator[tuple[str, DataClass | None]]:
    """Yield (field path, data class or None) for a model or TypedDict, nested ones included."""
    hints = get_type_hints(model, include_extras=True)
    names = model.model_fields if issubclass(model, BaseModel) else hints
    for name in names:
        yield from _walk(name, hints[name])


def _walk(path: str, hint: Any) -> Iterator[tuple[str, DataClass | None]]:
    while get_origin(hint) in {NotRequired, Required}:
        hint = get_args(hint)[0]
    found = [m for m in getattr(hint, "__metadata__", ()) if isinstance(m, DataClass)]
    if found:
        yield path, found[0]
        return
    nested = list(_models_in(hint))
    if not nested:
        yield path, None
    for model in nested:
        for sub, data_class in field_classes(model):
            yield f"{path}.{sub}", data_class


def _models_in(hint: Any) -> Iterator[type]:
    if get_origin(hint) is Annotated:
        yield from _models_in(get_args(hint)[0])
    elif get_origin(hint) in {list, tuple, dict, Union, UnionType}:
        for arg in get_args(hint):
            yield from _models_in(arg)
    elif isinstance(hint, type) and (is_typeddict(hint) or issubclass(hint, BaseModel)):
        yield hint
