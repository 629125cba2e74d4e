"""``services/telemetry/domain/served.py``: a template for every public route, none forgotten."""

import json
import re
from collections.abc import Iterator, Mapping

_PARAMETER = re.compile(r"\{[^}]+\}")
# after the name of a collection; elsewhere and for all others ``:id``
_PLACEHOLDERS = {
    "testcases": ":key",
    "testcycles": ":key",
    "testexecutions": ":key",
    "testplans": ":key",
    "issuelinks": ":issueKey",
    "projects": ":project",
    "teststeps": ":step",
    "attachments": ":attachment",
    "versions": ":version",
    "tokens": ":token",
    "uploads": ":upload",
    "options": ":type",
}
_HEAD = '''\
"""Templates of all public routes. Rendered from the code by `make docs`; edits here are lost."""

SERVED: tuple[str, ...] = (
'''


def render(documents: Mapping[str, str]) -> str:
    """Return the module; ``documents`` are the services' OpenAPI documents as JSON."""
    paths = {path for text in documents.values() for path in json.loads(text)["paths"]}
    templates = sorted({"/".join(_template(path.split("/"))) for path in paths})
    return _HEAD + "".join(f'    "{template}",\n' for template in templates) + ")\n"


def _template(segments: list[str]) -> Iterator[str]:
    before = ""
    for segment in segments:
        parameter = _PARAMETER.fullmatch(segment)
        yield _PLACEHOLDERS.get(before, ":id") if parameter else segment
        before = "" if parameter else segment
