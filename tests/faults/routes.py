"""Every route of the public applications, from their own tables, and who may use it."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi.routing import iter_route_contexts

from kit.auth.principal import Scope
from tools.docs.openapi import public_apps

EVERY_SCOPE = frozenset(Scope)
_UPLOADS = "/v2/automations/executions/"
_CONFIGURATION = "/ostro/v1/testcases/projects/"
_PERMISSIONS = "/ostro/v1/tenancy/projects/{projectIdOrKey}/permissions"
_LIKE_V2 = (
    _CONFIGURATION,
    *(f"/ostro/v1/testcases/{part}/" for part in ("testcases", "folders", "archive")),
    *(
        f"/ostro/v1/executions/{part}/"
        for part in ("projects", "testcycles", "testplans", "testexecutions", "archive")
    ),
    *(f"/ostro/v1/{service}/bulk" for service in ("testcases", "executions")),
)
EXCEPTIONS = {
    # clients test their token with it, also the ones that only upload
    ("GET", "/v2/healthcheck"): EVERY_SCOPE,
    ("GET", "/ostro/v1/executions/uploads/{upload}"): {Scope.READ, Scope.RESULTS},
    ("GET", "/ostro/v1/testcases/search"): {Scope.READ},
    ("GET", "/ostro/v1/executions/search"): {Scope.READ},
    ("GET", _PERMISSIONS): {Scope.ADMIN, Scope.READ},
    ("PUT", _PERMISSIONS): {Scope.ADMIN, Scope.WRITE},
}
"""What the rules in ``Route.scopes`` do not say."""
OTHER_CREDENTIALS = (
    "/connect/",
    "/forge/",
    "/jira/",
    "/.well-known/jwks.json",
    "/ostro/v1/telemetry/events",
    "/ostro/v1/telemetry/notices",
    "/ostro/v1/tenancy/me/",
    "/docs",
)
"""Paths where Jira calls, people inside Jira, or anybody; their own tests say with what."""
NO_CREDENTIALS = ("openapi.json", "docs", "docs/{name}")


@dataclass(frozen=True)
class Route:
    """One operation."""

    service: str
    method: str
    path: str

    @property
    def scopes(self) -> frozenset[Scope]:
        """Scopes each of which suffices."""
        if (found := EXCEPTIONS.get((self.method, self.path))) is not None:
            return frozenset(found)
        if self.path.startswith(_UPLOADS):
            return frozenset({Scope.WRITE, Scope.RESULTS})
        # what is about things of /v2 asks for what the same thing there would
        if self.path.startswith("/ostro/") and not self.path.startswith(_LIKE_V2):
            return frozenset({Scope.ADMIN})
        return frozenset({Scope.READ if self.method == "GET" else Scope.WRITE})

    def url(self, value: str) -> str:
        """Return the path with every parameter replaced."""
        parts = self.path.split("/")
        return "/".join(value if part.startswith("{") else part for part in parts)


async def every_route() -> Sequence[Route]:
    """Return what takes an API token; AssertionError for a path that nobody has thought of."""
    found: list[Route] = []
    async with public_apps() as apps:
        for service, app in apps.items():
            for context in iter_route_contexts(app.routes):
                path = context.path or ""
                if path.removeprefix(f"/ostro/v1/{service}/") in NO_CREDENTIALS:
                    continue
                if path.startswith(OTHER_CREDENTIALS):
                    continue
                assert path.startswith(("/v2/", f"/ostro/v1/{service}/")), path
                methods = sorted((context.methods or set()) - {"HEAD"})
                found += [Route(service, method, path) for method in methods]
    return found
