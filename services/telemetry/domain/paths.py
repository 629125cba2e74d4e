"""URL paths to route templates: an allow-list. What leaves is our own text, never the input's.

Query and fragment are gone, issue keys, test keys, ids and file names become placeholders, and a
path that is not on the list is ``/other``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

OTHER = "/other"

_VENDOR_API = (
    "automations/executions/cucumber",
    "automations/executions/custom",
    "automations/executions/junit",
    "automations/testcases",
    "environments",
    "environments/:id",
    "folders",
    "folders/:id",
    "healthcheck",
    "issuelinks/:issueKey/executions",
    "issuelinks/:issueKey/testcases",
    "issuelinks/:issueKey/testcycles",
    "issuelinks/:issueKey/testplans",
    "links/:id",
    "priorities",
    "priorities/:id",
    "projects",
    "projects/:project",
    "statuses",
    "statuses/:id",
    "testcases",
    "testcases/:key/links",
    "testcases/:key/links/issues",
    "testcases/:key/links/weblinks",
    "testcases/:key/testscript",
    "testcases/:key/versions",
    "testcases/:key/versions/:version",
    "testcycles",
    "testcycles/:key/links",
    "testcycles/:key/links/issues",
    "testcycles/:key/links/weblinks",
    "testexecutions",
    "testexecutions/:key/links",
    "testexecutions/:key/links/issues",
    "testexecutions/:key/teststeps/sync",
    "testplans",
    "testplans/:key/links/issues",
    "testplans/:key/links/testcycles",
    "testplans/:key/links/weblinks",
)
_KINDS = ("testcases", "testcycles", "testexecutions", "testplans")
_OF_EVERY_KIND = ("nextgen", ":key", ":key/attachments", ":key/attachments/:attachment")
_WITH_STEPS = ("testcases", "testexecutions")
_OF_STEPS = ("", "/:step/attachments", "/:step/attachments/:attachment")
_OSTRO = (
    "executions/uploads/:upload",
    "telemetry/consent",
    "tenancy/audit",
    "tenancy/projects",
    "tenancy/projects/:project",
    "tenancy/tokens",
    "tenancy/tokens/:token",
)
_JIRA = (
    "/browse/:issueKey",
    "/connect/installed",
    "/connect/uninstalled",
    "/jira/browse/:issueKey",
    "/jira/dashboards/:id",
    "/jira/projects",
    "/jira/software/c/projects/:project",
    "/jira/software/c/projects/:project/boards/:board",
    "/jira/software/projects/:project",
    "/jira/software/projects/:project/boards/:board",
    "/projects/:project",
)

TEMPLATES: tuple[str, ...] = (
    *(f"/v2/{path}" for path in _VENDOR_API),
    *(f"/v2/{kind}/{path}" for kind in _KINDS for path in _OF_EVERY_KIND),
    *(f"/v2/{kind}/:key/teststeps{path}" for kind in _WITH_STEPS for path in _OF_STEPS),
    *(f"/ostro/v1/{path}" for path in _OSTRO),
    *_JIRA,
)


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


def template_of(path: str) -> str:
    """Return the template of a path; a literal segment goes before a placeholder."""
    path = path.partition("?")[0].partition("#")[0]
    if len(path) > 1:
        path = path.removesuffix("/")
    # one more than the deepest template, so that a hostile path costs nothing
    segments = path.split("/", _DEEPEST + 1)
    if segments[0] or len(segments) < 2:
        return OTHER
    return _match(_ROOT, segments[1:]) or OTHER


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
