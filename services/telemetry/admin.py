"""``python -m services.telemetry admin``: needs telemetry's database and nothing else."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from contracts.telemetry import ProcessorName
from kit.clock import SystemClock
from kit.errors import OstroError
from kit.mongo import MongoError, connect
from kit.settings import load
from services.telemetry.adapters.mongo.consent import MongoConsents
from services.telemetry.settings import AdminSettings
from services.telemetry.usecases.consent import Consent

cli = typer.Typer(help="Administration.", no_args_is_help=True)
consent_cli = typer.Typer(
    help="Consent of a tenant, by processor; off until turned on.", no_args_is_help=True
)
cli.add_typer(consent_cli, name="consent")

Tenant = Annotated[str, typer.Option(help="id of the tenant")]


@consent_cli.command("show")
def show(tenant: Tenant) -> None:
    """Print consent for every processor."""
    _run(lambda consent: _print(consent, tenant))


@consent_cli.command("set")
def change(
    tenant: Tenant,
    processor: Annotated[ProcessorName, typer.Option(help="which processor")],
    on: Annotated[bool, typer.Option("--on/--off", help="consent, or no longer")],
) -> None:
    """Turn one processor on or off; running services heed it with their next request."""

    async def work(consent: Consent) -> None:
        await consent.change(tenant, processor, on=on, by="admin command")
        await _print(consent, tenant)

    _run(work)


async def _print(consent: Consent, tenant: str) -> None:
    for processor, on in (await consent.show(tenant)).items():
        typer.echo(f"{processor.value}: {'on' if on else 'off'}")


def _run(work: Callable[[Consent], Awaitable[None]]) -> None:
    settings = load(AdminSettings)

    async def connected() -> None:
        async with connect(settings.mongodb_uri, settings.mongodb_database) as database:
            await work(Consent(MongoConsents(database), SystemClock()))

    try:
        asyncio.run(connected())
    except (OstroError, MongoError) as error:
        sys.stderr.write(f"telemetry admin: {type(error).__name__}\n")
        raise typer.Exit(1) from None
