"""Uploads as clients send them."""

import io
import json
import zipfile
from typing import Any

import httpx

JUNIT = """<testsuites><testsuite name="shop">
<testcase classname="shop.Cart" name="adds" time="0.25"/>
<testcase classname="shop.Cart" name="removes" time="1.5"><failure message="no">boom
 at line 3</failure></testcase>
<testcase classname="shop.Cart" name="waits"><skipped/></testcase>
</testsuite></testsuites>"""


async def send(
    http: httpx.AsyncClient,
    content: str | bytes = JUNIT,
    *,
    fmt: str = "junit",
    create: bool = True,
    cycle: Any = None,
    project: str = "DEMO",
    name: str = "results.xml",
) -> httpx.Response:
    """POST one file."""
    files: dict[str, Any] = {"file": (name, content, "application/octet-stream")}
    if cycle is not None:
        files["testCycle"] = (None, json.dumps(cycle), "application/json")
    return await http.post(
        f"/automations/executions/{fmt}",
        params={"projectKey": project, "autoCreateTestCases": create},
        files=files,
    )


async def uploaded(http: httpx.AsyncClient, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """POST one file and return the new cycle."""
    answer = await send(http, *args, **kwargs)
    assert answer.status_code == 200, answer.text
    assert "Ostro-Upload-State" not in answer.headers
    cycle: dict[str, Any] = answer.json()["testCycle"]
    return cycle


async def every(http: httpx.AsyncClient, path: str, **params: Any) -> list[dict[str, Any]]:
    """Walk an offset list to its end by ``next``."""
    found: list[dict[str, Any]] = []
    answer = await http.get(path, params={"maxResults": 100, **params})
    while True:
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["values"]
        if page["next"] is None:
            assert page["total"] == len(found)
            return found
        following = httpx.URL(page["next"])
        answer = await http.get(following.path.removeprefix("/v2"), params=following.params)


async def status_names(http: httpx.AsyncClient) -> dict[int, str]:
    """Return execution status names by id."""
    rows = await every(http, "/statuses", statusType="TEST_EXECUTION")
    return {r["id"]: r["name"] for r in rows}


def junit(cases: int, prefix: str = "case") -> str:
    """Return a JUnit file of passing cases."""
    rows = "".join(
        f'<testcase classname="shop" name="{prefix}_{i}x" time="0.01"/>' for i in range(cases)
    )
    return f'<testsuite name="shop">{rows}</testsuite>'


def zipped(**files: str) -> bytes:
    """Return a zip of the files (two underscores stand for a folder)."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return data.getvalue()
