"""Who answers what at the edge: one table, rendered for the local Caddy and the compose edge."""

import re
from dataclasses import dataclass

TESTCASES = "testcases"
EXECUTIONS = "executions"
TENANCY = "tenancy"
TELEMETRY = "telemetry"


@dataclass(frozen=True)
class Route:
    """A path regex (RE2 and Python alike, matched from the start) and its owner."""

    pattern: str
    owner: str


ROUTES: tuple[Route, ...] = (
    # the four issue link directions come before the general rule
    Route(r"^/v2/issuelinks/[^/]+/(testcycles|testplans|executions)/?$", EXECUTIONS),
    Route(r"^/v2/issuelinks(/|$)", TESTCASES),
    # link ids are even in executions; whatever is no integer goes to testcases
    Route(r"^/v2/links/[0-9]*[02468]/?$", EXECUTIONS),
    Route(r"^/v2/links(/|$)", TESTCASES),
    Route(r"^/v2/automations/executions(/|$)", EXECUTIONS),
    Route(r"^/v2/automations(/|$)", TESTCASES),
    Route(r"^/v2/(testcycles|testplans|testexecutions)(/|$)", EXECUTIONS),
    Route(r"^/v2/(testcases|folders|priorities|statuses|environments)(/|$)", TESTCASES),
    Route(r"^/v2/(projects|healthcheck)(/|$)", TENANCY),
    Route(r"^/ostro/v1/testcases(/|$)", TESTCASES),
    Route(r"^/ostro/v1/executions(/|$)", EXECUTIONS),
    Route(r"^/ostro/v1/tenancy(/|$)", TENANCY),
    Route(r"^/ostro/v1/telemetry(/|$)", TELEMETRY),
    Route(r"^/(connect|forge)(/|$)", TENANCY),
    Route(r"^/jira/webhooks(/|$)", TENANCY),
    Route(r"^/\.well-known/jwks\.json$", TENANCY),
    Route(r"^/docs(/|$)", TENANCY),
    # whatever else stands under /v2 gets the vendor's answer for unknown paths
    Route(r"^/v2(/|$)", TENANCY),
)
"""First match wins. A path that no route matches gets 404 from the edge itself."""


def owner_of(path: str) -> str | None:
    """Return the service that owns a path, or None."""
    for route in ROUTES:
        if re.search(route.pattern, path):
            return route.owner
    return None
