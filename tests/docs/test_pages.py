"""The API docs pages: whole, and nothing of them comes from or goes to another host."""

import hashlib
import re
from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Any

import httpx
import pytest

from contracts.tenancy import SERVICES
from services.testcases.api.customfields import EXAMPLES, CustomFieldBean
from tools.docs.openapi import public_apps

# swagger-ui-dist 5.32.6 as its makers publish it on npm
RELEASED = {
    "swagger-ui-bundle.js": "4b5a9b35a1adf37f00d39c0bae23cdb37007e2946240ef035137cc85b4d55349",
    "swagger-ui.css": "ca238f7d7c2cf4480c1e77a9c3b9da915ab216e96ffd354e69076560c650c6de",
}
HOST = re.compile(r"(?:https?:)?//[A-Za-z0-9]")


@pytest.fixture(scope="module")
async def clients() -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    async with public_apps() as apps:
        yield {
            name: httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://ostro.test", trust_env=False
            )
            for name, app in apps.items()
        }


@pytest.mark.parametrize("service", SERVICES)
async def test_page_and_all_its_parts_come_from_the_service(
    clients: dict[str, httpx.AsyncClient], service: str
) -> None:
    client = clients[service]
    page = await client.get(f"/ostro/v1/{service}/docs")
    assert page.status_code == (await client.head(f"/ostro/v1/{service}/docs")).status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert not HOST.search(page.text)
    parts = re.findall(r'(?:href|src|data-documents)="([^"]+)"', page.text)
    assert len(parts) == 5
    for part in parts:
        assert part.startswith(f"/ostro/v1/{service}/")
        answer = await client.get(part)
        head = await client.head(part)
        assert (answer.status_code, head.status_code) == (200, 200), part
        assert head.headers["content-length"] == answer.headers["content-length"]
        if part.endswith("start.js"):
            assert not HOST.search(answer.text)
            # Swagger UI's own default sends the document to a validator on the internet
            assert "validatorUrl: null" in answer.text


async def test_the_browser_may_load_and_send_nothing_elsewhere(
    clients: dict[str, httpx.AsyncClient],
) -> None:
    page = await clients["executions"].get("/ostro/v1/executions/docs")
    policy = dict(
        part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["connect-src"] == "'self'"
    assert policy["form-action"] == "'none'"
    assert not HOST.search(page.headers["content-security-policy"])


async def test_the_document_needs_no_token(clients: dict[str, httpx.AsyncClient]) -> None:
    document = await clients["executions"].get("/ostro/v1/executions/openapi.json")
    assert document.status_code == 200
    assert "/v2/testexecutions" in document.json()["paths"]


async def test_every_operation_is_described_in_words_and_says_what_it_takes(
    clients: dict[str, httpx.AsyncClient],
) -> None:
    for service, client in clients.items():
        document = (await client.get(f"/ostro/v1/{service}/openapi.json")).json()
        paths: dict[str, dict[str, dict[str, Any]]] = document["paths"]
        seen = set()
        for path, methods in paths.items():
            for method, operation in methods.items():
                summary, where = operation["summary"], f"{method} {path}"
                assert re.fullmatch(r"[A-Z][a-z]+ [^.;]{5,75}", summary), (where, summary)
                assert operation["description"], where
                # one thing may be reached by two routes: the page of tokens inside of Jira
                assert path.startswith("/forge/ui/") or summary not in seen, (where, summary)
                seen.add(summary)
                bodies = operation.get("requestBody", {}).get("content", {})
                assert ("application/json" in bodies) == ("413" in operation["responses"]), where
    for example in EXAMPLES.values():
        CustomFieldBean.model_validate(example)


@pytest.mark.parametrize("name", ["nothing.js", "..%2f__init__.py", "swagger-ui-bundle.js%00"])
async def test_no_other_file_can_be_read(clients: dict[str, httpx.AsyncClient], name: str) -> None:
    answer = await clients["executions"].get(f"/ostro/v1/executions/docs/{name}")
    assert answer.status_code == 404


@pytest.mark.parametrize("name", RELEASED)
def test_swagger_ui_is_what_its_makers_released(name: str) -> None:
    content = (files("fastapi_offline") / "static" / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == RELEASED[name]
