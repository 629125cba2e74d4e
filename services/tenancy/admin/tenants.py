"""``admin tenant``."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

import typer

from kit.clock import vendor_time
from services.tenancy.admin.session import WHO, execute, note, table
from services.tenancy.domain.standing import lives, moment, why_not_active
from services.tenancy.domain.tenants import Tenant
from services.tenancy.main import Core

cli = typer.Typer(no_args_is_help=True, help="Tenants: make one without Jira, list all, ask Jira.")

_MAX_NAME = 255


def _site_url(value: str | None) -> str | None:
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        port_is_fine, parts = False, urlsplit("")
    if not port_is_fine or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise typer.BadParameter("must be a URL such as https://example.atlassian.net")
    if parts.username or parts.query or parts.fragment:
        raise typer.BadParameter("must hold scheme, host and path only")
    return value.rstrip("/")


def _name(value: str | None) -> str | None:
    if value is not None and not 0 < len(value.strip()) <= _MAX_NAME:
        raise typer.BadParameter(f"must have 1 to {_MAX_NAME} characters")
    return value


def _cloud_id(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", value):
        raise typer.BadParameter("must be an id such as 0f4b9c1e-…, without URL")
    return value


@cli.command("create")
def create(
    name: Annotated[
        str | None, typer.Option(callback=_name, help="what you call it; shown by list only")
    ] = None,
    site_url: Annotated[
        str | None,
        typer.Option(
            callback=_site_url,
            help="base of links into a Jira site and of the token's context.baseUrl; never called",
        ),
    ] = None,
) -> None:
    """Make a tenant without Jira and print its id.

    A tenant with Jira is not made here. It comes into being when an administrator
    of the Jira site installs the app, from its descriptor at
    OSTRO_APP_BASE_URL/connect/atlassian-connect.json. The command list shows it
    then; projects and tokens are made for it with these commands, too.
    """

    async def work(core: Core) -> None:
        tenant = await core.tenants.create(name, site_url, WHO)
        note("made a tenant without Jira:")
        typer.echo(tenant.id)

    execute(work)


@cli.command("list")
def list_() -> None:
    """List every tenant: those made here and those that Jira sites made by installing the app."""

    async def work(core: Core) -> None:
        rows = [
            (t.id, t.status.value, _kind(t), t.site_url, t.name, f"{t.created_at:%Y-%m-%d}")
            for t in await core.tenants.all()
        ]
        table(("TENANT", "STATUS", "KIND", "SITE", "NAME", "CREATED"), rows)

    execute(work)


TenantArgument = Annotated[str, typer.Argument(help="id of the tenant: see tenant list")]


@cli.command("refresh")
def refresh(tenant: TenantArgument) -> None:
    """Ask the tenant's Jira for licence and version now, instead of within the day.

    What changed is stored and published; the command show prints it.
    """

    async def work(core: Core) -> None:
        await core.jira.facts.refresh(tenant)
        note(f"read the facts of {tenant}")

    execute(work)


@cli.command("show")
def show(tenant: TenantArgument) -> None:
    """Show one tenant: its lives in Jira, and what Jira last said of itself and of the licence.

    When it is not active: why. Secrets and the client key are never shown.
    """

    async def work(core: Core) -> None:
        found = await core.tenants.get(tenant)
        table(("WHAT", "VALUE"), [(name, _shown(value)) for name, value in _about(found)])

    execute(work)


@cli.command("adopt")
def adopt(
    former: Annotated[str, typer.Option("--from", help="tenant that has the data")],
    new: Annotated[str, typer.Option("--to", help="tenant that is at the site now")],
) -> None:
    """Give a former tenant's data to what is on its site now; for after an import.

    The site has another client key since somebody imported a backup, so it is
    another tenant, and the former one is uninstalled. If both are the same
    customer's, this moves the site's install to the former tenant, which keeps its
    id. The new one must not have projects or tokens yet.
    """

    async def work(core: Core) -> None:
        found = await core.adoption.adopt(former, new, WHO)
        note("the site belongs to this tenant again:")
        typer.echo(found.id)

    execute(work)


@cli.command("link")
def link(
    tenant: Annotated[str, typer.Argument(help="a tenant with the Connect app")],
    cloud_id: Annotated[
        str, typer.Option(callback=_cloud_id, help="of its site: <site>/_edge/tenant_info")
    ],
) -> None:
    """Say which cloud id a tenant's site has, where its site does not take our secret any more.

    Forge's calls for that cloud id join the tenant then. Make sure that the site is
    the tenant's: who is on it gets the tenant's data.
    """

    async def work(core: Core) -> None:
        found = await core.adoption.link(tenant, cloud_id, WHO)
        note("linked:")
        typer.echo(found.id)

    execute(work)


def _about(tenant: Tenant) -> Sequence[tuple[str, object]]:
    state, facts = tenant.state(), tenant.facts
    return (
        ("TENANT", tenant.id),
        ("STATUS", tenant.status.value),
        *_why(tenant),
        ("KIND", _kind(tenant)),
        *_lives(tenant),
        ("CELL", tenant.cell),
        ("SITE", tenant.site_url),
        ("CLOUD ID", tenant.cloud_id),
        ("JIRA VERSION", state.jira_version),
        ("LICENCE TIER", state.licence_tier),
        ("LICENCE TYPE", state.licence_type),
        ("LICENCE ACTIVE", facts.licence_active),
        ("EVALUATION", facts.licence_evaluation),
        ("ENTITLEMENT", state.support_entitlement),
        ("READ AT", _time(facts.read_at)),
    )


def _why(tenant: Tenant) -> Sequence[tuple[str, object]]:
    found = why_not_active(tenant)
    if found is None:
        return ()
    why, since = found
    return (("WHY", why), *((("SINCE", vendor_time(since)),) if since is not None else ()))


def _lives(tenant: Tenant) -> Sequence[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    connect, forge = tenant.install, tenant.forge
    if tenant.has_jira:
        rows.append(("LIVES", lives(tenant)))
    if connect is not None:
        rows += [
            ("CONNECT INSTALL", _time(moment(connect.installed.iat))),
            ("CONNECT SECRET", f"version {connect.current.version}, sealed; of that install"),
        ]
    if forge is not None:
        rows.append(("FORGE CALL", _time(moment(forge.last_iat))))
        token = forge.token
        good = "none" if token is None else f"version {token.version}, sealed; until "
        until = "" if token is None else vendor_time(token.until)
        rows.append(("FORGE SYSTEM TOKEN", good + until))
    return rows


def _time(found: datetime | None) -> str | None:
    return None if found is None else vendor_time(found)


def _shown(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "unknown" if value is None else value


def _kind(tenant: Tenant) -> str:
    return "Jira" if tenant.has_jira else "without Jira"
