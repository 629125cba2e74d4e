"""``admin project``."""

from typing import Annotated

import typer

from contracts.ids import MAX_PROJECT_ID
from services.tenancy.admin.session import WHO, chosen, execute, note, table
from services.tenancy.domain.projects import Project
from services.tenancy.main import Core
from services.tenancy.usecases.projects import Wanted

cli = typer.Typer(no_args_is_help=True, help="Projects of a tenant: enable, disable, list.")

TenantOption = Annotated[str, typer.Option("--tenant", help="id of the tenant: see tenant list")]
AnyTenantOption = Annotated[
    str | None, typer.Option("--tenant", help="id of a tenant; left out: every tenant")
]


@cli.command("enable")
def enable(
    key: Annotated[str, typer.Argument(help="project key, for example DEMO")],
    tenant: TenantOption,
    jira_id: Annotated[
        int | None,
        typer.Option(min=1, max=2**53 - 1, help="Jira's id of the project; without Jira only"),
    ] = None,
    ident: Annotated[
        int | None,
        typer.Option(
            "--id", min=1, max=MAX_PROJECT_ID, help="id of a new project here, as in an archive"
        ),
    ] = None,
) -> None:
    """Enable a project and print its id; enabling it again changes nothing.

    For a tenant with Jira the project must exist there and be visible to the app:
    Jira is asked.
    """

    async def work(core: Core) -> None:
        project, new = await core.projects.enable(tenant, Wanted(key, jira_id, ident), WHO)
        note(f"enabled {project.key}:" if new else f"{project.key} is enabled:")
        typer.echo(project.id)

    execute(work)


@cli.command("disable")
def disable(
    key: Annotated[str, typer.Argument(help="project key or id")], tenant: TenantOption
) -> None:
    """Hide a project everywhere. Its data stays and is back when it is enabled again."""

    async def work(core: Core) -> None:
        project = await core.projects.switch(tenant, key, WHO, enabled=False)
        note(f"disabled {project.key}")

    execute(work)


@cli.command("list")
def list_(tenant: AnyTenantOption = None) -> None:
    """List projects, disabled ones too; of one tenant or of all. Hidden: Jira does not show it."""

    async def work(core: Core) -> None:
        rows = [_row(p) for t in await chosen(core, tenant) for p in await core.projects.all(t)]
        table(("TENANT", "PROJECT", "KEY", "JIRA ID", "ENABLED", "ALIASES"), rows)

    execute(work)


def _row(project: Project) -> tuple[object, ...]:
    return (
        project.tenant,
        project.id,
        project.key,
        project.jira_project_id,
        ("hidden" if project.deleted else "yes") if project.enabled else "no",
        " ".join(project.aliases) or None,
    )
