"""Walks through an operation: the call that succeeds, what is read then, and every cause."""

from collections.abc import Mapping
from typing import Any

import httpx
from jsonschema import ValidationError

from tests.conformance.facts import AUTH, Operation, resolved_schema, validate
from tests.conformance.readback import compare
from tests.conformance.stage import Stage
from tests.conformance.texts import is_about
from tests.conformance.walk import Read, Walk, Where, fill

_UNSPECIFIED = "/attachments/{fileName}"
"""What an upload answers is not said."""
ERROR = {"$ref": "#/components/schemas/Error"}
AUTH_ERROR = {"$ref": "#/components/schemas/AuthError"}


async def succeed(stage: Stage, walk: Walk, operation: Operation) -> None:
    """Make the call that succeeds and read back what it sent."""
    names = stage.names()
    if walk.fresh:
        names |= await stage.furniture[Where.DEMO].fresh(walk.fresh)
    call = walk.call.filled(names)
    answer = await stage.send(call)
    assert answer.status_code == operation.success, (operation.id, answer.text)
    _check_answer(operation, answer)
    names |= _made(answer)
    sent = call.files["testCycle"][1] if call.files else call.body
    found: list[Any] = []
    for read in walk.reads:
        item = await _read(stage, read, names, answer)
        if isinstance(item, Mapping):
            compare(names, sent or {}, item, fill(walk.shown, names))
        found.append(item)
    if walk.check is not None:
        walk.check(names, call, found)


async def fail(stage: Stage, walk: Walk, operation: Operation) -> None:
    """Provoke every cause."""
    wrong = []
    for cause, tried in walk.causes.items():
        listed = operation.causes.get(cause)
        if listed is None:
            listed = int(cause.removeprefix("default "))
        answer = await stage.provoke(walk.call, tried)
        refused = _refuses(answer, tried.answers or listed, ERROR)
        if not refused or not is_about(cause, answer.json()["message"]):
            wrong.append(f"{cause}: {answer.status_code} {answer.text[:300]}")
    for cause, headers in stage.unauthenticated().items():
        assert cause in AUTH
        answer = await stage.send(walk.call.filled(stage.names()), headers)
        if not _refuses(answer, 401, AUTH_ERROR):
            wrong.append(f"{cause}: {answer.status_code} {answer.text[:300]}")
    assert wrong == [], "\n".join(wrong)


def _refuses(answer: httpx.Response, status: int, schema: Any) -> bool:
    if answer.status_code != status:
        return False
    body = answer.json()
    try:
        validate(body, schema)
    except ValidationError:
        return False
    return bool(body.get("errorCode", status) == status)


def _check_answer(operation: Operation, answer: httpx.Response) -> None:
    said = operation.answer
    for name in said.get("headers", {}):
        assert answer.headers[name], (operation.id, name)
    content = said.get("content", {})
    if "application/json" in content:
        assert answer.headers["content-type"].startswith("application/json")
        validate(answer.json(), content["application/json"]["schema"])
    elif not content and not operation.path.endswith(_UNSPECIFIED):
        assert answer.content == b"", operation.id


def _made(answer: httpx.Response) -> dict[str, Any]:
    """Return the names of what an answer says was made."""
    _, _, location = answer.headers.get("location", "").partition("/v2")
    found: dict[str, Any] = {"location": location}
    ident = location.rpartition("/")[2]
    if answer.headers.get("content-type", "").startswith("application/json"):
        body = answer.json()
        if isinstance(body, dict):
            body = body.get("testCycle") or body
            found |= {"made": body.get("id"), "made_key": body.get("key")}
    elif ident:
        found["made"] = int(ident)
    return found


async def _read(stage: Stage, read: Read, names: Mapping[str, Any], answer: httpx.Response) -> Any:
    if read.call is not None:
        answer = await stage.send(read.call.filled(names))
    assert answer.is_success, answer.text
    if not answer.headers.get("content-type", "").startswith("application/json"):
        return answer
    found: Any = answer.json()
    for member in filter(None, read.within.split(".")):
        found = found[member]
    if read.by:
        wanted = fill(read.by, names)
        assert isinstance(found, list)
        same = [item for item in found if wanted.items() <= _plain(item).items()]
        assert len(same) == 1, (wanted, found)
        return same[0]
    return found


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in item.items() if isinstance(v, int | str)}


def unsent(operation: Operation, walk: Walk) -> list[str]:
    """Return what the facts know to be sent and the walk's call leaves out."""
    found = sorted(operation.query - walk.call.params.keys())
    for kind, schema in operation.body.items():
        if kind == "application/json":
            found += _missing(schema, walk.call.body, "")
        elif kind == "multipart/form-data":
            files = walk.call.files or {}
            found += _missing(schema["properties"]["testCycle"], files["testCycle"][1], "")
    return found


def _missing(schema: Any, value: Any, path: str) -> list[str]:
    schema = resolved_schema(schema)
    for part in schema.get("allOf", ()):
        schema = resolved_schema(part)
    if schema.get("type") == "array":
        each = [set(_missing(schema["items"], item, path)) for item in value]
        return sorted(set.intersection(*each))
    found = []
    for name, inner in schema.get("properties", {}).items():
        # a reference's self is the server's
        if name == "self":
            continue
        if not isinstance(value, Mapping) or name not in value:
            found.append(f"{path}{name}")
        elif value[name] is not None:
            found += _missing(inner, value[name], f"{path}{name}.")
    return found
