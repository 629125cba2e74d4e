"""``admin token``."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

import typer

from kit.auth.principal import Scope
from kit.clock import vendor_time
from kit.errors import NotFound
from services.tenancy.admin.projects import AnyTenantOption, TenantOption
from services.tenancy.admin.session import WHO, chosen, execute, note, table
from services.tenancy.domain.tokens import MAX_LIFE, MAX_REQUESTS_PER_MINUTE, ApiToken
from services.tenancy.main import Core
from services.tenancy.usecases.tokens import TokenRequest

cli = typer.Typer(no_args_is_help=True, help="API tokens of a tenant: mint, list, revoke.")

_HEADINGS = (
    *("TENANT", "TOKEN", "NAME", "SCOPES", "PROJECTS", "ACCOUNT"),
    *("LAST USED", "EXPIRES", "REVOKED"),
)
_ACCOUNT_ID = r"[-:a-zA-Z0-9]{1,128}"


def _account_id(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(_ACCOUNT_ID, value):
        raise typer.BadParameter("must be an Atlassian account id")
    return value


@cli.command("mint")
def mint(
    tenant: TenantOption,
    name: Annotated[str, typer.Option(help="what the token is for; shown by list")],
    scope: Annotated[list[Scope], typer.Option(help="what it may do; repeat for several")],
    project: Annotated[
        list[str] | None,
        typer.Option(help="key of a project it is limited to; repeat for several; default all"),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=MAX_LIFE.days, help="how long it lives")] = (
        MAX_LIFE.days
    ),
    account_id: Annotated[
        str | None,
        typer.Option(callback=_account_id, help="Jira account that acts when it is used"),
    ] = None,
    requests_per_minute: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_REQUESTS_PER_MINUTE,
            help="most requests to each service, where below the service's own limit",
        ),
    ] = None,
) -> None:
    """Mint a token and print it, alone, on stdout. It is shown this once and stored nowhere.

    Scopes: read and write for /v2; results for a CI job that only uploads; admin
    for tokens and projects under /ostro/v1.
    """

    async def work(core: Core) -> None:
        request = TokenRequest(
            name, scope, timedelta(days=days), project or None, account_id, requests_per_minute
        )
        minted = await core.tokens.mint(tenant, request, WHO)
        expires = vendor_time(minted.token.expires_at)
        note(f"minted token {minted.token.id}, good until {expires}; keep it, it is not stored")
        typer.echo(minted.text)

    execute(work)


@cli.command("list")
def list_(tenant: AnyTenantOption = None) -> None:
    """List tokens, newest first, revoked and expired ones too; of one tenant or of all."""

    async def work(core: Core) -> None:
        rows = []
        for owner in await chosen(core, tenant):
            keys = {p.id: p.key for p in await core.projects.all(owner)}
            rows += [_row(t, keys) for t in await core.tokens.all(owner)]
        table(_HEADINGS, rows)

    execute(work)


@cli.command("revoke")
def revoke(
    token: Annotated[str, typer.Argument(help="id of the token: see token list")],
    tenant: AnyTenantOption = None,
) -> None:
    """Revoke a token: every running service refuses it within a second."""

    async def work(core: Core) -> None:
        for owner in await chosen(core, tenant):
            if token in {t.id for t in await core.tokens.all(owner)}:
                await core.tokens.revoke(owner, token, WHO)
                note(f"revoked {token}")
                return
        raise NotFound(f"There is no token {token}.")

    execute(work)


def _row(token: ApiToken, keys: Mapping[int, str]) -> tuple[object, ...]:
    return (
        token.tenant,
        token.id,
        token.name,
        ",".join(sorted(token.scopes)),
        "all" if token.projects is None else ",".join(keys[p] for p in token.projects),
        token.account_id,
        None if token.last_used_at is None else vendor_time(token.last_used_at),
        vendor_time(token.expires_at),
        None if token.revoked_at is None else vendor_time(token.revoked_at),
    )
