"""The commands and their exit codes."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import typer
from rich.console import Console

from tools.zephyr import options
from tools.zephyr.api import ApiError, Manners, opened, read_token
from tools.zephyr.progress import Shown
from tools.zephyr.reading import Reader
from tools.zephyr.workdir import Source, Workdir, WorkdirError, open_root

_HELP = """Copies projects of a Zephyr Scale Cloud account into Ostro, by the public API alone.

What the vendor's API cannot give: docs/migrate-from-zephyr.md. Every command may be broken off at
any time; the same command with the same --work-dir goes on where it stopped.

Exit codes: 0 done, 1 the source, the target or the disk failed, 2 wrong use.
"""

cli = typer.Typer(help=_HELP, no_args_is_help=True, rich_markup_mode=None, add_completion=False)
_console = Console(stderr=True)


@cli.callback()
def _commands() -> None:
    """Let there be commands even where there is one."""


@cli.command()
def read(
    source_url: options.From,
    source_token: options.FromToken,
    project: options.Projects,
    work_dir: options.WorkDir,
    attachments: options.Attachments = True,
    step_attachments: options.StepAttachments = True,
    versions: options.Versions = True,
    execution_steps: options.ExecutionSteps = True,
    parallel: options.Parallel = 4,
    attempts: options.Attempts = 10,
    timeout: options.Timeout = 60,
    margin: options.Margin = 60,
) -> None:
    """Read the source into the working directory; nothing is written to any account.

    The first run reads everything, later ones read what has changed since.
    """
    source = Source(
        base_url=source_url.rstrip("/"),
        attachments=attachments,
        step_attachments=step_attachments,
        versions=versions,
        execution_steps=execution_steps,
    )
    manners = Manners(parallel, attempts, timeout)
    run(read_all(source, source_token, project, work_dir, manners, margin))


async def read_all(
    source: Source,
    token: Path,
    projects: list[str],
    work_dir: Path,
    manners: Manners,
    margin: float,
) -> None:
    """Read the projects, one after the other."""
    text = read_token(token)
    open_root(work_dir, source)
    async with opened(source.base_url, text, manners) as api:
        with Shown(_console) as shown:
            for key in projects:
                workdir = Workdir(work_dir / key)
                reader = Reader(api, workdir, key, source, shown)
                await reader.read(margin=timedelta(seconds=margin))
            shown.note(f"{api.calls} requests, {api.waits} pauses")


def run(command: Coroutine[Any, Any, None]) -> None:
    """Run a command; what it cannot do is one line and an exit code, no traceback."""
    try:
        asyncio.run(command)
    except (ApiError, WorkdirError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    except (httpx.HTTPError, OSError) as error:
        typer.echo(f"error: {type(error).__name__}: {error}", err=True)
        raise typer.Exit(1) from None
