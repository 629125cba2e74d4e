"""What another tenant may name in the bodies of writes, generated from an OpenAPI document."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.faults.attempts import BODIES, PARAMETER, Attempt, named
from tests.faults.belongings import ISSUE, Belongings, unknown_like

NAMES: Mapping[str, Sequence[str]] = {
    "projectKey": ["projects by key"],
    "folderId": ["folders"],
    "parentId": ["folders"],
    "testCaseKey": ["cases by key"],
    "testCycleKey": ["cycles by key"],
    "testCycleIdOrKey": ["cycles", "cycles by key"],
    "testExecutionIdOrKey": ["executions", "executions by key"],
    "issueId": ["issues"],
}
"""Fields of bodies that name something of Ostro's or of the tenant's Jira."""
NEUTRAL = frozenset(
    {
        "ownerId",
        "executedById",
        "assignedToId",
        "componentId",
        "jiraProjectId",
        "clientId",
        "accountId",
        "keepKeys",
    }
)
"""Fields that end like names and name nothing of a tenant's that Ostro knows."""
_LIKE_A_NAME = re.compile(r"(Id|Ids|Key|Keys|IdOrKey)$")
_GOOD: Mapping[str, Any] = {
    "name": "n",
    "folderType": "TEST_CASE",
    "type": "TEST_CASE",
    "statusName": "Pass",
    "testCaseKey": "DEMO-T8000000",
    "testCycleKey": "DEMO-R8000000",
    "testCycleIdOrKey": "DEMO-R8000000",
    "issueId": 8_000_000,
    "url": "https://example.test/",
    "description": "d",
}


def in_bodies(document: Mapping[str, Any], owned: Belongings, key: str) -> Iterator[Attempt]:
    """Generate writes whose bodies name the owner's things, for a caller with the project ``key``.

    AssertionError for a field that nobody has thought of.
    """
    things: dict[str, Sequence[int | str]] = {**owned.ids, "issues": [ISSUE]}
    for template, item in document["paths"].items():
        for method in item.keys() & {"post", "put", "patch"}:
            fields = _fields(document, item[method])
            bulk = fields.keys() == {"items", "required"}
            if bulk:
                fields = _fields_of(document, fields["items"]["items"])
            unknown = {f for f in fields if _LIKE_A_NAME.search(f)} - NAMES.keys() - NEUTRAL
            assert not unknown, f"{method} {template}: say in bodies.py what {unknown} may name"
            body = BODIES.get(f"{method.upper()} {template}") or {
                name: _GOOD.get(name, "n") for name in fields.get("required", ())
            }
            if "projectKey" in fields:
                body = {**body, "projectKey": key}
            path = _path(method.upper(), template, owned)
            for name in sorted(fields.keys() & NAMES.keys()):
                for kind in NAMES[name]:
                    for value in things.get(kind, ()):
                        found = _attempt(method.upper(), template, path, body, name, kind, value)
                        yield _as_item(found) if bulk else found


def _attempt(
    method: str, template: str, path: str, body: Any, name: str, kind: str, value: int | str
) -> Attempt:
    like = unknown_like(value)
    other: int | str = int(like) if isinstance(value, int) else like
    unknown = Attempt(method, template, path, {name: other}, sent={**body, name: other})
    return Attempt(
        method, template, path, {name: value}, unknown, (kind,), sent={**body, name: value}
    )


def _as_item(attempt: Attempt) -> Attempt:
    """Return what sends the same as the only item of a bulk."""
    like = None if attempt.like is None else _as_item(attempt.like)
    return replace(attempt, like=like, sent={"items": [attempt.sent]})


def _path(method: str, template: str, owned: Belongings) -> str:
    """Return a path that is unknown to others whatever the body says, or the only one there is."""
    tried = next(named(method, template, PARAMETER.findall(template), owned), None)
    return template if tried is None or tried.like is None else tried.like.path


def _fields(document: Mapping[str, Any], operation: Mapping[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return {}
    return _fields_of(document, content["schema"])


def _fields_of(document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return {**schema.get("properties", {}), "required": schema.get("required", [])}
