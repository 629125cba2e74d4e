"""Every operation of the running services, from their OpenAPI documents."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from contracts.routes import EXECUTIONS, TELEMETRY, TENANCY, TESTCASES
from tests.faults.attempts import BODIES, HEADERS, PARAMETER, named
from tests.faults.belongings import OSTRO, Belongings
from tests.faults.routes import OTHER_CREDENTIALS
from tests.hostile.conftest import House

SERVICES = (TESTCASES, EXECUTIONS, TENANCY, TELEMETRY)
_JSON = "application/json"
_METHODS = ("get", "put", "post", "delete", "patch")
# looking is a use of the token
_LAST_USE = re.compile(r'"lastUsedAt":("[^"]*"|null)')


@dataclass(frozen=True)
class Operation:
    """One operation; ``path`` names things of the tenant that are there."""

    method: str
    template: str
    path: str
    query: Mapping[str, Mapping[str, Any]]
    """Schemas of the query parameters, by name."""
    schema: Mapping[str, Any] | None
    """Of the JSON body, with its references resolved one level deep."""

    def __str__(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def url(self) -> str:
        """Where it is, for a client of the whole installation."""
        return f"{OSTRO}{self.path}"


async def documents(house: House) -> dict[str, dict[str, Any]]:
    """Read the documents, without what no API token opens."""
    found = {}
    for name in SERVICES:
        document = (await house.http.get(f"{OSTRO}/ostro/v1/{name}/openapi.json")).json()
        document["paths"] = {
            path: item
            for path, item in document["paths"].items()
            if not path.startswith(OTHER_CREDENTIALS)
        }
        found[name] = document
    return found


async def operations(house: House) -> list[Operation]:
    """Return every operation once, with the first of the paths that name something there."""
    found: list[Operation] = []
    for document in (await documents(house)).values():
        for template, item in document["paths"].items():
            for method in item.keys() & _METHODS:
                operation = item[method]
                query = {
                    p["name"]: p["schema"]
                    for p in operation.get("parameters", ())
                    if p["in"] == "query"
                }
                nothing = PARAMETER.sub("1", template)
                path = next(_paths(method.upper(), template, house.owned), nothing)
                schema = _body(document, operation)
                found.append(Operation(method.upper(), template, path, query, schema))
    # what may take the project away comes last
    return sorted(found, key=lambda o: (o.template.startswith("/ostro/v1/tenancy"), str(o)))


def _paths(method: str, template: str, owned: Belongings) -> Iterator[str]:
    # of what nobody has thought, tests/faults/test_isolation.py tells
    with suppress(AssertionError):
        for attempt in named(method, template, PARAMETER.findall(template), owned):
            yield attempt.path


async def walk(house: House) -> dict[str, str]:
    """Read all there is: status and text by path."""
    found = {}
    for operation in await operations(house):
        if operation.method != "GET":
            continue
        whole: dict[str, str | int] = {
            "maxResults": 1_000,
            "limit": 1_000,
            "projectKey": "DEMO",
            "entity": "test-case",
        }
        params = {name: value for name, value in whole.items() if name in operation.query}
        headers = HEADERS.get(operation.template, {})
        for path in _paths("GET", operation.template, house.owned):
            answer = await house.http.get(f"{OSTRO}{path}", params=params, headers=headers)
            # an archive says when it was made
            text = "" if "zip" in answer.headers.get("content-type", "") else answer.text
            found[path] = f"{answer.status_code} {_LAST_USE.sub('', text)}"
    return found


def _body(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Mapping[str, Any] | None:
    content = operation.get("requestBody", {}).get("content", {}).get(_JSON)
    return None if content is None else _resolved(document, content["schema"])


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        found: Mapping[str, Any] = document["components"]["schemas"][name]
        return found
    return schema


_GOOD: Mapping[str, Any] = {
    "POST /v2/testexecutions": {
        "projectKey": "DEMO",
        "testCaseKey": "DEMO-T1",
        "testCycleKey": "DEMO-R1",
        "statusName": "Pass",
    },
    "POST /v2/folders": {"projectKey": "DEMO", "name": "n", "folderType": "TEST_CASE"},
    "POST /v2/statuses": {"projectKey": "DEMO", "name": "n", "type": "TEST_CASE"},
    "POST /ostro/v1/tenancy/projects": {"key": "MORE"},
    "POST /ostro/v1/tenancy/tokens": {"name": "n", "scopes": ["read"]},
    "PUT /ostro/v1/tenancy/projects/{projectIdOrKey}": {"enabled": True},
    "PUT /ostro/v1/tenancy/projects/{projectIdOrKey}/permissions": {
        "enforced": False,
        "grants": [],
    },
}


async def restore(house: House) -> None:
    """Give the project back what a test may have taken."""
    project = f"{OSTRO}/ostro/v1/tenancy/projects/DEMO"
    for path, body in (
        ("", {"enabled": True}),
        ("/permissions", {"enforced": False, "grants": []}),
    ):
        answer = await house.http.put(f"{project}{path}", json=body)
        assert answer.is_success, answer.text


async def good_body(house: House, operation: Operation) -> dict[str, Any]:
    """Return a body to spoil: what GET shows, what other tests send, or what must be there."""
    if (better := _GOOD.get(str(operation))) is not None:
        return dict(better)
    if operation.method == "PUT":
        shown = await house.http.get(operation.url)
        if shown.status_code == 200 and isinstance(shown.json(), dict):
            return dict(shown.json())
    if (known := BODIES.get(str(operation))) is not None:
        return dict(known)
    assert operation.schema is not None
    fields = operation.schema.get("properties", {})
    return {name: _example(name, fields[name]) for name in operation.schema.get("required", ())}


def _example(name: str, schema: Mapping[str, Any]) -> Any:
    if name == "projectKey":
        return "DEMO"
    if "enum" in schema:
        return schema["enum"][0]
    return {"integer": 1, "array": [], "object": {}, "boolean": True}.get(
        schema.get("type", ""), "TEST_CASE"
    )


def spoiled(
    operation: Operation, body: Mapping[str, Any], values: Sequence[Any]
) -> Iterator[dict[str, Any]]:
    """Put every other value in the place of each field, one at a time; deeper down fewer."""
    assert operation.schema is not None
    for place, name in enumerate({**operation.schema.get("properties", {}), **body}):
        for value in values[place % 2 :: 2]:
            yield {**body, name: value}
    for place, (name, inner) in enumerate(body.items()):
        for changed in _inside(inner, values[place % 4 :: 4]):
            yield {**body, name: changed}


def _inside(found: Any, values: Sequence[Any]) -> Iterator[Any]:
    if not isinstance(found, dict | list):
        return
    for place, inner in found.items() if isinstance(found, dict) else enumerate(found):
        for changed in itertools.chain(values, _inside(inner, values)):
            copy = found.copy()
            copy[place] = changed
            yield copy
