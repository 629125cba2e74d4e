"""``python -m services.telemetry admin``: needs telemetry's database and nothing else."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated

import typer

from contracts.telemetry import ProcessorName
from kit.clock import SystemClock
from kit.directory.copy import TENANTS
from kit.errors import NotFound, OstroError
from kit.ids import SystemIds
from kit.mongo import Database, MongoError, connect
from kit.settings import load
from services.telemetry.adapters.mongo.consent import MongoConsents
from services.telemetry.adapters.mongo.handles import MongoHandles
from services.telemetry.adapters.mongo.key_register import MongoKeyRegister
from services.telemetry.admin_erase import Account, Everything, List, erase
from services.telemetry.domain.flags import context_key
from services.telemetry.settings import AdminSettings, EraseSettings
from services.telemetry.usecases.consent import Consent
from services.telemetry.usecases.keys import Shredding

BY = "admin command"

cli = typer.Typer(help="Administration.", no_args_is_help=True)
consent_cli = typer.Typer(
    help="Consent of a tenant, by processor; off until turned on.", no_args_is_help=True
)
keys_cli = typer.Typer(
    help="Keys of pseudonyms. Who destroys one can never again tell whose its pseudonyms were.",
    no_args_is_help=True,
)
cli.add_typer(consent_cli, name="consent")
flags_cli = typer.Typer(help="Flags of a tenant.", no_args_is_help=True)
cli.add_typer(keys_cli, name="keys")
cli.add_typer(flags_cli, name="flags")

Tenant = Annotated[str, typer.Option(help="id of the tenant")]


@consent_cli.command("show")
def show(tenant: Tenant) -> None:
    """Print consent for every processor, and who changed it last."""
    _run(lambda database: _print(_consent(database), tenant))


@consent_cli.command("set")
def change(
    tenant: Tenant,
    processor: Annotated[ProcessorName, typer.Option(help="which processor")],
    on: Annotated[bool, typer.Option("--on/--off", help="consent, or no longer")],
) -> None:
    """Turn one processor on or off; running services heed it with their next request."""

    async def work(database: Database) -> None:
        consent = _consent(database)
        await consent.change(tenant, processor, on=on, by=BY)
        await _print(consent, tenant)

    _run(work)


@keys_cli.command("list")
def list_keys(tenant: Tenant) -> None:
    """Print every epoch that has a key, or had one."""

    async def work(database: Database) -> None:
        for entry in await MongoKeyRegister(database).entries(tenant):
            if entry.destroyed_at is None:
                typer.echo(f"{entry.epoch}: since {_minute(entry.created_at)}")
            else:
                when = _minute(entry.destroyed_at)
                typer.echo(f"{entry.epoch}: destroyed {when} by {entry.destroyed_by}")

    _run(work)


@keys_cli.command("destroy")
def destroy(
    tenant: Tenant,
    epoch: Annotated[str | None, typer.Option(help="one epoch, as listed")] = None,
    before: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="all epochs that were over by this day"),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="every key of a tenant that is gone, today's too")
    ] = False,
) -> None:
    """Destroy keys for good. First have the processors delete: later nobody can name the users."""
    if (epoch is not None) + (before is not None) + everything != 1:
        raise typer.BadParameter("name one of --epoch, --before and --all")

    async def work(database: Database) -> None:
        shredding = Shredding(MongoKeyRegister(database), SystemClock())
        if before is not None:
            gone = await shredding.before(tenant, before.date(), BY)
        elif epoch is None:
            gone = await shredding.all_of(tenant, BY)
        else:
            gone = await shredding.one(tenant, epoch, BY)
        typer.echo(f"destroyed: {gone}")

    try:
        _run(work)
    except ValueError:
        raise typer.BadParameter("no epoch", param_hint="--epoch") from None


@cli.command("erase")
def begin_erasure(
    tenant: Tenant,
    account: Account = None,
    everything: Everything = False,
    listed: List = False,
) -> None:
    """Have a person, or a tenant that is gone, deleted at the processors; needs their keys' key."""
    if (account is not None) + everything + listed != 1:
        raise typer.BadParameter("name one of --account, --everything and --list")
    settings = load(EraseSettings)
    _run(
        lambda database: erase(
            database, settings, tenant, account, BY, everything=everything, listed=listed
        )
    )


@flags_cli.command("key")
def flags_key(tenant: Tenant) -> None:
    """Print the key that LaunchDarkly's rules may name the tenant by, once it consents."""

    async def work(database: Database) -> None:
        if await database[TENANTS].find_one({"tenant": tenant}) is None:
            raise NotFound("no such tenant")
        typer.echo(context_key(await MongoHandles(database, SystemIds()).handle(tenant)))

    _run(work)


def _consent(database: Database) -> Consent:
    return Consent(MongoConsents(database), SystemClock())


async def _print(consent: Consent, tenant: str) -> None:
    choices, last = await consent.show(tenant), await consent.last_change(tenant)
    for processor in ProcessorName:
        typer.echo(f"{processor.value}: {'on' if processor in choices.processors else 'off'}")
    typer.echo(f"keys in paths: {'kept' if choices.keep_keys else 'replaced'}")
    if last is not None:
        typer.echo(f"changed: {_minute(last.at)} by {last.by}")


def _minute(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


def _run(work: Callable[[Database], Awaitable[None]]) -> None:
    settings = load(AdminSettings)

    async def connected() -> None:
        async with connect(settings.mongodb_uri, settings.mongodb_database) as database:
            await work(database)

    try:
        asyncio.run(connected())
    except (OstroError, MongoError) as error:
        sys.stderr.write(f"telemetry admin: {type(error).__name__}\n")
        raise typer.Exit(1) from None
