"""Routes with a fixed path, in front of FastAPI: what they depend on is put in order once.

What FastAPI does for such a route on every request (layers, matching, solving dependencies) costs
as much as many a route itself. Here the same dependencies are called one after the other, and the
query is judged by the same fields. The route stays where it is: documents, rights and tests read it
there, and so does this module.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast, get_type_hints

from fastapi import FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_validation_alias, request_params_to_args
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from starlette.datastructures import QueryParams
from starlette.types import Receive, Scope

from kit.http.fast import Endpoint, Target, answered
from kit.http.middleware import surface_headers
from kit.http.params import given
from kit.http.security import AccessTo

Call = Callable[..., Any]


def prepared(app: FastAPI) -> Mapping[Target, Endpoint]:
    """Return endpoints of the application's routes that are fit for it."""
    routes = (context.route for context in iter_route_contexts(app.routes))
    fit = [r for r in routes if isinstance(r, APIRoute) and _fit(r)]
    return {(method, r.path): _Prepared(app, r) for r in fit for method in r.methods or ()}


def _fit(route: APIRoute) -> bool:
    asks = list(_in_order(route.dependant))
    return (
        "{" not in route.path
        and any(isinstance(a.call, AccessTo) for a in asks)
        and all(map(_plain, asks))
        and get_type_hints(route.endpoint).get("return") is Response
    )


def _in_order(asks: Dependant) -> Iterator[Dependant]:
    """Yield what it depends on, in the order in which FastAPI calls it, and then itself."""
    for dependency in asks.dependencies:
        yield from _in_order(dependency)
    yield asks


def _plain(asks: Dependant) -> bool:
    """Whether it takes nothing but what others return, single parameters and the request."""
    models = (f for f in asks.query_params if _is_model(f.field_info.annotation))
    more = (
        *(asks.path_params, asks.header_params, asks.cookie_params, asks.body_params),
        *(asks.response_param_name, asks.http_connection_param_name, asks.websocket_param_name),
        *(asks.background_tasks_param_name, asks.security_scopes_param_name, asks.concurrency),
    )
    return asks.use_cache and _is_coroutine(asks.call) and not any((*more, *models))


def _is_coroutine(call: Call | None) -> bool:
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


class _Step:
    """One call of a request; all else that it takes are results of earlier ones."""

    def __init__(self, asks: Dependant) -> None:
        self.call = cast("Call", asks.call)
        self.needs = [(d.name, cast("Call", d.call)) for d in asks.dependencies]
        self.request = asks.request_param_name
        fields = asks.query_params
        self._required = [f for f in fields if f.field_info.is_required()]
        self._optional = {get_validation_alias(f): f for f in fields if f not in self._required}
        self._defaults = {f.name: f.default for f in self._optional.values()}

    def query(self, params: QueryParams) -> tuple[dict[str, Any], Sequence[Any]]:
        """Return the values of its own parameters and what is wrong with them."""
        # most are absent most of the time, and FastAPI is slow about that
        present = [field for name, field in self._optional.items() if name in params]
        values, faults = request_params_to_args([*self._required, *present], params)
        return self._defaults | values, faults


class _Prepared:
    def __init__(self, app: FastAPI, route: APIRoute) -> None:
        self._app = app
        self._route = route
        # by what is called: once, whatever many depend on it
        self._steps = list({a.call: _Step(a) for a in _in_order(route.dependant)}.values())

    async def __call__(self, scope: Scope, receive: Receive) -> Response:
        scope["app"], scope["route"] = self._app, self._route
        scope["state"] = dict(scope.get("state") or {})
        scope["query_string"] = given(scope["method"], scope["path"], scope["query_string"])
        response = await answered(self._respond, scope, receive)
        response.raw_headers += surface_headers(scope, response.raw_headers)
        return response

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        request = Request(scope, receive)
        results: dict[Call, Any] = {}
        faults: list[Any] = []
        for step in self._steps:
            arguments, wrong = step.query(request.query_params)
            faults += wrong
            # as FastAPI has it: what depends on something faulty is not called, all else is
            if wrong or not all(call in results for _, call in step.needs):
                continue
            arguments |= {name: results[call] for name, call in step.needs if name is not None}
            if step.request is not None:
                arguments[step.request] = request
            results[step.call] = await step.call(**arguments)
        if faults:
            raise RequestValidationError(faults)
        response: Response = results[self._steps[-1].call]
        return response
