"""The walks through all operations, by resource."""

from collections.abc import Mapping

from tests.conformance.walk import Walk
from tests.conformance.walks import (
    attachments,
    automations,
    folders,
    issuelinks,
    links,
    options,
    projects,
    scripts_steps,
    testcases,
    testcycles,
    testexecutions,
    testplans,
)

_MODULES = (
    testcases,
    scripts_steps,
    testcycles,
    testplans,
    testexecutions,
    folders,
    options,
    links,
    issuelinks,
    attachments,
    automations,
    projects,
)
WALKS: Mapping[str, Walk] = {walk.operation: walk for m in _MODULES for walk in m.WALKS}
