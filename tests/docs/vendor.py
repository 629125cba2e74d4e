"""Compares two OpenAPI documents, operation by operation, in words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

METHODS = frozenset({"get", "put", "post", "delete", "patch"})
_INT64 = {"maximum": 2**63 - 1, "minimum": -(2**63)}
_BOUNDS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "default")
_NO_BOUND = {"minimum": None, "minItems": 0, "minLength": 0, "default": None}

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    """One operation, and the document that its references point into."""

    method: str
    path: str
    found: Mapping[str, Any]
    document: Document


def operations(document: Document, prefix: str = "") -> dict[str, Operation]:
    """Return the operations of the vendor's API by their ids."""
    return {
        operation["operationId"]: Operation(method, f"{prefix}{path}", operation, document)
        for path, item in document["paths"].items()
        if f"{prefix}{path}".startswith("/v2/")
        for method, operation in item.items()
        if method in METHODS
    }


def differences(theirs: Operation, ours: Operation) -> Iterator[str]:
    """Say what differs: ``where: theirs -> ours``."""
    routes = [(o.method, re.sub(r"\{\w+\}", "{}", o.path)) for o in (theirs, ours)]
    if routes[0] != routes[1]:
        yield f"route: {routes[0]} -> {routes[1]}"
    yield from _parameters(theirs, ours)
    yield from _bodies("body", theirs, ours, *(o.found.get("requestBody") for o in (theirs, ours)))
    yield from _answers(theirs, ours)


def _parameters(theirs: Operation, ours: Operation) -> Iterator[str]:
    found = []
    for operation in (theirs, ours):
        listed = operation.found.get("parameters", ())
        # in a path only the place counts
        named = [p for p in listed if p["in"] != "path"]
        places = [p for p in listed if p["in"] == "path"]
        places.sort(key=lambda p, o=operation: o.path.index(f"{{{p['name']}}}"))  # type: ignore[misc]
        found.append(
            {(p["in"], p["name"].lower()): p for p in named}
            | {("path", str(n)): p for n, p in enumerate(places)}
        )
    one, other = found
    for key in sorted(one.keys() | other.keys()):
        where = f"{key[0]} {(one.get(key) or other[key])['name']}"
        if key not in one or key not in other:
            yield f"{where}: {'missing' if key in one else 'added'}"
            continue
        if one[key].get("required", False) != other[key].get("required", False):
            yield f"{where}: required {one[key].get('required')} -> {other[key].get('required')}"
        pair = _Pair(theirs.document, ours.document)
        yield from pair.compare(where, one[key]["schema"], other[key]["schema"])


def _answers(theirs: Operation, ours: Operation) -> Iterator[str]:
    one, other = theirs.found["responses"], ours.found["responses"]
    for status in sorted(one.keys() | other.keys()):
        if status not in one or status not in other:
            yield f"answer {status}: {'missing' if status in one else 'added'}"
            continue
        answers = [
            _resolved(d, r)
            for d, r in ((theirs.document, one[status]), (ours.document, other[status]))
        ]
        yield from _bodies(f"answer {status}", theirs, ours, *answers)


def _bodies(
    where: str,
    theirs: Operation,
    ours: Operation,
    one: Mapping[str, Any] | None,
    other: Mapping[str, Any] | None,
) -> Iterator[str]:
    left, right = (dict((found or {}).get("content") or {}) for found in (one, other))
    if left.keys() != right.keys():
        yield f"{where}: {sorted(left)} -> {sorted(right)}"
    pair = _Pair(theirs.document, ours.document)
    for kind in left.keys() & right.keys():
        yield from pair.compare(where, left[kind].get("schema", {}), right[kind].get("schema", {}))


def _resolved(document: Document, schema: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema
    while "$ref" in found:
        target: Any = document
        for part in found["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        found = target
    return found


def _plain(document: Document, schema: Any) -> dict[str, Any]:
    """Return a schema without references, alternatives of null and wrappings of one."""
    found = dict(_resolved(document, schema))
    for word in ("anyOf", "oneOf", "allOf"):
        some = [_resolved(document, s) for s in found.pop(word, ())]
        some = [s for s in some if s.get("type") != "null"]
        if some:
            found |= _plain(document, some[0])
        if len(some) > 1:
            found["alternatives"] = len(some)
    return found


@dataclass(frozen=True)
class _Pair:
    theirs: Document
    ours: Document

    def compare(self, where: str, one: Any, other: Any) -> Iterator[str]:
        left, right = _plain(self.theirs, one), _plain(self.ours, other)
        for word in ("type", "enum", "alternatives"):
            if left.get(word) != right.get(word):
                yield f"{where}: {word} {left.get(word)} -> {right.get(word)}"
        if _pattern(left) != _pattern(right):
            yield f"{where}: pattern {left.get('pattern')} -> {right.get('pattern')}"
        for word in _BOUNDS:
            bounds = [_bound(schema, word) for schema in (left, right)]
            if bounds[0] != bounds[1]:
                yield f"{where}: {word} {bounds[0]} -> {bounds[1]}"
        yield from self._fields(where, left, right)
        if "items" in left and "items" in right:
            yield from self.compare(f"{where}[]", left["items"], right["items"])

    def _fields(self, where: str, left: Any, right: Any) -> Iterator[str]:
        one, other = left.get("properties", {}), right.get("properties", {})
        needed, needs = set(left.get("required", ())), set(right.get("required", ()))
        for name in sorted(one.keys() | other.keys()):
            place = f"{where}.{name}"
            if name not in one or name not in other:
                yield f"{place}: {'missing' if name in one else 'added'}"
                continue
            if (name in needed) != (name in needs):
                yield f"{place}: free -> needed" if name in needs else f"{place}: needed -> free"
            yield from self.compare(place, one[name], other[name])


def _bound(schema: Mapping[str, Any], word: str) -> Any:
    found = schema.get(word, _NO_BOUND.get(word))
    # int64 is a bound, too; FastAPI writes some bounds as floats
    whole = _INT64.get(word)
    return None if whole is not None and found in (whole, float(whole)) else found


def _pattern(schema: Mapping[str, Any]) -> str:
    """Without anchors and the brackets around it all."""
    return re.sub(r"[()^$]", "", schema.get("pattern", ""))
