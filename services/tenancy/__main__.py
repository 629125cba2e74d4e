"""``python -m services.tenancy [--role ...]`` runs the service; ``admin`` has the commands."""

from typing import Annotated

import typer

from kit.service import Role, run
from services.tenancy.admin.command import cli as admin
from services.tenancy.main import INDEXES, SERVICE, build
from services.tenancy.settings import TenancySettings

cli = typer.Typer(
    help="The tenancy service.", add_completion=False, pretty_exceptions_show_locals=False
)
cli.add_typer(admin, name="admin")
_serve = run(SERVICE, TenancySettings, build, INDEXES)


@cli.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    role: Annotated[Role, typer.Option(help="what this process does")] = Role.ALL,
) -> None:
    """Run the service. Settings are read from OSTRO_* variables."""
    if context.invoked_subcommand is None:
        _serve(role)


if __name__ == "__main__":
    cli()
