"""The Connect app: descriptor and lifecycle calls. Each route takes exactly one credential."""

import hashlib
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response

from kit.errors import TooLarge, Unauthenticated
from kit.http.pages import json_response
from services.tenancy.api.refusals import refusals_told
from services.tenancy.api.signed import signed_request
from services.tenancy.api.webhooks import PATH as WEBHOOKS
from services.tenancy.domain.audit import JIRA
from services.tenancy.domain.deliveries import Delivery
from services.tenancy.domain.jwt import BadToken
from services.tenancy.domain.lifecycle import MAX_BODY_BYTES, Hook, LifecyclePayload, check, parse
from services.tenancy.domain.webhooks import APP_EVENTS
from services.tenancy.usecases.credentials.server_to_server import ServerToServer, TenantCall
from services.tenancy.usecases.credentials.signed_lifecycle import SignedCall, SignedLifecycle
from services.tenancy.usecases.lifecycle import Lifecycle
from services.tenancy.usecases.ports import By

log = structlog.get_logger(__name__)

PREFIX = "/connect"
DESCRIPTOR = "/atlassian-connect.json"
_SCOPES = ["READ"]
_DONE = 204


def descriptor(app_key: str, base_url: str) -> dict[str, Any]:
    """Return the Connect descriptor. Source: facts.md 1."""
    return {
        "key": app_key,
        "name": "Ostro",
        "description": "Open, self-hosted test management for Jira",
        "vendor": {"name": "Ostro", "url": base_url},
        "baseUrl": base_url,
        "links": {"self": base_url + PREFIX + DESCRIPTOR},
        "authentication": {"type": "jwt"},
        "lifecycle": {hook.value: f"{PREFIX}/{hook.value}" for hook in Hook},
        "scopes": _SCOPES,
        "apiMigrations": {"gdpr": True, "signed-install": True, "context-qsh": True},
        "apiVersion": 1,
        "enableLicensing": False,
        "modules": {
            # of issues, only the projects that are in use: those webhooks are registered per site
            "webhooks": [{"event": event, "url": WEBHOOKS} for event in APP_EVENTS],
            "generalPages": [
                {
                    "key": "api-tokens",
                    "name": {"value": "API tokens"},
                    "url": f"{PREFIX}/pages/api-tokens",
                }
            ],
        },
    }


class Hooks:
    """Verifies a lifecycle call, then acts on it."""

    def __init__(
        self,
        signed: SignedLifecycle,
        symmetric: ServerToServer,
        lifecycle: Lifecycle,
        app_key: str,
    ) -> None:
        self._signed = signed
        self._symmetric = symmetric
        self._lifecycle = lifecycle
        self._app_key = app_key

    async def installed(self, request: Request) -> Response:
        """``installed``: RS256."""
        call = await self._signed_call(request, Hook.INSTALLED)
        async with self._refusals(Hook.INSTALLED, call):
            payload, delivery = await self._content(request, Hook.INSTALLED, call)
            await self._lifecycle.installed(payload, delivery, _by(request))
        return Response(status_code=_DONE)

    async def uninstalled(self, request: Request) -> Response:
        """``uninstalled``: RS256; the secret may be gone already."""
        call = await self._signed_call(request, Hook.UNINSTALLED)
        return await self._changed(request, Hook.UNINSTALLED, call)

    async def notification(self, request: Request, hook: Hook) -> Response:
        """``enabled`` and ``disabled``: HS256 with the tenant's secret."""
        try:
            call = await self._symmetric.verify(signed_request(request))
        except BadToken as error:
            raise self._refused(hook, error) from None
        return await self._changed(request, hook, call)

    async def _signed_call(self, request: Request, hook: Hook) -> SignedCall:
        try:
            return await self._signed.verify(signed_request(request))
        except BadToken as error:
            raise self._refused(hook, error) from None

    async def _changed(
        self, request: Request, hook: Hook, call: SignedCall | TenantCall
    ) -> Response:
        async with self._refusals(hook, call):
            payload, delivery = await self._content(request, hook, call)
            await self._lifecycle.changed(hook, payload.client_key, delivery, _by(request))
        return Response(status_code=_DONE)

    def _refusals(
        self, hook: Hook, call: SignedCall | TenantCall
    ) -> AbstractAsyncContextManager[None]:
        def tell(tenant: str | None, reason: str) -> None:
            log.warning("lifecycle call refused", hook=hook.value, tenant=tenant, reason=reason)

        # the token was verified, so its issuer is a client key and no guess at one
        return refusals_told(tell, lambda: self._lifecycle.tenant_of(call.issuer))

    async def _content(
        self, request: Request, hook: Hook, call: SignedCall | TenantCall
    ) -> tuple[LifecyclePayload, Delivery]:
        body = await _body(request)
        payload = parse(body)
        check(payload, hook, issuer=call.issuer, app_key=self._app_key)
        digest = hashlib.sha256(body).hexdigest()
        return payload, Delivery(call.issued_at, call.digest, digest)

    def _refused(self, hook: Hook, error: BadToken) -> Unauthenticated:
        log.warning("lifecycle call refused", hook=hook.value, tenant=None, reason=error.reason)
        # which check failed is for our log, not for whoever tries
        return Unauthenticated(
            "The token of this call is missing or not valid.",
            headers={"WWW-Authenticate": f'JWT realm="{self._app_key}"'},
        )


def router(hooks: Hooks, app_key: str, base_url: str) -> APIRouter:
    """Build the routes under ``/connect``."""
    routes = APIRouter(prefix=PREFIX, tags=["Atlassian Connect"])

    @routes.get(DESCRIPTOR)
    async def app_descriptor() -> Response:
        """Return the descriptor of the Atlassian Connect app."""
        return json_response(descriptor(app_key, base_url))

    @routes.post("/installed", status_code=_DONE)
    async def installed(request: Request) -> Response:
        """Take the installation of the app: Jira calls it, signed."""
        return await hooks.installed(request)

    @routes.post("/uninstalled", status_code=_DONE)
    async def uninstalled(request: Request) -> Response:
        """Take the removal of the app: Jira calls it, signed."""
        return await hooks.uninstalled(request)

    @routes.post("/enabled", status_code=_DONE)
    async def enabled(request: Request) -> Response:
        """Take that the app was enabled: Jira calls it, signed."""
        return await hooks.notification(request, Hook.ENABLED)

    @routes.post("/disabled", status_code=_DONE)
    async def disabled(request: Request) -> Response:
        """Take that the app was disabled: Jira calls it, signed."""
        return await hooks.notification(request, Hook.DISABLED)

    return routes


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge(f"The body may have up to {MAX_BODY_BYTES} bytes.")
    return bytes(body)


def _by(request: Request) -> By:
    return By(JIRA, request.scope["route"].path, request.headers.get("user-agent"))
