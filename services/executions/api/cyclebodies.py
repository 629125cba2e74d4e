"""Bodies of POST and PUT ``/v2/testcycles``. Null and absent are the same."""

from typing import Any

from kit.http.fields import AccountId, Body, Id, Moment, Name, ProjectKey, Text
from services.executions.usecases.cyclechanges import CycleReplacement, NewTestCycle


class TestCycleCreate(Body):
    """Body of POST."""

    __test__ = False

    project_key: ProjectKey
    name: Name
    description: str | None = None
    planned_start_date: Moment | None = None
    planned_end_date: Moment | None = None
    jira_project_version: Id | None = None
    status_name: Text | None = None
    folder_id: Id | None = None
    owner_id: AccountId | None = None
    custom_fields: dict[str, Any] | None = None

    def wanted(self) -> NewTestCycle:
        """Return what it asks for."""
        return NewTestCycle(
            project_key=self.project_key,
            name=self.name,
            description=self.description,
            planned_start=self.planned_start_date,
            planned_end=self.planned_end_date,
            jira_version=self.jira_project_version,
            status_name=self.status_name,
            folder=self.folder_id,
            owner=self.owner_id,
            custom_fields=self.custom_fields or {},
        )


class Reference(Body):
    """A reference to something; where it points is not looked at."""

    id: Id


class UserReference(Body):
    """A reference to a user."""

    account_id: AccountId | None


class TestCycleUpdate(Body):
    """Body of PUT: what GET shows, of which the links are not looked at."""

    __test__ = False

    id: Id
    key: str
    name: Name
    project: Reference
    status: Reference
    jira_project_version: Reference | None = None
    folder: Reference | None = None
    description: str | None = None
    planned_start_date: Moment | None = None
    planned_end_date: Moment | None = None
    owner: UserReference | None = None
    custom_fields: dict[str, Any] | None = None

    def wanted(self) -> CycleReplacement:
        """Return what it asks for."""
        version, folder, owner = self.jira_project_version, self.folder, self.owner
        return CycleReplacement(
            id=self.id,
            key=self.key,
            project=self.project.id,
            name=self.name,
            status=self.status.id,
            description=self.description,
            planned_start=self.planned_start_date,
            planned_end=self.planned_end_date,
            jira_version=version.id if version is not None else None,
            folder=folder.id if folder is not None else None,
            owner=owner.account_id if owner is not None else None,
            custom_fields=self.custom_fields or {},
        )
