"""``admin keys``."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kit.clock import vendor_time
from kit.errors import OstroError
from kit.mongo import MongoError
from services.tenancy.admin.session import WHO, execute, note, table
from services.tenancy.main import Core
from services.tenancy.usecases.rewrap import Outcome

cli = typer.Typer(
    no_args_is_help=True,
    help="Keys that sign API tokens: list, rotate. Keys that wrap secrets: status, rewrap.",
)


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


@cli.command("status")
def status() -> None:
    """Count the sealed secrets under each wrapping key, those that hold none included.

    Ends with 1 when some stand under a key that the settings do not name: nothing
    can open them.
    """

    async def work(core: Core) -> None:
        counts, ring = await core.rewrap.counts(), core.key_ring
        note(f"new secrets are wrapped with {ring.key_id}")
        rows = [(c.key_id, c.collection, c.secrets, _role(core, c.key_id)) for c in counts]
        used = {c.key_id for c in counts}
        rows += [(k, "-", 0, _role(core, k)) for k in sorted(ring.key_ids) if k not in used]
        table(("KEY", "COLLECTION", "SECRETS", "THE KEY"), rows)
        if any(c.key_id not in ring.key_ids for c in counts):
            raise typer.Exit(1)

    execute(work)


def _role(core: Core, key_id: str) -> str:
    if key_id == core.key_ring.key_id:
        return "wraps"
    return "unwraps only" if key_id in core.key_ring.key_ids else "is not configured"


@cli.command("rewrap")
def rewrap(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="only open each secret that would be rewrapped")
    ] = False,
) -> None:
    """Put every sealed secret under the key that wraps now.

    The secrets stay as they are, only the keys they are sealed with are wrapped
    anew. The service may run meanwhile. Ended or killed at any point: start it again,
    it does what is left. Ends with 1 when a secret cannot be opened; the others
    are done all the same.
    """

    async def work(core: Core) -> None:
        left = dict.fromkeys(core.rewrap.collections, 0)
        for count in await core.rewrap.counts():
            if count.key_id != core.key_ring.key_id:
                left[count.collection] += count.secrets
        with _progress() as progress:
            bars = {c: progress.add_task(c, total=n) for c, n in left.items()}
            try:
                outcomes = await core.rewrap.run(
                    WHO, lambda c, n: progress.advance(bars[c], n), dry_run=dry_run
                )
            except (OstroError, MongoError):
                note("not finished; what is done stays, the same command does the rest")
                raise
        _report(outcomes, dry_run=dry_run)

    execute(work)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _report(outcomes: Sequence[Outcome], *, dry_run: bool) -> None:
    done = "WOULD BE REWRAPPED" if dry_run else "REWRAPPED"
    rows = [(o.collection, o.done, len(o.broken), o.contended) for o in outcomes]
    table(("COLLECTION", done, "NOT OPENED", "BUSY"), rows)
    for broken in (b for o in outcomes for b in o.broken):
        note(f"{broken.collection} {broken.id} {broken.path}: {broken.reason}")
    if any(o.contended for o in outcomes):
        note("documents that were busy all the time are left: start it again")
    if any(o.broken or o.contended for o in outcomes):
        raise typer.Exit(1)
