"""The two applications of a service: the public API and the internal listener."""

from collections.abc import Sequence
from functools import cache, partial

from fastapi import APIRouter, FastAPI, Response
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from kit.auth.api_tokens import ApiTokens
from kit.auth.service_tokens import ServiceTokens
from kit.http import errors
from kit.http.docs import docs_router, openapi_of
from kit.http.middleware import Observe, Surface
from kit.http.pages import json_response
from kit.observability.diagnostics import RECORDER
from kit.observability.health import Health
from kit.observability.metrics import REGISTRY
from kit.version import VERSION

# Observe does it: FastAPI's own spans and logs hold whole paths, and with them keys and names
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


def public_app(service: str, routers: Sequence[APIRouter], tokens: ApiTokens) -> FastAPI:
    """Build the public API; its documents are ``/ostro/v1/{service}/`` openapi.json and docs."""
    app = FastAPI(
        title=f"Ostro {service}",
        version=VERSION,
        openapi_url=f"/ostro/v1/{service}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    app.state.api_tokens = tokens
    for router in [*routers, docs_router(service)]:
        app.include_router(router)
    app.openapi = cache(partial(openapi_of, app))  # type: ignore[method-assign]  # FastAPI's way
    errors.install(app)
    app.add_middleware(Observe, recorder=RECORDER.get(), edge=True)
    app.add_middleware(Surface)
    return app


def internal_app(
    service: str, routers: Sequence[APIRouter], tokens: ServiceTokens, health: Health
) -> FastAPI:
    """Build the internal listener: ``/internal``, ``/health/live``, ``/health/ready``, metrics."""
    app = FastAPI(
        title=f"Ostro {service} internal",
        version=VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    app.state.service_tokens = tokens

    @app.get("/health/live")
    async def live() -> Response:
        return json_response({"status": "live"})

    @app.get("/health/ready")
    async def ready() -> Response:
        failed = await health.ready()
        status = "not ready" if failed else "ready"
        return json_response({"status": status, "failed": failed}, 503 if failed else 200)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    for router in routers:
        app.include_router(router)
    errors.install(app, unknown_route=501)
    app.add_middleware(Observe, recorder=RECORDER.get())
    return app
