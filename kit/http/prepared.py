"""Routes that take the caller's access and a JSON body, and nothing else, in front of FastAPI.

What FastAPI does for such a route on every request (layers, matching, solving dependencies) costs
several times what the route itself does. Here the same dependencies are called one after the other.
The route stays where it is: documents, rights and tests read it there, and so does this module.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, get_type_hints

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.types import Receive, Scope

from kit.http.body import JsonBody
from kit.http.fast import Endpoint, answered
from kit.http.middleware import surface_headers
from kit.http.security import AccessTo, caller_of


def prepared(app: FastAPI) -> Mapping[str, Endpoint]:
    """Return endpoints of the application's routes that are fit for it, by path."""
    routes = (context.route for context in iter_route_contexts(app.routes))
    return {r.path: _Prepared(app, r) for r in routes if isinstance(r, APIRoute) and _fit(r)}


def _fit(route: APIRoute) -> bool:
    asks = route.dependant
    params = (
        *(asks.path_params, asks.query_params, asks.header_params, asks.cookie_params),
        asks.body_params,
    )
    return (
        route.methods == {"POST"}
        and "{" not in route.path
        and not any(params)
        and asks.request_param_name is None
        and asks.response_param_name is None
        and asks.background_tasks_param_name is None
        and asks.http_connection_param_name is None
        and asks.security_scopes_param_name is None
        and [type(d.call) for d in asks.dependencies] == [AccessTo, JsonBody]
        and inspect.iscoroutinefunction(route.endpoint)
        and get_type_hints(route.endpoint).get("return") is Response
    )


class _Prepared:
    def __init__(self, app: FastAPI, route: APIRoute) -> None:
        self._app = app
        access, body = route.dependant.dependencies
        self._access: Any = access.call
        self._body: Any = body.call
        self._names = access.name or "", body.name or ""
        self._handle: Callable[..., Awaitable[Response]] = route.endpoint

    async def __call__(self, scope: Scope, receive: Receive) -> Response:
        scope["app"], scope["state"] = self._app, dict(scope.get("state") or {})
        response = await answered(self._respond, scope, receive)
        response.raw_headers += surface_headers(scope, response.raw_headers)
        return response

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        request = Request(scope, receive)
        access = await self._access(request, await caller_of(request))
        body = await self._body(request)
        return await self._handle(**dict(zip(self._names, (access, body), strict=True)))
