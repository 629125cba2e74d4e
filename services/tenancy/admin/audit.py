"""``admin audit``."""

from typing import Annotated

import typer

from kit.clock import vendor_time
from kit.http.params import moment
from services.tenancy.admin.projects import TenantOption
from services.tenancy.admin.session import execute, note, table
from services.tenancy.main import Core

_HEADINGS = ("AT", "ACTION", "SUBJECT", "ACTOR", "ACCOUNT", "TOKEN")


def audit(
    tenant: TenantOption,
    since: Annotated[
        str | None, typer.Option(help="only what is not older: 2026-11-24T12:00:00Z")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="how many rows at most")] = 100,
) -> None:
    """Print who changed what of a tenant, newest first; ids only."""

    async def work(core: Core) -> None:
        after = moment(since, "since")
        found = await core.tenants.get(tenant)
        rows = await core.audit.page(found.id, after, 0, limit)
        table(
            _HEADINGS,
            [
                (vendor_time(r.at), r.action, r.subject, r.actor, r.account_id, r.token_id)
                for r in rows
            ],
        )
        total = await core.audit.count(found.id, after)
        if total > len(rows):
            note(f"{total - len(rows)} older ones are not shown: --limit")

    execute(work)
