"""What is known of the vendor's API: operations, listed causes, schemas.

Source: tests/data/openapi-facts.yaml.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import yaml

PATH = Path(__file__).resolve().parents[1] / "data" / "openapi-facts.yaml"
AUTH = (
    "auth-header-missing",
    "auth-not-three-parts",
    "auth-bad-base64",
    "auth-bad-json",
    "auth-bad-signature",
)
"""Causes of 401; listed on 54 operations, true of all 84 (behaviour.md section 2.1)."""
SERVER_FAULT = "500"
"""Listed on every operation without a cause: provoked by tests/faults, which break things."""
_OURS = {"200", "201", "401", SERVER_FAULT, "default"}


@cache
def document() -> dict[str, Any]:
    """Return the facts."""
    loaded: dict[str, Any] = yaml.load(PATH.read_text(encoding="utf-8"), yaml.CSafeLoader)
    # x-disagreement: live roots have no parent, against the schema
    loaded["components"]["schemas"]["Folder"]["properties"]["parentId"]["nullable"] = True
    return loaded


@dataclass(frozen=True)
class Operation:
    """One operation; ``path`` below /v2."""

    id: str
    method: str
    path: str
    tag: str
    facts: Mapping[str, Any]

    @property
    def causes(self) -> dict[str, int]:
        """Every listed cause but those of 401 and 500, with its status.

        A status without a cause is one itself.
        """
        found: dict[str, int] = {}
        for status, answer in self.facts["responses"].items():
            if status not in _OURS:
                for cause in _resolved(answer).get("x-causes") or [status]:
                    assert cause not in found, (self.id, cause)
                    found[cause] = int(status)
        return found

    @property
    def success(self) -> int:
        """The status that is listed for it."""
        (found,) = (int(status) for status in self.facts["responses"] if status[0] == "2")
        return found

    @property
    def answer(self) -> Mapping[str, Any]:
        """What is said of the answer: ``content`` and ``headers``, if anything."""
        found: Mapping[str, Any] = _resolved(self.facts["responses"][str(self.success)])
        return found

    @property
    def query(self) -> set[str]:
        """Names of its query parameters."""
        return {p["name"] for p in self.facts.get("parameters", ()) if p["in"] == "query"}

    @property
    def body(self) -> Mapping[str, Any]:
        """Content type to schema of what is sent."""
        content = self.facts.get("requestBody", {}).get("content", {})
        return {kind: media["schema"] for kind, media in content.items()}


@cache
def operations() -> dict[str, Operation]:
    """Return all operations by their ids."""
    return {
        facts["operationId"]: Operation(
            facts["operationId"], method.upper(), path, facts["tags"][0], facts
        )
        for path, item in document()["paths"].items()
        for method, facts in item.items()
    }


def validate(value: Any, schema: Any) -> None:
    """Raise ``ValidationError`` for what is not of a schema of the document."""
    jsonschema.Draft202012Validator(_json_schema(schema), format_checker=_FORMATS).validate(value)


def resolved_schema(schema: Any) -> Any:
    """Return what a schema refers to."""
    return _resolved(schema)


def _resolved(value: Any) -> Any:
    while "$ref" in value:
        found: Any = document()
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        value = found
    return value


def _json_schema(schema: Any) -> Any:
    """Turn OpenAPI 3.0 into JSON Schema: references resolved, ``nullable`` said with types."""
    if isinstance(schema, list):
        return [_json_schema(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    schema = _resolved(schema)
    plain = {k: _json_schema(v) for k, v in schema.items() if k != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


_FORMATS = jsonschema.FormatChecker(formats=())
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


@_FORMATS.checks("uri")
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or all(urlsplit(value)[:2])


@_FORMATS.checks("date-time", ValueError)
def _is_moment(value: object) -> bool:
    if isinstance(value, str):
        datetime.fromisoformat(value)
    return not isinstance(value, str) or _MOMENT.fullmatch(value) is not None
