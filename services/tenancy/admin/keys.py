"""``admin keys``."""

import typer

from kit.clock import vendor_time
from services.tenancy.admin.session import WHO, execute, note, table
from services.tenancy.main import Core

cli = typer.Typer(no_args_is_help=True, help="Keys that sign API tokens: list, rotate.")


@cli.command("rotate")
def rotate() -> None:
    """Make a new signing key and print its id.

    It is published now and signs five minutes from now, when every service knows
    it. Tokens signed before stay good: the old key verifies for another year, its
    private half is wiped.
    """

    async def work(core: Core) -> None:
        key = await core.keys.rotate(WHO)
        note(f"made a signing key; it signs from {vendor_time(key.not_before)}:")
        typer.echo(key.kid)

    execute(work)


@cli.command("list")
def list_() -> None:
    """List the signing keys, oldest first."""

    async def work(core: Core) -> None:
        rows = [
            (
                key.kid,
                vendor_time(key.not_before),
                None if key.retired_at is None else vendor_time(key.retired_at),
                "wiped" if key.private is None else "sealed",
            )
            for key in await core.keys.all()
        ]
        table(("KEY", "SIGNS FROM", "VERIFIES UNTIL", "PRIVATE HALF"), rows)

    execute(work)
