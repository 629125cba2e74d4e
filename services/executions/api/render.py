"""Documents as the public API shows them: references are ``{id, self}``, keys stay when null.

Source: behaviour.md section 5.
"""

from typing import Any

from contracts.ids import Kind, number_of, project_of
from kit.auth.api_tokens import VerifiedToken
from kit.clock import vendor_time
from services.executions.domain.testcycles import TestCycle
from services.executions.domain.testexecutions import TestExecution


class Renderer:
    """Renders for one caller; ``base`` is the public API's base."""

    def __init__(self, base: str, caller: VerifiedToken) -> None:
        self._base = base
        self._site = caller.tenant.tenant.site_url
        self._projects = caller.tenant.projects

    def cycle(self, cycle: TestCycle) -> dict[str, Any]:
        """Render a test cycle."""
        self_url = f"{self._base}/testcycles/{cycle['id']}"
        start, end = cycle["planned_start"], cycle["planned_end"]
        return {
            "id": cycle["id"],
            "key": self._key(Kind.TEST_CYCLE, cycle["id"]),
            "name": cycle["name"],
            "project": self._ref("projects", cycle["project"]),
            "jiraProjectVersion": self._version(cycle["jira_version"]),
            "status": self._ref("statuses", cycle["status"]),
            "folder": self._ref("folders", cycle["folder"]),
            "description": cycle["description"],
            "plannedStartDate": vendor_time(start) if start is not None else None,
            "plannedEndDate": vendor_time(end) if end is not None else None,
            "owner": self._user(cycle["owner"]),
            "customFields": {},
            "links": {
                "self": f"{self_url}/links",
                "issues": [],
                "webLinks": [],
                "testPlans": [],
            },
        }

    def execution(self, execution: TestExecution) -> dict[str, Any]:
        """Render a test execution."""
        base, cycle, case = self._base, execution["cycle"], execution["case"]
        case_key = self._key(Kind.TEST_CASE, case)
        return {
            "id": execution["id"],
            "key": self._key(Kind.TEST_EXECUTION, execution["id"]),
            "project": self._ref("projects", execution["project"]),
            # the version row's id, not the test case's; clients take the key out of self
            "testCase": {
                "id": execution["version_id"],
                "self": f"{base}/testcases/{case_key}/versions/{execution['version']}",
            },
            "environment": self._ref("environments", execution["environment"]),
            "jiraProjectVersion": self._version(execution["jira_version"]),
            "testExecutionStatus": self._ref("statuses", execution["status"]),
            "actualEndDate": vendor_time(execution["end"]),
            "estimatedTime": None,
            "executionTime": execution["time"],
            "executedById": execution["executed_by"],
            "assignedToId": execution["assigned_to"],
            "comment": execution["comment"],
            "automated": execution["automated"],
            "testCycle": self._ref("testcycles", cycle),
            "customFields": {},
            "links": {"self": f"{base}/testexecutions/{execution['id']}/links", "issues": []},
        }

    def _key(self, kind: Kind, entity: int) -> str:
        project = self._projects[project_of(entity)]
        return f"{project.key}-{kind.value}{number_of(entity)}"

    def _ref(self, path: str, entity: int | None) -> dict[str, Any] | None:
        return None if entity is None else {"id": entity, "self": f"{self._base}/{path}/{entity}"}

    def _version(self, version: int | None) -> dict[str, Any] | None:
        if version is None:
            return None
        reference: dict[str, Any] = {"id": version}
        if self._site is not None:
            reference["self"] = f"{self._site}/rest/api/2/version/{version}"
        return reference

    def _user(self, account_id: str | None) -> dict[str, Any] | None:
        if account_id is None:
            return None
        reference: dict[str, Any] = {"accountId": account_id}
        if self._site is not None:
            reference["self"] = f"{self._site}/rest/api/2/user?accountId={account_id}"
        return reference
