"""Jira's issues, behind tenancy's ``/internal/v1/issues``, for tests that run without a Jira.

Service tokens are verified for real, so an answer is about the tenant that a service asked for.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

import httpx
from fastapi import APIRouter, Depends, Request, Response

from contracts.internal import IssueRef, IssuesAnswer, IssuesRequest
from contracts.routes import EXECUTIONS, TESTCASES
from devstack.standin.serving import Listeners, bind, port_of
from kit.auth.service_tokens import ServiceTokens
from kit.clock import SystemClock
from kit.errors import NotFound, Unavailable
from kit.http.app import internal_app
from kit.http.body import JsonBody
from kit.http.security import TenantCaller, TenantPeerOf
from kit.observability.health import Health
from tests.harness.installation import Installation

_Caller = Annotated[TenantCaller, Depends(TenantPeerOf(TESTCASES, EXECUTIONS))]
_Body = Annotated[IssuesRequest, Depends(JsonBody(IssuesRequest))]
_JIRA_PROJECT = 10_000
_OF_THE_CONNECTION = {"host", "connection", "content-length"}


async def nothing() -> None:
    """Let nothing happen meanwhile."""


class JiraIssues:
    """Issues of tenants by id; a tenant without an entry has no Jira."""

    def __init__(self) -> None:
        self.of: dict[str, dict[int, str]] = {}
        self.url = ""
        self.down = False
        self.asked: list[IssuesRequest] = []
        self.meanwhile: Callable[[], Awaitable[None]] = nothing
        """Runs between Jira's answer and its way back."""
        self.api = APIRouter(prefix="/internal/v1")
        self.api.post("/issues")(self._find)

    async def _find(self, caller: _Caller, body: _Body) -> IssuesAnswer:
        self.asked.append(body)
        if self.down:
            raise Unavailable("Jira does not answer.")
        if caller.tenant not in self.of:
            raise NotFound("The tenant has no Jira site.")
        keys = self.of[caller.tenant]
        ids = {key: ident for ident, key in keys.items()}
        by_key = [(key.upper(), ids.get(key.upper())) for key in body.keys]
        by_id = [(str(ident), ident if ident in keys else None) for ident in body.ids]
        found = [
            IssueRef(id=ident, key=keys[ident], asked=asked, project=_JIRA_PROJECT)
            for asked, ident in by_key + by_id
            if ident is not None
        ]
        await self.meanwhile()
        return IssuesAnswer(issues=found)


@contextlib.asynccontextmanager
async def jira_issues(installation: Installation) -> AsyncIterator[JiraIssues]:
    """Answer at the address that the services of the installation take for tenancy's."""
    found = JiraIssues()
    found.api.get("/projects/{key}")(_no_project)
    async with _serving(installation, found, installation.internal_ports["tenancy"]):
        yield found


@contextlib.asynccontextmanager
async def jira_beside_tenancy(installation: Installation) -> AsyncIterator[JiraIssues]:
    """Answer for a running tenancy, which gets all other questions; services ask at ``url``."""
    found = JiraIssues()
    owner = f"http://127.0.0.1:{installation.internal_ports['tenancy']}"
    async with httpx.AsyncClient(base_url=owner, trust_env=False, timeout=30) as http:

        async def pass_on(request: Request) -> Response:
            headers = {n: v for n, v in request.headers.items() if n not in _OF_THE_CONNECTION}
            answer = await http.request(
                request.method,
                request.url.path,
                params=request.url.query,
                headers=headers,
                content=await request.body(),
            )
            return Response(answer.content, answer.status_code, media_type="application/json")

        found.api.add_api_route("/{path:path}", pass_on, methods=["GET", "POST"])
        async with _serving(installation, found, 0):
            yield found


async def _no_project(_: _Caller, key: str) -> None:
    raise NotFound(f"There is no project {key} beyond those that were published.")


@contextlib.asynccontextmanager
async def _serving(installation: Installation, found: JiraIssues, port: int) -> AsyncIterator[None]:
    tokens = ServiceTokens.from_files(
        "tenancy",
        installation.folder / "tenancy.pem",
        installation.folder / "peers.json",
        SystemClock(),
    )
    listeners = Listeners()
    app = internal_app("tenancy", [found.api], tokens, Health())
    socket = bind("127.0.0.1", port)
    found.url = f"http://127.0.0.1:{port_of(socket)}"
    await listeners.serve(app, socket)
    try:
        yield
    finally:
        await listeners.stop()
