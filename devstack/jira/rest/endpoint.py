"""The REST entry: site by Host, authentication, scope, strictness, then the operation."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from devstack.jira.model import Site
from devstack.jira.records import Auth, Call, Unimplemented
from devstack.jira.rest import (
    addons,
    groups,
    issue_changes,
    issues,
    parts,
    permissions,
    projects,
    server,
    users,
    webhooks,
)
from devstack.jira.rest.auth import Caller, Refused, identify
from devstack.jira.rest.faults import RestFault
from devstack.jira.rest.operation import (
    Ask,
    BadRequest,
    Operation,
    Reply,
    Unsupported,
    errors,
    parsed_query,
)
from devstack.jira.world import World

OPERATIONS: tuple[Operation, ...] = (
    *issues.OPERATIONS,
    *issue_changes.OPERATIONS,
    *projects.OPERATIONS,
    *parts.OPERATIONS,
    *users.OPERATIONS,
    *groups.OPERATIONS,
    *server.OPERATIONS,
    *permissions.OPERATIONS,
    *addons.OPERATIONS,
    *webhooks.OPERATIONS,
)

UNAUTHENTICATED = "Client must be authenticated to access this resource."


def raw_target(request: Request) -> str:
    """Path and query as they came over the wire; a framework's decoded path gives a wrong qsh."""
    path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope["query_string"]
    target = path.decode("utf-8", "replace")
    return f"{target}?{query.decode('utf-8', 'replace')}" if query else target


class RestEndpoint:
    def __init__(self, world: World) -> None:
        self._world = world

    async def __call__(self, request: Request) -> Response:
        """Serve any path of a site."""
        target = raw_target(request)
        site, moved = self._world.site_at(request.headers.get("host", ""))
        if site is None:
            known = [known.base_url for known in self._world.state.sites.values()]
            return self._done(
                request, target, "open", errors(404, f"No site here; sites: {known}"), "host"
            )
        if moved:
            self._log(request, target, "open", 302, "the site has moved")
            return RedirectResponse(site.base_url + target, 302)
        if site.suspended:
            self._log(request, target, "open", 503, "suspended")
            return HTMLResponse("<html><body>Site temporarily unavailable</body></html>", 503)
        fault = self._world.faults.take(request.url.path)
        if fault is not None:
            return await self._faulty(request, target, fault)
        return await self._serve(request, target, site)

    async def serve_as(self, request: Request, target: str, site: Site, caller: Caller) -> Response:
        """For a caller who was identified elsewhere; `target` as it is on the site."""
        fault = self._world.faults.take(target.partition("?")[0])
        if fault is not None:
            return await self._faulty(request, target, fault)
        return await self._serve(request, target, site, caller)

    async def _serve(
        self, request: Request, target: str, site: Site, known: Caller | None = None
    ) -> Response:
        raw_path, _, raw_query = target.partition("?")
        operation, parameters = self._operation(request.method, raw_path)
        if operation is None:
            return self._unimplemented(request, target, f"{request.method} {raw_path}")
        try:
            caller = known or identify(
                self._world, site, request.method, target, request.headers.get("authorization")
            )
        except Refused as refused:
            return self._done(request, target, refused.auth, refused.reply, refused.reason)
        body = await request.body()
        refusal = self._barred(operation, caller, body)
        if refusal is not None:
            return self._done(request, target, caller.auth, refusal, "barred")
        query = parsed_query(raw_query)
        unknown = [name for name, _ in query if name not in operation.query and name != "jwt"]
        if unknown:
            return self._unimplemented(request, target, f"query parameter {unknown[0]}")
        ask = Ask(self._world, site, caller.app, parameters, query, body, caller.user)
        try:
            reply = operation.handler(ask)
        except BadRequest as error:
            reply = errors(400, str(error))
        except Unsupported as error:
            return self._unimplemented(request, target, str(error))
        return self._done(request, target, caller.auth, reply, "")

    @staticmethod
    def _operation(method: str, raw_path: str) -> tuple[Operation | None, dict[str, str]]:
        for operation in OPERATIONS:
            parameters = operation.match(method, raw_path)
            if parameters is not None:
                return operation, parameters
        return None, {}

    @staticmethod
    def _barred(operation: Operation, caller: Caller, body: bytes) -> Reply | None:
        if operation.method == "GET" and body:
            return errors(403, "A GET request must not have a body.")  # CHANGE-2328
        if caller.app is None:
            return None if operation.anonymous else errors(401, UNAUTHENTICATED)
        if operation.scope is not None and operation.scope not in caller.app.scopes:
            return Reply(403, {"message": f"The app is missing the scope {operation.scope}."})
        return None

    async def _faulty(self, request: Request, target: str, fault: RestFault) -> Response:
        await asyncio.sleep(fault.seconds)
        self._log(request, target, "open", fault.status, "fault")
        if isinstance(fault.body, str):
            return Response(fault.body, fault.status, fault.headers)
        return JSONResponse(fault.body, fault.status, fault.headers)

    def _unimplemented(self, request: Request, target: str, what: str) -> Response:
        self._world.records.unimplemented.add(
            Unimplemented(self._world.clock.now(), request.method, target, what)
        )
        reply = errors(501, f"The Jira stand-in does not know {what}")
        return self._done(request, target, "open", reply, "unimplemented")

    def _done(
        self, request: Request, target: str, auth: Auth, reply: Reply, reason: str
    ) -> Response:
        self._log(request, target, auth, reply.status, reason)
        if reply.body is None:
            return Response(status_code=reply.status, headers=reply.headers)
        content: Any = reply.body
        return JSONResponse(content, reply.status, reply.headers)

    def _log(self, request: Request, target: str, auth: Auth, status: int, reason: str) -> None:
        place = request.headers.get("host", "")
        self._world.records.calls.add(
            Call(self._world.clock.now(), place, request.method, target, auth, status, reason)
        )
