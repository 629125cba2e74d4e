"""``admin forge``."""

import re
from typing import Annotated
from urllib.parse import urlsplit

import typer

from services.tenancy.api.manifest import manifest, rendered
from services.tenancy.domain.forge import APP_ID

cli = typer.Typer(no_args_is_help=True, help="The Forge app: print its manifest.")

_KEY = re.compile(r"[a-zA-Z0-9._-]{1,64}")


@cli.callback()
def _group() -> None:
    """Keep the name of the only command."""


def _app_id(value: str) -> str:
    if not re.fullmatch(APP_ID, value):
        raise typer.BadParameter("must be like ari:cloud:ecosystem::app/<uuid>")
    return value


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise typer.BadParameter("must be https and hold host and path only")
    return value.rstrip("/")


def _connect_key(value: str | None) -> str | None:
    if value is not None and not _KEY.fullmatch(value):
        raise typer.BadParameter("must be the key of a Connect app")
    return value


@cli.command("manifest")
def print_manifest(
    app_id: Annotated[
        str,
        typer.Option(callback=_app_id, help="what `forge register` wrote into its manifest.yml"),
    ],
    base_url: Annotated[
        str, typer.Option(callback=_base_url, help="OSTRO_APP_BASE_URL, or OSTRO_PUBLIC_URL")
    ],
    connect_key: Annotated[
        str | None,
        typer.Option(
            callback=_connect_key,
            help="OSTRO_APP_KEY, for the bridge: sites that have the Connect app keep that life",
        ),
    ] = None,
) -> None:
    """Print manifest.yml for `forge deploy`. Needs no settings and no server."""
    typer.echo(rendered(manifest(app_id, base_url, connect_key=connect_key)), nl=False)
