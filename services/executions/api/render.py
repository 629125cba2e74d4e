"""Documents as the public API shows them: references are ``{id, self}``, keys stay when null.

Source: behaviour.md section 5.
"""

from collections.abc import Callable, Collection, Iterable
from functools import cache, cached_property, partial
from typing import Any

from contracts.customfields import show_values
from contracts.ids import Kind, number_of, project_of
from kit.clock import vendor_time
from kit.directory.access import Access
from kit.http.references import References
from services.executions.api import shapes
from services.executions.domain.customfields import CustomValue, values_of
from services.executions.domain.executionsteps import ExecutionStep
from services.executions.domain.links import Link
from services.executions.domain.testcycles import TestCycle
from services.executions.domain.testexecutions import TestExecution
from services.executions.domain.testplans import TestPlan
from services.executions.usecases.customfields import Definitions
from services.executions.usecases.testplans import CyclePlan


class _Shared:
    """What the executions of a page have in common, made once."""

    def __init__(self, refs: References, values: Callable[[int], dict[str, Any]]) -> None:
        self.project = cache(partial(refs.resource, "projects"))
        self.status = cache(partial(refs.resource, "statuses"))
        self.environment = cache(partial(refs.optional, "environments"))
        self.version = cache(partial(refs.jira, "version"))
        self.cycle = cache(partial(refs.optional, "testcycles"))
        self.values = cache(values)


class Renderer:
    """Renders for one caller; ``base`` is the public API's base.

    ``fields`` are the custom fields of what is rendered, by project.
    """

    def __init__(self, base: str, access: Access, fields: Definitions | None = None) -> None:
        self._fields = fields or {}
        self._refs = References.of(base, access)
        self._projects = access.view.projects

    @cached_property
    def _shared(self) -> _Shared:
        return _Shared(self._refs, lambda project: self._values(project, ()))

    def cycle(self, cycle: TestCycle, plans: Iterable[CyclePlan]) -> shapes.TestCycle:
        """Render a test cycle; ``plans`` are those that are linked to it."""
        refs = self._refs
        start, end = cycle["planned_start"], cycle["planned_end"]
        return {
            "id": cycle["id"],
            "key": self._key(Kind.TEST_CYCLE, cycle["id"]),
            "name": cycle["name"],
            "project": refs.resource("projects", cycle["project"]),
            "jiraProjectVersion": refs.jira("version", cycle["jira_version"]),
            "status": refs.resource("statuses", cycle["status"]),
            "folder": refs.optional("folders", cycle["folder"]),
            "description": cycle["description"],
            "plannedStartDate": vendor_time(start) if start is not None else None,
            "plannedEndDate": vendor_time(end) if end is not None else None,
            "owner": refs.user(cycle["owner"]),
            "customFields": self._values(cycle["project"], cycle.get("custom_fields", ())),
            "links": self.cycle_links(cycle, plans),
        }

    def created_cycle(self, cycle: TestCycle) -> shapes.KeyedCreatedResource:
        """Render the answer to who made a test cycle."""
        ident = cycle["id"]
        url = self._refs.url("testcycles", ident)
        return {"id": ident, "self": url, "key": self._key(Kind.TEST_CYCLE, ident)}

    def created_plan(self, plan: TestPlan) -> shapes.KeyedCreatedResource:
        """Render the answer to who made a test plan."""
        ident = plan["id"]
        url = self._refs.url("testplans", ident)
        return {"id": ident, "self": url, "key": self._key(Kind.TEST_PLAN, ident)}

    def plan(self, plan: TestPlan, cycles: Collection[int]) -> shapes.TestPlan:
        """Render a test plan; of the cycles that it is linked to, these are shown."""
        refs = self._refs
        links = plan["links"]
        return {
            "id": plan["id"],
            "key": self._key(Kind.TEST_PLAN, plan["id"]),
            "name": plan["name"],
            "objective": plan["objective"],
            "project": refs.resource("projects", plan["project"]),
            "status": refs.resource("statuses", plan["status"]),
            "folder": refs.optional("folders", plan["folder"]),
            "owner": refs.user(plan["owner"]),
            "customFields": self._values(plan["project"], plan["custom_fields"]),
            "labels": plan["labels"],
            "links": {
                "webLinks": [self._page(link) for link in links if "url" in link],
                "issues": [self._issue(link) for link in links if "issue" in link],
                "testCycles": [
                    self._cycle_of_plan(link) for link in links if link.get("cycle") in cycles
                ],
            },
        }

    def execution(self, execution: TestExecution) -> shapes.TestExecution:
        """Render a test execution. A page has a thousand at most: what many share is made once."""
        base, ident, project = self._refs.base, execution["id"], execution["project"]
        key, case = self._projects[project].key, number_of(execution["case"])
        values, links = execution.get("custom_fields"), execution.get("links")
        shared = self._shared
        return {
            "id": ident,
            "key": f"{key}-E{number_of(ident)}",
            "project": shared.project(project),
            # the version row's id, not the test case's; clients take the key out of self
            "testCase": {
                "id": execution["version_id"],
                "self": f"{base}/testcases/{key}-T{case}/versions/{execution['version']}",
            },
            "environment": shared.environment(execution["environment"]),
            "jiraProjectVersion": shared.version(execution["jira_version"]),
            "testExecutionStatus": shared.status(execution["status"]),
            # json_response writes it as vendor_time would
            "actualEndDate": execution["end"],  # type: ignore[typeddict-item]  # text by then
            "estimatedTime": execution.get("estimated_time"),
            "executionTime": execution["time"],
            "executedById": execution["executed_by"],
            "assignedToId": execution["assigned_to"],
            "comment": execution["comment"],
            "automated": execution["automated"],
            "testCycle": shared.cycle(execution["cycle"]),
            "customFields": self._values(project, values) if values else shared.values(project),
            "links": {
                "self": f"{base}/testexecutions/{ident}/links",
                "issues": [self._issue(link) for link in links] if links else [],
            },
        }

    def created_execution(self, ident: int) -> shapes.CreatedResource:
        """Render the answer to who recorded a test execution; a key is none of the vendor's."""
        return {"id": ident, "self": self._refs.url("testexecutions", ident)}

    def execution_step(self, step: ExecutionStep) -> shapes.TestExecutionStep:
        """Render a step of a test execution."""
        return {
            "id": step["id"],
            "inline": {
                "description": step["description"],
                "testData": step["test_data"],
                "expectedResult": step["expected"],
                "actualResult": step["actual"],
                "testDataRowNumber": step["row"],
                "reflectRef": step["reflect_ref"],
                "status": self._refs.resource("statuses", step["status"]),
            },
        }

    def cycle_links(self, cycle: TestCycle, plans: Iterable[CyclePlan]) -> shapes.CycleLinks:
        """Render the links of a test cycle."""
        links = cycle.get("links", ())
        return {
            "self": f"{self._refs.url('testcycles', cycle['id'])}/links",
            "issues": [self._issue(link) for link in links if "issue" in link],
            "webLinks": [self._page(link) for link in links if "url" in link],
            "testPlans": [
                {
                    "id": one.link["id"],
                    "self": self._refs.url("links", one.link["id"]),
                    "testPlanId": one.plan,
                    "type": one.link["type"],
                    "target": self._refs.url("testplans", one.plan),
                }
                for one in plans
            ],
        }

    def execution_links(self, execution: TestExecution) -> shapes.ExecutionLinks:
        """Render the links of a test execution."""
        return {
            "self": f"{self._refs.url('testexecutions', execution['id'])}/links",
            "issues": [self._issue(link) for link in execution.get("links", ())],
        }

    def _values(self, project: int, rows: Iterable[CustomValue]) -> dict[str, Any]:
        return dict(show_values(self._fields.get(project, ()), values_of(rows)))

    def _issue(self, link: Link) -> shapes.IssueLink:
        shown: shapes.IssueLink = {
            "issueId": link["issue"],
            "id": link["id"],
            "self": self._refs.url("links", link["id"]),
            "type": link["type"],
        }
        if self._refs.site is not None:
            shown["target"] = f"{self._refs.site}/rest/api/2/issue/{link['issue']}"
        return shown

    def _cycle_of_plan(self, link: Link) -> shapes.CycleOfPlan:
        return {
            "id": link["id"],
            "self": self._refs.url("links", link["id"]),
            "testCycleId": link["cycle"],
            "type": link["type"],
            "target": self._refs.url("testcycles", link["cycle"]),
        }

    def _page(self, link: Link) -> shapes.WebLink:
        shown: shapes.WebLink = {
            "url": link["url"],
            "id": link["id"],
            "self": self._refs.url("links", link["id"]),
            "type": link["type"],
        }
        if "description" in link:
            shown["description"] = link["description"]
        return shown

    def _key(self, kind: Kind, entity: int) -> str:
        project = self._projects[project_of(entity)]
        return f"{project.key}-{kind.value}{number_of(entity)}"
