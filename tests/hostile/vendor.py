"""The vendor's facts as a document to generate requests from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

FACTS = Path(__file__).parents[1] / "data" / "openapi-facts.yaml"
METHODS = frozenset({"get", "put", "post", "delete", "patch"})
_WHOLE_NUMBERS = (-(2**63), 2**63 - 1)


def facts() -> dict[str, Any]:
    """Read the facts."""
    found: dict[str, Any] = yaml.safe_load(FACTS.read_text())
    return found


def to_generate_from() -> dict[str, Any]:
    """Return the facts with all that they say in words said as a schema, too."""
    document = facts()
    _join_shared_routes(document["paths"])
    components = document["components"]
    # one answer for every 401: behaviour.md 2.1
    components["responses"]["UnauthenticatedGeneric"] = components["responses"]["Unauthenticated"]
    for schema in _objects(document):
        _say(schema)
    schemas = components["schemas"]
    for name, schema in schemas.items():
        if name.endswith(("Create", "CreateDescribed", "Update", "Input")):
            # clients send extras: clients.md
            schema.pop("additionalProperties", None)
    # live roots carry null, against the schema: behaviour.md 5
    schemas["Folder"]["properties"]["parentId"]["nullable"] = True
    schemas["FolderCreate"]["properties"]["name"]["pattern"] = r"^[^/\\]*[^/\\\s][^/\\]*$"
    for name in ("TestCaseCreate", "TestCaseUpdate", "TestPlanCreate"):
        schemas[name]["properties"]["labels"]["items"]["pattern"] = "^[^ ]*[a-z][^ ]*$"
    for name in ("WebLinkCreate", "WebLinkCreateDescribed"):
        # a page has some address
        schemas[name]["properties"]["url"] |= {"minLength": 1, "maxLength": 2_048}
    return document


def _objects(found: Any) -> Iterator[dict[str, Any]]:
    if isinstance(found, dict):
        yield found
    for inner in found.values() if isinstance(found, dict) else found:
        if isinstance(inner, dict | list):
            yield from _objects(inner)


def _say(schema: dict[str, Any]) -> None:
    """Add what a schema says in words."""
    if schema.get("format") == "int64" and schema.get("type") == "integer":
        schema.setdefault("minimum", _WHOLE_NUMBERS[0])
        schema.setdefault("maximum", _WHOLE_NUMBERS[1])
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and not pattern.startswith("^"):
        # the vendor's have no anchors; here they are for the whole text
        schema["pattern"] = f"^({pattern})$"
    words = schema.get("x-enum", {})
    for name, values in words.items() if isinstance(words, dict) else ():
        schema["properties"][name]["enum"] = values
    if isinstance(words, list):
        schema["enum"] = words
    for name, bounds in schema.get("x-bounds", {}).items():
        least, _, most = bounds.partition("..")
        schema["properties"][name] |= {"minItems": int(least), "maxItems": int(most)}


def _join_shared_routes(paths: dict[str, Any]) -> None:
    """Move an operation to the template that has its route; its parameter takes that name."""
    for path, item in list(paths.items()):
        for method, operation in list(item.items()):
            if (other := operation.get("x-shares-route-with")) is None:
                continue
            target = other.partition(" ")[2]
            old, new = path.rpartition("{")[2][:-1], target.rpartition("{")[2][:-1]
            for parameter in operation["parameters"]:
                if parameter["name"] == old:
                    parameter["name"] = new
            paths[target][method] = operation
            del item[method]
        if not item:
            del paths[path]
