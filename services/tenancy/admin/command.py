"""The command tree of ``python -m services.tenancy admin``."""

import typer

from services.tenancy.admin import audit, forge, keys, permissions, projects, tenants, tokens

cli = typer.Typer(
    no_args_is_help=True,
    help="""Administer tenants, projects, tokens and signing keys.

Needs MongoDB and the keys of secrets only: OSTRO_MONGODB_URI and
OSTRO_MASTER_KEY_FILE (or those of KMS); OSTRO_PUBLIC_URL and OSTRO_CELL as the
service has them.
Running services know of every change within a second. What a command makes
goes to stdout, everything else to stderr. It ends with 0, with 1 when
something is in the way, with 2 for wrong settings or arguments.

A first token without Jira, with A = python -m services.tenancy admin:

    T=$($A tenant create --name "My team")

    $A project enable DEMO --tenant $T

    $A token mint --tenant $T --name ci --scope read --scope write
""",
)
cli.add_typer(tenants.cli, name="tenant")
cli.add_typer(projects.cli, name="project")
cli.add_typer(permissions.cli, name="permissions")
cli.add_typer(tokens.cli, name="token")
cli.add_typer(keys.cli, name="keys")
cli.add_typer(forge.cli, name="forge")
cli.command("audit")(audit.audit)
