"""The routes of an application, and what each of them asks of its caller."""

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant

from kit.http.security import AccessTo
from tools.docs.internal import Operation, api_routes


def needs(app: FastAPI) -> dict[Operation, set[AccessTo]]:
    """Return every documented operation with the accesses that it asks for, itself or deeper."""
    found = {
        (method, route.path_format): set(_of(route.dependant))
        for route in api_routes(app.router)
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


def _of(dependant: Dependant) -> Iterator[AccessTo]:
    for found in dependant.dependencies:
        if isinstance(found.call, AccessTo):
            yield found.call
        yield from _of(found)
