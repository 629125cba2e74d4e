"""Clients of the running service, as one tenant's user and as another service."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from contracts.ids import public_id
from contracts.internal import (
    EnsureRequest,
    OptionsAnswer,
    ResolveRequest,
    TestCasesAnswer,
    UploadEndedRequest,
)
from contracts.testcases import OptionState, TestCaseState
from kit.auth.principal import Principal
from kit.http.client import InternalClient
from kit.mongo import Database
from tests.harness.polling import eventually
from tests.harness.tenancy_world import TenancyWorld


@dataclass
class Library:
    """The running service."""

    world: TenancyWorld
    http: httpx.AsyncClient
    internal: InternalClient
    internal_url: str
    api_base: str
    database: Database

    async def site(self, *, key: str = "DEMO", project: int | None = None, **tenant: Any) -> "Site":
        """Make a tenant with an enabled project and wait until the service serves it."""
        name = f"ten{secrets.token_hex(5)}"
        # the project first: a tenant seen without it would be remembered so for a second
        state = await self.world.project(name, key, id=project)
        await self.world.tenant(name, **tenant)
        site = Site(self, name, state.id, key, self.world.headers(name))
        await site.until("/testcases", 200, projectKey=key)
        return site

    async def add_project(
        self, tenant: str, key: str, project: int | None = None, **fields: Any
    ) -> "Site":
        """Enable a project in a tenant and wait until the service serves it."""
        state = await self.world.project(tenant, key, id=project, **fields)
        site = Site(self, tenant, state.id, key, self.world.headers(tenant))
        await site.until("/testcases", 200, projectKey=key)
        return site


@dataclass
class Site:
    """One tenant; ``headers`` carry a token with every scope."""

    library: Library
    tenant: str
    project: int
    key: str
    headers: dict[str, str]

    def id(self, number: int) -> int:
        """Return a public id of the project."""
        return public_id(self.project, number)

    def url(self, path: str) -> str:
        """Return the absolute URL that answers show."""
        return self.library.api_base + path

    def as_(self, **claims: Any) -> "Site":
        """Return the same tenant with another token."""
        headers = self.library.world.headers(self.tenant, **claims)
        return Site(self.library, self.tenant, self.project, self.key, headers)

    async def get(self, path: str, **params: Any) -> httpx.Response:
        """GET below /v2."""
        return await self.library.http.get(f"/v2{path}", params=params, headers=self.headers)

    async def until(self, path: str, status: int, *, seconds: float = 20, **params: Any) -> None:
        """Wait until GET answers with a status."""

        async def answer() -> int:
            return (await self.get(path, **params)).status_code

        await eventually(answer, lambda found: found == status, seconds=seconds)

    async def read(self, path: str, **params: Any) -> Any:
        """GET what must be there."""
        response = await self.get(path, **params)
        assert response.status_code == 200, response.text
        return response.json()

    async def post(self, path: str, body: Any) -> httpx.Response:
        """POST JSON below /v2."""
        return await self.library.http.post(f"/v2{path}", json=body, headers=self.headers)

    async def put(self, path: str, body: Any) -> httpx.Response:
        """PUT JSON below /v2."""
        return await self.library.http.put(f"/v2{path}", json=body, headers=self.headers)

    async def create(self, path: str, **body: Any) -> Any:
        """POST what must be accepted; the project key is filled in."""
        response = await self.post(path, {"projectKey": self.key} | body)
        assert response.status_code == 201, response.text
        return response.json()

    async def refused(self, path: str, **body: Any) -> tuple[int, str]:
        """POST what must be refused; return status and message, in the vendor's shape."""
        response = await self.post(path, {"projectKey": self.key} | body)
        return fault(response)

    async def ensure(
        self, upload: str, names: Sequence[str], *, principal: Principal | None = None
    ) -> dict[str, TestCaseState]:
        """Ask as executions does; by name."""
        answer = await self.library.internal.post(
            "/internal/v1/testcases/ensure",
            EnsureRequest(project=self.project, upload=upload, names=list(names)),
            TestCasesAnswer,
            tenant=self.tenant,
            principal=principal,
        )
        return {case.name: case for case in answer.cases}

    async def resolve(
        self, *, numbers: Sequence[int] = (), names: Sequence[str] = ()
    ) -> list[TestCaseState]:
        """Ask as executions does."""
        answer = await self.library.internal.post(
            "/internal/v1/testcases/resolve",
            ResolveRequest(project=self.project, numbers=tuple(numbers), names=tuple(names)),
            TestCasesAnswer,
            tenant=self.tenant,
        )
        return answer.cases

    async def end(self, upload: str, verdict: str) -> None:
        """Say ``accepted`` or ``aborted``."""
        await self.library.internal.tell(
            f"/internal/v1/uploads/{upload}/{verdict}",
            UploadEndedRequest(project=self.project),
            tenant=self.tenant,
        )

    async def options(self) -> list[OptionState]:
        """Ask for all options as executions does."""
        answer = await self.library.internal.get(
            "/internal/v1/options",
            OptionsAnswer,
            tenant=self.tenant,
            params={"project": self.project},
        )
        return answer.options

    async def case_names(self) -> list[str]:
        """Return the names of all visible cases, by id."""
        page = await self.read("/testcases", projectKey=self.key, maxResults=1000)
        assert page["total"] == len(page["values"])
        return [case["name"] for case in page["values"]]


def fault(response: httpx.Response) -> tuple[int, str]:
    """Return status and message of a refusal; its shape is checked."""
    body = response.json()
    assert set(body) == {"errorCode", "message"}, body
    assert body["errorCode"] == response.status_code
    assert body["message"]
    return response.status_code, body["message"]
