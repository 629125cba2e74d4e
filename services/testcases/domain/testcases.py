"""Test cases: the model and the rules of what a client may send."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from contracts.customfields import Value
from contracts.ids import EntityKey, Kind, number_of
from services.testcases.domain.links import Link
from services.testcases.domain.scripts import ScriptType


@dataclass(frozen=True, slots=True)
class TestCase:
    """A case as its newest version says; times are UTC, ``estimated_time`` is in ms."""

    __test__ = False  # not a pytest class

    id: int
    project: int
    name: str
    version: int
    version_id: int
    """Public id of the version row: what an execution of this version refers to."""
    priority: int
    status: int
    created_on: datetime
    updated_on: datetime
    objective: str | None = None
    precondition: str | None = None
    estimated_time: int | None = None
    labels: tuple[str, ...] = ()
    component: int | None = None
    """Jira's component id."""
    folder: int | None = None
    owner: str | None = None
    """Jira account id."""
    script: ScriptType = ScriptType.STEPS
    custom_fields: Mapping[int, Value] = field(default_factory=dict)
    """By the ids of fields."""
    links: tuple[Link, ...] = ()


def key_of(case: TestCase, project_key: str) -> str:
    """Return the human key, for example ``DEMO-T7``."""
    return str(EntityKey(project_key, Kind.TEST_CASE, number_of(case.id)))
