"""Scripts of test cases over HTTP; every answer is compared with the vendor's shape."""

from typing import Any

import httpx
import jsonschema

from tests.integration.testcases.site import Site, fault

_TEXT = {"type": ["string", "null"]}
_PARAMETER = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "type": {"enum": ["MANUAL_INPUT", "DEFAULT_VALUE"]},
        "value": {"type": "string"},
    },
    "additionalProperties": False,
}
INLINE = {
    "type": "object",
    "properties": {
        "description": _TEXT,
        "testData": _TEXT,
        "expectedResult": _TEXT,
        "customFields": {"type": "object"},
        "reflectRef": _TEXT,
    },
    "required": ["description", "testData", "expectedResult", "customFields", "reflectRef"],
    "additionalProperties": False,
}
CALL = {
    "type": "object",
    "required": ["self", "testCaseKey", "parameters"],
    "properties": {
        "self": {"type": "string", "format": "uri"},
        "testCaseKey": {"type": "string", "pattern": "(.+-T[0-9]+)"},
        "parameters": {"anyOf": [{"type": "null"}, {"type": "array", "items": _PARAMETER}]},
    },
    "additionalProperties": False,
}
STEP = {
    "type": "object",
    "required": ["id", "inline", "testCase"],
    "properties": {"id": {"type": "integer", "minimum": 1}},
    "oneOf": [
        {"properties": {"inline": INLINE, "testCase": {"type": "null"}}},
        {"properties": {"inline": {"type": "null"}, "testCase": CALL}},
    ],
    "propertyNames": {"enum": ["id", "inline", "testCase"]},
}
SCRIPT = {
    "type": "object",
    "required": ["type", "text", "id"],
    "properties": {
        "type": {"enum": ["plain", "bdd"]},
        "text": {"type": "string", "minLength": 1},
        "id": {"type": "integer", "minimum": 1},
    },
    "additionalProperties": False,
}
"""Source: openapi-facts, components TestStep, InlineStep, CallToTestStep and TestScript."""


def inline(description: str, **more: Any) -> dict[str, Any]:
    """Return an item that is written out."""
    return {"inline": {"description": description, **more}}


def call(key: str, **more: Any) -> dict[str, Any]:
    """Return an item that calls another case."""
    return {"testCase": {"testCaseKey": key, **more}}


async def case(site: Site, name: str = "a case") -> str:
    """Make a case; return its key."""
    return str((await site.create("/testcases", name=name))["key"])


async def post_steps(
    site: Site, key: str, *items: Any, mode: Any = "OVERWRITE", **more: Any
) -> httpx.Response:
    """POST steps."""
    body = {"mode": mode, "items": list(items), **more}
    return await site.post(f"/testcases/{key}/teststeps", body)


async def put_steps(site: Site, key: str, *items: Any, mode: str = "OVERWRITE") -> None:
    """POST steps that must be accepted."""
    answer = await post_steps(site, key, *items, mode=mode)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert set(made) == {"id", "self"}
    assert made["self"] == site.url(f"/testcases/{key}/teststeps")


async def put_text(site: Site, key: str, text: str, kind: str = "plain") -> None:
    """POST a text that must be accepted."""
    answer = await site.post(f"/testcases/{key}/testscript", {"type": kind, "text": text})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert set(made) == {"id", "self"}
    assert made["self"] == site.url(f"/testcases/{key}/testscript")


async def steps(site: Site, key: str) -> list[dict[str, Any]]:
    """Read all steps."""
    page = await site.read(f"/testcases/{key}/teststeps", maxResults=1000)
    assert page["total"] == len(page["values"])
    for step in page["values"]:
        jsonschema.validate(step, STEP)
    return list(page["values"])


async def texts(site: Site, key: str) -> list[str | None]:
    """Read what the steps say; of a call the key."""
    return [
        step["inline"]["description"] if step["inline"] else step["testCase"]["testCaseKey"]
        for step in await steps(site, key)
    ]


async def text(site: Site, key: str) -> dict[str, Any]:
    """Read a plain or BDD script."""
    found: dict[str, Any] = await site.read(f"/testcases/{key}/testscript")
    jsonschema.validate(found, SCRIPT)
    return found


async def refused_steps(site: Site, key: str, *items: Any, mode: Any = "OVERWRITE") -> str:
    """POST steps that must be refused with 400; return the message."""
    status, message = fault(await post_steps(site, key, *items, mode=mode))
    assert status == 400, message
    return message
