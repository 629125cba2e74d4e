"""What routes that delete and archive have in common: their parameters and their answers."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi.routing import APIRoute
from typing_extensions import TypedDict

from kit.auth.principal import Scope
from kit.dependents import Dependents
from kit.errors import InvalidInput
from kit.http.body import asks_something
from kit.http.security import AccessTo, Caller

DryRun = Annotated[
    bool, Query(alias="dryRun", description="change nothing, say what would go with it")
]
Force = Annotated[bool, Query(description="also delete what hangs on it")]


def only_parameters(*names: str) -> Any:
    """Refuse others in requests that change things: a mistyped ``dryRun`` would delete.

    So would one in a body; routes that document none take none, ``{}`` aside.
    """

    async def known(request: Request, caller: Caller) -> None:
        if request.method == "GET":
            return
        # this runs before what the route itself asks: no fault is told to whom it is closed
        caller.principal.require(*_scopes(request.scope["route"]))
        unknown = sorted(set(request.query_params) - set(names))
        if unknown:
            raise InvalidInput(f"{unknown[0][:40]} is no parameter here; nothing was changed.")
        documents = getattr(request.scope["route"], "openapi_extra", None) or {}
        if "requestBody" not in documents and await asks_something(request):
            raise InvalidInput("This request takes no body; nothing was changed.")

    return Depends(known)


def _scopes(route: APIRoute) -> tuple[Scope, ...]:
    found = (dependency.call for dependency in route.dependant.dependencies)
    return next((call.scopes for call in found if isinstance(call, AccessTo)), tuple(Scope))


class DependentsBean(TypedDict):
    """Things of one kind that hang on what is deleted or archived."""

    count: int
    ids: list[int]
    """Of the first hundred."""


class Removed(TypedDict):
    """What was done, or would be."""

    id: int
    key: str | None
    done: bool
    """False for a dry run."""
    dependents: dict[str, DependentsBean]
    """By kind; they go, or are put aside, with it."""
    reasons: list[str]
    """Why it would be refused; empty when it would not."""


class Restored(TypedDict):
    """What shows again."""

    id: int
    key: str | None


class ArchivedBean(TypedDict):
    """Something that is archived."""

    id: int
    key: str | None
    name: str | None
    """None for executions, which have none."""
    archivedOn: str


def removed(
    ident: int, key: str | None, dependents: Dependents, reasons: Sequence[str], *, done: bool
) -> Removed:
    """Render what was done, or would be."""
    return {
        "id": ident,
        "key": key,
        "done": done,
        "dependents": {
            kind: {"count": held.count, "ids": list(held.ids)} for kind, held in dependents.items()
        },
        "reasons": list(reasons),
    }
