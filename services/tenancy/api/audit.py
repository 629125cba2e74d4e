"""``/ostro/v1/tenancy/audit``: who changed what when, by ids. Needs the scope admin."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from typing_extensions import TypedDict

from kit.clock import vendor_time
from kit.http.pages import Offset, OffsetList, offset_response
from kit.http.params import moment
from services.tenancy.api.caller import Administrator
from services.tenancy.usecases.audit import AuditEntry, AuditTrail

Since = Annotated[
    str | None,
    Query(description="only what is not older", json_schema_extra={"format": "date-time"}),
]


class AuditBean(TypedDict):
    """One change. ``subject`` is the id of what was changed: tenant, project, token or key."""

    id: str
    at: str
    action: str
    subject: str
    actor: str
    accountId: str | None
    tokenId: str | None


def router(audit: AuditTrail, public_url: str) -> APIRouter:
    """Build the route."""
    routes = APIRouter(prefix="/ostro/v1/tenancy/audit", tags=["Administration"])

    @routes.get(
        "",
        summary="Read the audit trail of the tenant, newest first",
        responses={200: {"model": OffsetList[AuditBean]}},
    )
    async def read(
        request: Request, principal: Administrator, page: Offset, since: Since = None
    ) -> Response:
        """List who changed what and when, by ids. Needs the scope admin."""
        after = moment(since, "since")
        total = await audit.count(principal.tenant, after)
        found = await audit.page(principal.tenant, after, page.start_at, page.max_results)
        base = public_url.rstrip("/")
        return offset_response(request, base, page, total, [bean(entry) for entry in found])

    return routes


def bean(entry: AuditEntry) -> dict[str, Any]:
    """Return a row as it is shown."""
    return {
        "id": entry.id,
        "at": vendor_time(entry.at),
        "action": entry.action,
        "subject": entry.subject,
        "actor": entry.actor,
        "accountId": entry.account_id,
        "tokenId": entry.token_id,
    }
