"""What the other services ask of a tenant's Jira; the tenant comes from the caller's token.

Names and issue keys pass through here: nothing of them is logged or stored.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from contracts.base import Contract
from contracts.internal import (
    IssueRef,
    IssuesAnswer,
    IssuesRequest,
    JiraAnswer,
    PermissionCheckAnswer,
    PermissionCheckRequest,
    PermissionInProjects,
    UserName,
    UsersAnswer,
    UsersRequest,
)
from contracts.routes import EXECUTIONS, TESTCASES
from kit.http.body import JsonBody
from kit.http.security import TenantCaller, TenantPeerOf
from services.tenancy.domain.tenants import Tenant
from services.tenancy.usecases.facts import Facts
from services.tenancy.usecases.issues import Found, Issues
from services.tenancy.usecases.jira_permissions import Granted, PermissionChecks
from services.tenancy.usecases.users import Users

# no display names and rights for whoever only counts events
_Caller = Annotated[TenantCaller, Depends(TenantPeerOf(TESTCASES, EXECUTIONS))]
_Issues = Annotated[IssuesRequest, Depends(JsonBody(IssuesRequest))]
_Check = Annotated[PermissionCheckRequest, Depends(JsonBody(PermissionCheckRequest))]
_Users = Annotated[UsersRequest, Depends(JsonBody(UsersRequest))]


def router(issues: Issues, users: Users, checks: PermissionChecks, facts: Facts) -> APIRouter:
    """Build the routes of the internal listener."""
    routes = APIRouter(prefix="/internal/v1")

    @routes.post("/issues")
    async def find_issues(caller: _Caller, body: _Issues) -> Response:
        found = await issues.find(caller.tenant, body.keys, body.ids)
        return _answer(IssuesAnswer(issues=[_issue(one) for one in found]))

    @routes.post("/permission-check")
    async def check(caller: _Caller, body: _Check) -> Response:
        granted = await checks.check(
            caller.tenant, body.account_id, body.permissions, body.projects
        )
        return _answer(_checked(body.permissions, granted))

    @routes.post("/users")
    async def names(caller: _Caller, body: _Users) -> Response:
        found = await users.names(caller.tenant, body.account_ids)
        return _answer(
            UsersAnswer(
                users=[UserName(account_id=one, display_name=name) for one, name in found.items()]
            )
        )

    @routes.get("/jira")
    async def jira(caller: _Caller) -> Response:
        return _answer(_jira(await facts.known(caller.tenant)))

    return routes


def _issue(found: Found) -> IssueRef:
    issue = found.issue
    return IssueRef(id=issue.id, key=issue.key, asked=found.asked, project=issue.project)


def _checked(permissions: tuple[str, ...], granted: Granted) -> PermissionCheckAnswer:
    where = {name: tuple(sorted(p for n, p in granted if n == name)) for name in permissions}
    return PermissionCheckAnswer(
        granted=[
            PermissionInProjects(permission=name, projects=projects)
            for name, projects in where.items()
            if projects
        ]
    )


def _jira(tenant: Tenant) -> JiraAnswer:
    state, facts = tenant.state(), tenant.facts
    return JiraAnswer(
        jira_instance=state.jira_instance,
        jira_version=state.jira_version,
        licence_tier=state.licence_tier,
        licence_type=state.licence_type,
        licence_active=facts.licence_active,
        licence_evaluation=facts.licence_evaluation,
        support_entitlement=state.support_entitlement,
        read_at=facts.read_at,
    )


def _answer(body: Contract) -> Response:
    return Response(body.model_dump_json(), media_type="application/json")
