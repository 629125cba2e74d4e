"""One command: settings, database, use cases, and how it ends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import typer

from kit.clock import SystemClock
from kit.errors import OstroError
from kit.ids import SystemIds
from kit.mongo import MongoError, connect, ensure_indexes, wait_until_up
from kit.observability import logs
from kit.settings import load
from services.tenancy.domain.audit import OPERATOR
from services.tenancy.main import INDEXES, SERVICE, Core, compose
from services.tenancy.settings import AdminSettings
from services.tenancy.usecases.ports import By, SealBroken

WHO = By(OPERATOR)
_MONGODB_SECONDS = 5.0


def execute(work: Callable[[Core], Awaitable[None]]) -> None:
    """Run one command; a fault ends it with one readable line and exit code 1."""
    settings = load(AdminSettings)
    logs.configure(SERVICE, "WARNING")

    async def connected() -> None:
        async with _core(settings) as core:
            await work(core)

    try:
        asyncio.run(connected())
    except SealBroken as error:
        fail(f"A stored secret cannot be opened: {error}")
    except OstroError as error:
        fail(error.message)
    except MongoError as error:
        fail(f"MongoDB refused: {type(error).__name__}")


async def chosen(core: Core, tenant: str | None) -> Sequence[str]:
    """Return the id of the named tenant, or of every tenant."""
    if tenant is None:
        return [t.id for t in await core.tenants.all()]
    return [(await core.tenants.get(tenant)).id]


def fail(message: str) -> None:
    """End with exit code 1."""
    typer.echo(message, err=True)
    raise typer.Exit(1)


def note(message: str) -> None:
    """Say something that is no result."""
    typer.echo(message, err=True)


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print aligned columns; nothing but a note when there are no rows."""
    if not rows:
        note("none")
        return
    cells = [list(headings), *([_text(v) for v in row] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(headings))]
    for line in cells:
        padded = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        typer.echo("  ".join(padded).rstrip())


def _text(value: object) -> str:
    # names come from people: nothing of them may move the cursor
    text = "-" if value is None else str(value)
    return "".join(c if c.isprintable() else "?" for c in text)


@contextlib.asynccontextmanager
async def _core(settings: AdminSettings) -> AsyncIterator[Core]:
    async with connect(settings.mongodb_uri, settings.mongodb_database) as database:
        await wait_until_up(database, _MONGODB_SECONDS)
        await ensure_indexes(database, INDEXES)
        core = await compose(database, settings, SystemClock(), SystemIds())
        try:
            yield core
        finally:
            await core.jira.close()
            await core.key_ring.close()
