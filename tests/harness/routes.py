"""The routes of an application, and what each of them asks of its caller."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from kit.http.security import AccessTo

Operation = tuple[str, str]
"""Method and path template."""


def needs(app: FastAPI) -> dict[Operation, set[AccessTo]]:
    """Return every documented operation with the accesses that it asks for, itself or deeper."""
    found = {
        (method, route.path_format): set(_of(route.dependant))
        for route in _routes(app.router)
        for method in route.methods or ()
    }
    documented = {
        (method.upper(), path)
        for path, operations in app.openapi()["paths"].items()
        for method in operations
    }
    # what serves and what is documented are not found in the same way
    assert documented <= found.keys()
    return {operation: found[operation] for operation in documented}


def _routes(router: Any) -> Iterator[APIRoute]:
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif (included := getattr(route, "original_router", None)) is not None:
            yield from _routes(included)


def _of(dependant: Dependant) -> Iterator[AccessTo]:
    for found in dependant.dependencies:
        if isinstance(found.call, AccessTo):
            yield found.call
        yield from _of(found)
