"""``admin permissions``."""

import json
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from contracts.permissions import Grant
from kit.errors import InvalidInput
from kit.http.errors import validation_message
from services.tenancy.admin.projects import TenantOption
from services.tenancy.admin.session import WHO, execute, note
from services.tenancy.api.permissions import PermissionsBean, bean
from services.tenancy.main import Core

cli = typer.Typer(no_args_is_help=True, help="Permission schemes of projects: show, set, enforce.")

ProjectArgument = Annotated[str, typer.Argument(help="project key or id")]
ForceOption = Annotated[
    bool, typer.Option("--force", help="also when nobody could edit the configuration any more")
]


@cli.command("show")
def show(project: ProjectArgument, tenant: TenantOption) -> None:
    """Print the scheme of a project as JSON, in the form that set takes."""

    async def work(core: Core) -> None:
        _, found = await core.rights.permissions.get(tenant, project)
        typer.echo(json.dumps(bean(found), indent=2))

    execute(work)


@cli.command("set")
def set_(
    project: ProjectArgument,
    tenant: TenantOption,
    file: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="JSON: enforced and grants")
    ],
    force: ForceOption = False,
) -> None:
    """Replace the whole scheme of a project.

    A grant names entity, rights, holder (user, group or role) and the holder's id
    in Jira: see docs/permissions.md.
    """

    async def work(core: Core) -> None:
        wanted = _read(file)
        grants = [Grant.model_validate(grant.model_dump()) for grant in wanted.grants]
        found, stored = await core.rights.permissions.put(
            tenant, project, grants, WHO, enforced=wanted.enforced, force=force
        )
        state = "enforced" if stored.enforced else "not enforced"
        note(f"{found.key} has {len(stored.grants)} grants, {state}")

    execute(work)


@cli.command("enforce")
def enforce(
    project: ProjectArgument,
    tenant: TenantOption,
    off: Annotated[bool, typer.Option("--off", help="stop enforcing; grants stay")] = False,
    force: ForceOption = False,
) -> None:
    """Enforce the scheme of a project, or stop it."""

    async def work(core: Core) -> None:
        found, _ = await core.rights.permissions.enforce(
            tenant, project, WHO, enforced=not off, force=force
        )
        note(f"permissions of {found.key} are {'not ' if off else ''}enforced")

    execute(work)


def _read(file: Path) -> PermissionsBean:
    try:
        return PermissionsBean.model_validate_json(file.read_bytes())
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        raise InvalidInput(validation_message(found, whole="The file")) from None
