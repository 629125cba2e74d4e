"""ASGI middleware of every public listener: paths, CORS, quotas, metrics and traces."""

import time
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit.auth.limits import Quota
from kit.http.params import given
from kit.observability.diagnostics import Recorder, begin_request
from kit.observability.metrics import HTTP_REQUESTS, HTTP_SECONDS
from kit.observability.tracing import server_span

_COMMON_HEADERS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, POST, PUT, DELETE, OPTIONS"),
    (b"access-control-allow-headers", b"Authorization, Content-Type, zscale-source"),
    (
        b"access-control-expose-headers",
        b"X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    # heeded where it came by TLS only; Atlassian asks for it of proxy and app
    (b"strict-transport-security", b"max-age=31536000"),
]


class Surface:
    """A trailing slash is answered in place, empty parameters are none, CORS headers for all."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = {**scope, "state": dict(scope.get("state") or {})}
        path: str = scope["path"]
        if len(path) > 1 and path.endswith("/"):
            scope["path"] = path.rstrip("/") or "/"
        if query := scope["query_string"]:
            scope["query_string"] = given(scope["method"], path, query)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = surface_headers(scope, message["headers"])
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        if scope["method"] == "OPTIONS":
            await with_headers({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await self._app(scope, receive, with_headers)


def surface_headers(
    scope: Scope, present: Iterable[tuple[bytes, bytes]]
) -> list[tuple[bytes, bytes]]:
    """Return what every answer of the public API carries and this one lacks."""
    names = {name.lower() for name, _ in present}
    return [h for h in _COMMON_HEADERS if h[0] not in names] + _quota_headers(scope)


def _quota_headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Say what is left to the token of the request, if it carried a valid one."""
    quota: Quota | None = scope.get("state", {}).get("quota")
    if quota is None:
        return []
    return [
        (b"x-ratelimit-limit", b"%d" % quota.limit),
        (b"x-ratelimit-remaining", b"%d" % quota.remaining),
        (b"x-ratelimit-reset", b"%d" % quota.reset),
    ]


class Observe:
    """Counts and traces requests by route template, never by path.

    At the edge, the public listener, a sample of them is noted for ``kit.diagnostics``, too.
    """

    def __init__(
        self, app: ASGIApp, recorder: Recorder | None = None, *, edge: bool = False
    ) -> None:
        self._app = app
        self._recorder = recorder
        self._edge = edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500
        begin_request(self._recorder)

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        with server_span(scope["method"], headers) as span:
            try:
                await self._app(scope, receive, watch)
            finally:
                # the router leaves the matched route in the scope
                route = getattr(scope.get("route"), "path", "unmatched")
                span.update_name(f"{scope['method']} {route}")
                span.set_attribute("http.response.status_code", status)
                HTTP_REQUESTS.labels(scope["method"], route, status).inc()
                took = time.perf_counter() - started
                HTTP_SECONDS.labels(scope["method"], route).observe(took)
                if self._edge and self._recorder is not None:
                    self._recorder.request(scope["method"], route, status, took)
