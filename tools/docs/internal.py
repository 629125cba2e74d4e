"""Who may ask what on the internal listeners, from the routes themselves."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from kit.http.security import PeerOf
from tools.docs.markdown import code, table
from tools.docs.openapi import all_parts

Operation = tuple[str, str]
"""Method and path template."""
PREFIX = "/internal"


def api_routes(router: Any) -> Iterator[APIRoute]:
    """Return the routes of a router and of those that it includes."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif (included := getattr(route, "original_router", None)) is not None:
            yield from api_routes(included)


def peers(app: FastAPI) -> Mapping[Operation, list[PeerOf]]:
    """Return every internal operation with what it says of its callers."""
    return {
        (method, route.path_format): [
            found.call for found in route.dependant.dependencies if isinstance(found.call, PeerOf)
        ]
        for route in api_routes(app.router)
        if route.path_format.startswith(PREFIX)
        for method in route.methods or ()
    }


def render() -> str:
    """Return the table."""
    return asyncio.run(_table())


async def _table() -> str:
    async with all_parts() as parts:
        return table(
            ("service", "route", "may be asked by"),
            (
                (service, code(f"{method} {path}"), ", ".join(sorted(peer.services)))
                for service, part in parts.items()
                for (method, path), found in sorted(peers(part.internal).items(), key=_by_path)
                for peer in found
            ),
        )


def _by_path(item: tuple[Operation, list[PeerOf]]) -> tuple[str, str]:
    (method, path), _ = item
    return path, method
