"""URL paths to route templates: an allow-list. What leaves is our own text, never the input's.

Query and fragment are gone, issue keys, test keys, ids and file names become placeholders, and a
path that is not on the list is ``/other``. Issue and test keys stay only if the tenant chose so.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from services.telemetry.domain.served import SERVED

OTHER = "/other"
_LONGEST = 2_048

_JIRA = (
    "/browse/:issueKey",
    "/jira/webhooks",
    "/jira/browse/:issueKey",
    "/jira/dashboards/:id",
    "/jira/projects",
    "/jira/software/c/projects/:project",
    "/jira/software/c/projects/:project/boards/:board",
    "/jira/software/projects/:project",
    "/jira/software/projects/:project/boards/:board",
    "/plugins/servlet/ac/:app/:page",
    "/projects/:project",
)

TEMPLATES: tuple[str, ...] = (*SERVED, *_JIRA)

_KEPT = {
    ":issueKey": re.compile(r"[A-Z][A-Z0-9_]{1,9}-[1-9][0-9]{0,9}"),
    ":key": re.compile(r"[A-Z][A-Z0-9_]{1,9}-[TRPE][1-9][0-9]{0,9}"),
}
"""Placeholders that stay filled for a tenant that chose so, and what may stand there then."""


@dataclass
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    placeholder: "_Node | None" = None
    template: str | None = None

    def child(self, segment: str) -> "_Node":
        if not segment.startswith(":"):
            return self.literals.setdefault(segment, _Node())
        self.placeholder = self.placeholder or _Node()
        return self.placeholder


def _tree(templates: Iterable[str]) -> _Node:
    root = _Node()
    for template in templates:
        node = root
        for segment in template.split("/")[1:]:
            node = node.child(segment)
        if node.template is not None:
            raise ValueError(f"{template} and {node.template} match the same paths")
        node.template = template
    return root


_ROOT = _tree(TEMPLATES)
_DEEPEST = max(template.count("/") for template in TEMPLATES)


def template_of(path: str, *, keep_keys: bool = False) -> str:
    """Return the template of a path; a literal segment goes before a placeholder.

    ``keep_keys`` leaves issue and test keys in it that have exactly the form of one. Without it a
    template, and a path that kept its keys, is the template again.
    """
    bare = path.partition("?")[0].partition("#")[0]
    # what is kept in memory must not be as long as somebody likes
    return OTHER if len(bare) > _LONGEST else _template_of(bare, keep_keys)


@lru_cache(maxsize=4096)
def _template_of(path: str, keep_keys: bool) -> str:
    if len(path) > 1:
        path = path.removesuffix("/")
    # one more than the deepest template, so that a hostile path costs nothing
    segments = path.split("/", _DEEPEST + 1)
    if segments[0] or len(segments) < 2:
        return OTHER
    template = _match(_ROOT, segments[1:])
    if template is None:
        return OTHER
    return _with_keys(template, segments) if keep_keys else template


def _with_keys(template: str, segments: list[str]) -> str:
    parts = template.split("/")
    for index, part in enumerate(parts):
        pattern = _KEPT.get(part)
        if pattern is not None and pattern.fullmatch(segments[index]):
            parts[index] = segments[index]
    return "/".join(parts)


def _match(node: _Node, segments: list[str]) -> str | None:
    if not segments:
        return node.template
    first, rest = segments[0], segments[1:]
    literal = node.literals.get(first)
    if literal is not None and (found := _match(literal, rest)) is not None:
        return found
    if first and node.placeholder is not None:
        return _match(node.placeholder, rest)
    return None
