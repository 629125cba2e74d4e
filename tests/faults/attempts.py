"""What another tenant may ask, generated from a service's OpenAPI document."""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.faults.belongings import (
    FILTERS,
    FIXED,
    NARROWING,
    NEUTRAL,
    PATH_PARAMETERS,
    Belongings,
    unknown_like,
)

PARAMETER = re.compile(r"\{(\w+)\}")
_OPTION = {"id": 1, "project": {"id": 1}, "name": "n", "index": 0}
_FIELD = {"entity": "test-case", "type": "CHECKBOX", "name": "n"}
_FIELDS = "/ostro/v1/testcases/projects/{projectKey}/custom-fields"
_OPTIONS = "/ostro/v1/testcases/projects/{projectKey}/options/{optionType}"
BODIES: dict[str, Any] = {
    f"PUT {_OPTIONS}/order": {"ids": []},
    f"PATCH {_OPTIONS}/{{optionId}}": {"archived": False},
    f"POST {_FIELDS}": _FIELD,
    f"PUT {_FIELDS}/{{customFieldId}}": _FIELD,
    "PUT /v2/statuses/{id}": _OPTION | {"archived": False, "default": False},
    "PUT /v2/priorities/{id}": _OPTION | {"default": False},
    "PUT /v2/environments/{id}": _OPTION,
    # found by the id in the body
    "PUT /v2/testcases/{testCaseKey}": {"id": 1, "key": "DEMO-T1", "name": "n"}
    | {name: {"id": 1} for name in ("project", "priority", "status")},
    "POST /v2/testcases/{testCaseKey}/testscript": {"type": "plain", "text": "t"},
    "POST /v2/testcases/{testCaseKey}/teststeps": {
        "mode": "APPEND",
        "items": [{"inline": {"description": "d"}}],
    },
    "POST /v2/testcases/{testCaseKey}/links/issues": {"issueId": 1},
    "POST /v2/testcases/{testCaseKey}/links/weblinks": {"url": "https://example.test/"},
    "POST /v2/testcycles/{testCycleIdOrKey}/links/issues": {"issueId": 1},
    "POST /v2/testcycles/{testCycleIdOrKey}/links/weblinks": {"url": "https://example.test/"},
    "PUT /v2/testcycles/{testCycleIdOrKey}": {
        "id": 1,
        "key": "DEMO-R1",
        "name": "n",
        "project": {"id": 1},
        "status": {"id": 1},
    },
    "POST /v2/testplans/{testPlanIdOrKey}/links/issues": {"issueId": 1},
    "POST /v2/testplans/{testPlanIdOrKey}/links/weblinks": {
        "url": "https://example.test/",
        "description": "",
    },
    "POST /v2/testplans/{testPlanIdOrKey}/links/testcycles": {"testCycleIdOrKey": "DEMO-R1"},
    "POST /v2/testexecutions/{testExecutionIdOrKey}/links/issues": {"issueId": 1},
    "PUT /v2/testexecutions/{testExecutionIdOrKey}": {"statusName": "Fail"},
    "PUT /v2/testexecutions/{testExecutionIdOrKey}/teststeps": {"steps": [{"statusName": "Fail"}]},
    "PUT /ostro/v1/tenancy/projects/{projectIdOrKey}": {"enabled": False},
    "POST /ostro/v1/telemetry/erasures": {"accountId": "nobody"},
    "PUT /ostro/v1/tenancy/projects/{projectIdOrKey}/permissions": {
        "enforced": True,
        "grants": [],
    },
}
"""What a write sends; an empty object where nothing is said."""
HEADERS = {"/v2/automations/testcases": {"Accept": "application/zip"}}
"""What a route wants to be asked with, by path."""


@dataclass(frozen=True)
class Attempt:
    """One request that names the owner's thing, and its like that names nothing."""

    method: str
    template: str
    path: str
    params: dict[str, str | int]
    like: "Attempt | None" = None
    """None for a list without a filter, which names nothing of anybody."""
    names: tuple[str, ...] = field(default=())
    """Kinds of the things that it names."""
    sent: Any = None
    """What it sends, where that says what is named; ``params`` then tell it in short."""

    @property
    def body(self) -> Any:
        """What it sends."""
        if self.sent is not None:
            return self.sent
        return BODIES.get(f"{self.method} {self.template}", {})

    @property
    def headers(self) -> dict[str, str]:
        """What it is asked with."""
        return HEADERS.get(self.template, {})

    @property
    def values(self) -> Sequence[str]:
        """What it names, longest first."""
        values = [*self.path.split("/"), *map(str, self.params.values())]
        return sorted(values, key=len, reverse=True)


def attempts(document: dict[str, Any], owned: Belongings) -> Iterator[Attempt]:
    """Generate reads of everything, and writes of what a path names.

    AssertionError for a parameter that nobody has thought of.
    """
    for template, item in document["paths"].items():
        for method, operation in item.items():
            parameters = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"}
            in_path = PARAMETER.findall(template)
            if method == "get":
                # where a filter must be given, nothing is read without it
                must = any(
                    p["in"] == "query" and p["required"] for p in operation.get("parameters", ())
                )
                reads = _reads(template, in_path, parameters, owned)
                yield from (a for a in reads if a.names or not must)
            elif in_path:
                # who may do it is the same; what others name must still be there
                dry: dict[str, str | int] = {"dryRun": "true"} if "dryRun" in parameters else {}
                found = named(method.upper(), template, in_path, owned)
                yield from (_asked(attempt, dry) for attempt in found)


def _asked(attempt: Attempt, params: dict[str, str | int]) -> Attempt:
    like = None if attempt.like is None else replace(attempt.like, params=params)
    return replace(attempt, params=params, like=like)


def _reads(
    template: str, in_path: Sequence[str], query: set[str], owned: Belongings
) -> Iterator[Attempt]:
    unknown = query - FILTERS.keys() - NEUTRAL.keys() - NARROWING
    assert not unknown, f"{template}: say in belongings.py what {unknown} may name"
    neutral = {name: NEUTRAL[name] for name in query & NEUTRAL.keys()}
    if in_path:
        yield from named("GET", template, in_path, owned)
        return
    yield Attempt("GET", template, template, {})
    yield Attempt("GET", template, template, neutral)
    for name in sorted(query & FILTERS.keys()):
        for kind in FILTERS[name]:
            for value in owned.ids.get(kind, ()):
                for more in ({}, neutral):
                    wrong = Attempt("GET", template, template, {**more, name: unknown_like(value)})
                    params = {**more, name: value}
                    yield Attempt("GET", template, template, params, wrong, (kind,))


def named(
    method: str, template: str, in_path: Sequence[str], owned: Belongings
) -> Iterator[Attempt]:
    """Generate requests with every combination of things that can stand in the path."""
    choices = [list(_choices(template, name, owned)) for name in in_path]
    for chosen in itertools.product(*choices):
        things = {(kind, value) for kind, value, _ in chosen}
        if any(owned.inside.get(thing, things).isdisjoint(things) for thing in things):
            continue
        kinds = tuple(kind for kind, _, _ in chosen if kind)
        path, wrong = template, template
        for name, (_, value, like) in zip(in_path, chosen, strict=True):
            path = path.replace(f"{{{name}}}", str(value))
            wrong = wrong.replace(f"{{{name}}}", like)
        yield Attempt(method, template, path, {}, Attempt(method, template, wrong, {}), kinds)


def _choices(template: str, name: str, owned: Belongings) -> Iterator[tuple[str, int | str, str]]:
    if name in FIXED:
        yield "", FIXED[name], str(FIXED[name])
        return
    # what stands before it, or what it is a part of
    before, _, _ = template.partition(f"/{{{name}}}")
    places = [p for p in reversed(before.split("/")) if not p.startswith("{")]
    found = (PATH_PARAMETERS.get(f"{place}/{{{name}}}") for place in places)
    kinds = (
        PATH_PARAMETERS.get(template)
        or PATH_PARAMETERS.get(name)
        or next(filter(None, found), None)
    )
    assert kinds, f"{template}: say in belongings.py what {name} may be"
    for kind in kinds:
        for value in owned.ids.get(kind, ()):
            yield kind, value, unknown_like(value)
