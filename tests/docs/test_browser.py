"""The API docs pages in a real browser: they show every operation and ask no other host."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.routes import owner_of
from contracts.tenancy import SERVICES
from tests.harness.browser import BROWSER, opened
from tools.docs.openapi import public_apps

_METHODS = {"get", "put", "post", "delete", "patch"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here"),
]


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_page_shows_every_operation(service: str, tmp_path: Path) -> None:
    async with public_apps() as apps, served(apps[service]) as url:
        dom, log = await opened(f"{url}/ostro/v1/{service}/docs", tmp_path)
        paths = apps[service].openapi()["paths"]
    operations = sum(len(methods.keys() & _METHODS) for methods in paths.values())
    assert len(re.findall(r'class="opblock ', dom)) == operations
    # whatever the page tries beyond its policy is reported there
    assert "Content Security Policy" not in log


async def test_one_page_shows_every_operation_of_all_services(tmp_path: Path) -> None:
    async with public_apps() as apps:

        async def edge(scope: Scope, receive: Receive, send: Send) -> None:
            await apps[owner_of(scope["path"]) or "tenancy"](scope, receive, send)

        async with served(edge) as url:
            dom, log = await opened(f"{url}/docs", tmp_path)
        documents = [app.openapi()["paths"] for app in apps.values()]
    # links are removed by two services, in one operation for the client
    operations = {(p, m) for paths in documents for p in paths for m in paths[p].keys() & _METHODS}
    assert len(re.findall(r'class="opblock ', dom)) == len(operations)
    for broken in ("Missing at present", "Resolver error", "errors-wrapper"):
        assert broken not in dom
    assert "Content Security Policy" not in log
    assert "Uncaught" not in log


async def test_what_breaks_the_policy_is_refused_and_seen(tmp_path: Path) -> None:
    path = "/ostro/v1/telemetry/docs"
    async with public_apps() as apps:
        transport = httpx.ASGITransport(apps["telemetry"])
        async with httpx.AsyncClient(transport=transport, base_url="http://ostro.test") as client:
            page = await client.get(path)
    planted = FastAPI()

    @planted.get(path)
    async def with_a_script_of_its_own() -> Response:
        script = "<script>fetch('http://elsewhere.test/')</script></body>"
        policy = {"content-security-policy": page.headers["content-security-policy"]}
        text = page.text.replace("</body>", script)
        return Response(text, media_type="text/html", headers=policy)

    async with served(planted) as url:
        _, log = await opened(f"{url}{path}", tmp_path)
    assert "Content Security Policy" in log
