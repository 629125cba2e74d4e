"""Says which changes of a JSON Schema would break a reader.

Records live on: today's readers meet tomorrow's records during a rolling upgrade, and tomorrow's
readers meet today's records in the topic. So a change must suit both. Only a new field that may be
absent does (where the model is not closed), everything else needs a new major version of the type.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_NOTES = frozenset({"title", "description", "default", "examples", "$defs"})
_WALKED = frozenset({"properties", "required", "items", "anyOf", "enum"})


def breaks(old: Schema, new: Schema) -> list[str]:
    """Return the breaking changes, each as ``path: what``; empty when there are none."""
    return list(_compare("$", _Node(old, old), _Node(new, new)))


class _Node:
    """A schema and the document that its references point into."""

    def __init__(self, schema: Schema, root: Schema) -> None:
        self.root = root
        self.schema: Schema = schema
        while "$ref" in self.schema:
            name = self.schema["$ref"].removeprefix("#/$defs/")
            self.schema = root["$defs"][name]

    def to(self, schema: Schema) -> "_Node":
        return _Node(schema, self.root)

    @property
    def rest(self) -> dict[str, Any]:
        """What must be equal: type, format, const, limits, patterns."""
        return {k: v for k, v in self.schema.items() if k not in _NOTES | _WALKED}


def _compare(path: str, old: _Node, new: _Node) -> Iterator[str]:
    for key in sorted(old.rest.keys() | new.rest.keys()):
        before, after = old.rest.get(key), new.rest.get(key)
        if before != after:
            yield f"{path}: {key} was {before}, is {after}"
    yield from _values(path, old, new)
    yield from _fields(path, old, new)
    yield from _options(path, old, new)
    if "items" in old.schema and "items" in new.schema:
        yield from _compare(f"{path}[]", old.to(old.schema["items"]), new.to(new.schema["items"]))
    elif ("items" in old.schema) is not ("items" in new.schema):
        yield f"{path}: retyped"


def _values(path: str, old: _Node, new: _Node) -> Iterator[str]:
    before, after = set(old.schema.get("enum", [])), set(new.schema.get("enum", []))
    for value in sorted(before - after):
        yield f"{path}: value {value!r} removed (narrowed; old records hold it)"
    for value in sorted(after - before):
        yield f"{path}: value {value!r} added (today's readers refuse it)"


def _fields(path: str, old: _Node, new: _Node) -> Iterator[str]:
    before, after = old.schema.get("properties", {}), new.schema.get("properties", {})
    needed, needs = set(old.schema.get("required", [])), set(new.schema.get("required", []))
    for name in before:
        if name not in after:
            yield f"{path}.{name}: removed"
            continue
        if name in needs - needed:
            yield f"{path}.{name}: now required (old records lack it)"
        if name in needed - needs:
            yield f"{path}.{name}: no longer required (today's readers need it)"
        yield from _compare(f"{path}.{name}", old.to(before[name]), new.to(after[name]))
    for name in after.keys() - before.keys():
        if name in needs:
            yield f"{path}.{name}: new and required (old records lack it)"
        elif old.schema.get("additionalProperties") is False:
            yield f"{path}.{name}: new, but today's readers accept no unknown field"


def _options(path: str, old: _Node, new: _Node) -> Iterator[str]:
    before, after = old.schema.get("anyOf", []), new.schema.get("anyOf", [])
    if len(before) != len(after):
        yield f"{path}: retyped, {len(before)} alternatives became {len(after)}"
        return
    for one, other in zip(before, after, strict=True):
        yield from _compare(path, old.to(one), new.to(other))
