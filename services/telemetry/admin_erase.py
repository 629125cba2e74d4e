"""``python -m services.telemetry admin erase``: begins what the running service works through."""

import secrets
from datetime import timedelta
from typing import Annotated

import typer

from contracts.tenancy import TenantState
from kit.clock import SystemClock
from kit.directory.copy import TENANTS
from kit.directory.view import TenantView
from kit.errors import InvalidInput
from kit.ids import SystemIds
from kit.mongo import Database
from services.telemetry.adapters.mongo.beamer import MongoBeamerUsers
from services.telemetry.adapters.mongo.consent import MongoConsents
from services.telemetry.adapters.mongo.erasures import MongoErasures
from services.telemetry.adapters.mongo.pseudonym_keys import MongoPseudonymKeys
from services.telemetry.adapters.mongo.suppressions import MongoSuppressions
from services.telemetry.adapters.sealing import Sealer, read_wrapping_key
from services.telemetry.domain.erasure import suppression_key
from services.telemetry.settings import EraseSettings
from services.telemetry.usecases.erasing import ErasureRequests

Account = Annotated[str | None, typer.Option(help="erase this person")]
Everything = Annotated[
    bool, typer.Option("--everything", help="erase a tenant that is gone, and its keys at the end")
]
List = Annotated[bool, typer.Option("--list", help="show how far the erasures are")]


class StoredTenants:
    """Tenants as the running service has copied them."""

    def __init__(self, database: Database) -> None:
        self._rows = database[TENANTS]

    async def tenant(self, tenant: str) -> TenantView | None:
        """Return the tenant, None when it was never copied."""
        row = await self._rows.find_one({"tenant": tenant})
        if row is None:
            return None
        state = {name: value for name, value in row.items() if name not in {"_id", "seq"}}
        return TenantView(TenantState(**state), {}, frozenset())


def requests_of(database: Database, settings: EraseSettings) -> ErasureRequests:
    """Wire what takes requests."""
    clock, wrapping = SystemClock(), read_wrapping_key(settings.pseudonym_key_file)
    sealer = Sealer(wrapping, secrets.token_bytes)
    period = settings.pseudonym_period
    keys = MongoPseudonymKeys(database, sealer, secrets.token_bytes, clock, period)
    return ErasureRequests(
        erasures=MongoErasures(database),
        suppressions=MongoSuppressions(database, clock),
        beamer_users=MongoBeamerUsers(database, clock),
        keys=keys,
        ring=keys,
        tenants=StoredTenants(database),
        consents=MongoConsents(database),
        suppression_key=suppression_key(wrapping),
        period=period,
        settle=timedelta(seconds=settings.erasure_settle_seconds),
        clock=clock,
        ids=SystemIds(),
    )


async def erase(
    database: Database,
    settings: EraseSettings,
    tenant: str,
    account: str | None,
    by: str,
    *,
    everything: bool,
    listed: bool,
) -> None:
    """Begin, or show."""
    requests = requests_of(database, settings)
    if listed:
        found = await requests.newest(tenant, 100)
    elif everything:
        view = await StoredTenants(database).tenant(tenant)
        if view is not None and view.active:
            raise InvalidInput("the tenant is active: its keys would be gone while it works")
        found = [await requests.of_tenant(tenant, by)]
    else:
        found = [await requests.of_account(tenant, account or "", by)]
    for erasure in found:
        states = ", ".join(f"{name.value} {state.value}" for name, state in erasure.states.items())
        ended = "" if erasure.ended_at is None else " ended"
        typer.echo(f"{erasure.id} {erasure.subject.value}{ended}: {states}")
