"""Plain endpoints in front of the public API, for the few routes that are called without end.

They get the same error shapes, metrics and traces as every other route, and none of what costs
more than their own work: middleware, matching, dependencies. A path is matched as a whole.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache

from fastapi import Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from kit.errors import OstroError
from kit.http.errors import invalid_response, last_resort, ostro_response
from kit.observability.diagnostics import RECORDER, Recorder, begin_request
from kit.observability.metrics import HTTP_REQUESTS, HTTP_SECONDS
from kit.observability.tracing import sampled, server_span

Endpoint = Callable[[Scope, Receive], Awaitable[Response]]
"""Reads the request and returns the answer; raises like any route."""
Target = tuple[str, str]
"""Method and path."""

_PARENT = b"traceparent"
_GONE = 499
"""Counted for a client that left; nobody gets it."""


class FastRoutes:
    """An application with endpoints in front of it."""

    def __init__(self, app: ASGIApp, endpoints: Mapping[Target, Endpoint]) -> None:
        self._app = app
        self._endpoints = dict(endpoints)
        self._recorder = RECORDER.get()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            endpoint = self._endpoints.get((scope["method"], scope["path"]))
            if endpoint is not None:
                await _serve(endpoint, self._recorder, scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _serve(
    endpoint: Endpoint, recorder: Recorder | None, scope: Scope, receive: Receive, send: Send
) -> None:
    started = time.perf_counter()
    begin_request(recorder)
    method, path = scope["method"], scope["path"]
    parents = {k.decode(): v.decode("latin-1") for k, v in scope["headers"] if k == _PARENT}
    status = 500
    try:
        if parents or sampled():
            with server_span(f"{method} {path}", parents) as span:
                status = await _exchange(endpoint, scope, receive, send)
                span.set_attribute("http.response.status_code", status)
        else:
            # a span that goes nowhere would cost an eighth of the whole request
            status = await _exchange(endpoint, scope, receive, send)
    finally:
        requests, seconds = _counters(method, path, status)
        requests.inc()
        took = time.perf_counter() - started
        seconds.observe(took)
        if recorder is not None:
            recorder.request(method, path, status, took)


async def _exchange(endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> int:
    """Answer; return the status that was sent."""
    try:
        response = await answered(endpoint, scope, receive)
        await response(scope, receive, send)
    except ClientDisconnect:
        return _GONE
    except Exception as error:  # noqa: BLE001  last_resort logs it: the server would with its text
        last_resort(error)
        raise ConnectionAbortedError from None
    return response.status_code


async def answered(endpoint: Endpoint, scope: Scope, receive: Receive) -> Response:
    """Return what an endpoint answers, whatever it raises; ``ClientDisconnect`` goes on."""
    try:
        return await endpoint(scope, receive)
    except OstroError as error:
        return ostro_response(error)
    except RequestValidationError as error:
        return invalid_response(error)
    except ClientDisconnect:
        raise
    except Exception as error:  # noqa: BLE001  nothing unknown reaches the server's log
        return last_resort(error)


@lru_cache(maxsize=1024)
def _counters(method: str, path: str, status: int) -> tuple[Counter, Histogram]:
    return HTTP_REQUESTS.labels(method, path, status), HTTP_SECONDS.labels(method, path)
