"""`api.atlassian.com`: a site's REST API for system and user tokens, and the installation API."""

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from devstack.jira.forge import access
from devstack.jira.forge.app import GrantedToken
from devstack.jira.forge.invocation import api_base_url
from devstack.jira.model import ForgeInstallation, Site
from devstack.jira.records import Call
from devstack.jira.rest.auth import Caller
from devstack.jira.rest.endpoint import RestEndpoint, raw_target
from devstack.jira.world import World

MARK = "/ex/jira/"
# Both as on the real host and below /api, for those who keep it apart from the site.
PREFIXES = ("", "/api")


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


class Gateway:
    def __init__(self, world: World, rest: RestEndpoint) -> None:
        self._world = world
        self._rest = rest

    async def site(self, request: Request) -> Response:
        """`/ex/jira/{cloudId}/rest/...`, which nobody calls without a token."""
        target = raw_target(request)
        cloud_id, _, inner = target.partition(MARK)[2].partition("/")
        site = self._site(cloud_id)
        if site is None:
            return self._refused(request, 404, "Not Found", "no such cloud id")
        if site.suspended:
            return HTMLResponse("<html><body>Site temporarily unavailable</body></html>", 503)
        found = access.granted(self._world, site, _bearer(request))
        if found is None:
            return self._refused(request, 401, "Unauthorized", "no token of this site")
        installed, token = found
        if installed.denied_until > self._world.clock.now():
            return self._refused(request, 403, "Forbidden", "permissions come late")
        caller = Caller("bearer", installed.installation, token.account_id)
        return await self._rest.serve_as(request, "/" + inner, site, caller)

    async def licence(self, request: Request) -> Response:
        """Of the calling app; the shape of a result is assumed from Forge's pages."""
        found = self._caller(request)
        if found is None:
            return self._refused(request, 401, "Unauthorized", "no token")
        state = found[1].installation.licence
        app = self._world.state.forge_app
        data: dict[str, Any] | None = None
        if state not in ("unlicensed_free", "none_page"):
            data = {
                "isActive": state != "expired",
                "isEvaluation": state == "evaluation",
                "type": "COMMERCIAL",
                "supportEntitlementNumber": "SEN-1234567",
            }
        result = {"appId": app.app_id if app else "", "data": data}
        return self._answer(request, 200, {"results": [result]}, "")

    async def installation(self, request: Request) -> Response:
        """Of the installation the token is for; another one is refused."""
        found = self._caller(request)
        if found is None:
            return self._refused(request, 401, "Unauthorized", "no token")
        site, installed, _token = found
        wanted = request.path_params["installation"]
        if wanted not in (installed.id, installed.id.rpartition("/")[2]):
            return self._refused(request, 403, "Forbidden", "another installation")
        content = {
            "id": installed.id,
            "appVersion": installed.version,
            "contexts": [f"ari:cloud:jira::site/{site.cloud_id}"],
            "scopes": installed.installation.scopes,
            "apiBaseUrl": api_base_url(self._world, site),
        }
        return self._answer(request, 200, content, "")

    def _site(self, cloud_id: str) -> Site | None:
        sites = self._world.state.sites.values()
        return next((site for site in sites if site.cloud_id == cloud_id), None)

    def _caller(self, request: Request) -> tuple[Site, ForgeInstallation, GrantedToken] | None:
        for site in self._world.state.sites.values():
            found = access.granted(self._world, site, _bearer(request))
            if found is not None:
                return site, *found
        return None

    def _refused(self, request: Request, status: int, message: str, reason: str) -> Response:
        return self._answer(request, status, {"code": status, "message": message}, reason)

    def _answer(
        self, request: Request, status: int, content: dict[str, Any], reason: str
    ) -> Response:
        self._world.records.calls.add(
            Call(
                at=self._world.clock.now(),
                place="forge",
                method=request.method,
                target=raw_target(request),
                auth="bearer",
                status=status,
                reason=reason,
            )
        )
        return JSONResponse(content, status)
