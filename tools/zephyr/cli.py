"""The commands and their exit codes."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import typer
from pydantic import ValidationError
from rich.console import Console

from tools.zephyr import options
from tools.zephyr.api import Api, ApiError, Manners, opened, read_token, site_of
from tools.zephyr.copying import ProjectCopy, stated_fields
from tools.zephyr.progress import Shown
from tools.zephyr.workdir import Source, Workdir, WorkdirError, known_source, open_root

_HELP = """Copies projects of a Zephyr Scale Cloud account into Ostro, by the public API alone.

Every command may be broken off at any time; the same command with the same --work-dir goes on where
it stopped. What the vendor's API cannot give: docs/migrate-from-zephyr.md.

  read      read the source into a directory; again later: what has changed since

  import    bring into Ostro what was read, into an empty project

  verify    compare source and target

  copy      all three

Exit codes: 0 done, 1 the source, the target or the disk failed (run it again), 2 wrong use,
3 source and target are different, 4 things changed in the source after the import.
"""

_DIFFERENT, _TOO_LATE = 3, 4

cli = typer.Typer(help=_HELP, no_args_is_help=True, rich_markup_mode=None, add_completion=False)
_console = Console(stderr=True)


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
    source = _source(
        source_url, source_token, attachments, step_attachments, versions, execution_steps
    )
    plan = Plan(work_dir, project, Manners(parallel, attempts, timeout), source_token, source)
    run(plan.run(read=timedelta(seconds=margin)))


@cli.command("import")
def import_(
    to: options.To,
    to_token: options.ToToken,
    project: options.Projects,
    work_dir: options.WorkDir,
    fields: options.Fields = None,
    jira: options.JiraIds = options.Jira.AUTO,
    again: options.Again = False,
    attempts: options.Attempts = 10,
    timeout: options.Timeout = 60,
) -> None:
    """Bring into Ostro what was read. The project must be enabled there, and empty."""
    manners = Manners(attempts=attempts, timeout=timeout)
    plan = Plan(work_dir, project, manners, to=to, to_token=to_token)
    run(plan.run(bring=(fields, jira), again=again))


@cli.command()
def verify(
    source_token: options.FromToken,
    to: options.To,
    to_token: options.ToToken,
    project: options.Projects,
    work_dir: options.WorkDir,
    sample: options.Sample = 50,
    parallel: options.Parallel = 4,
    attempts: options.Attempts = 10,
    timeout: options.Timeout = 60,
) -> None:
    """Compare source and target by their API; differences also go to DIR/KEY/comparison.txt."""
    manners = Manners(parallel, attempts, timeout)
    plan = Plan(work_dir, project, manners, source_token, to=to, to_token=to_token)
    run(plan.run(sample=sample))


@cli.command()
def copy(
    source_url: options.From,
    source_token: options.FromToken,
    to: options.To,
    to_token: options.ToToken,
    project: options.Projects,
    work_dir: options.WorkDir,
    attachments: options.Attachments = True,
    step_attachments: options.StepAttachments = True,
    versions: options.Versions = True,
    execution_steps: options.ExecutionSteps = True,
    fields: options.Fields = None,
    jira: options.JiraIds = options.Jira.AUTO,
    sample: options.Sample = 50,
    parallel: options.Parallel = 4,
    attempts: options.Attempts = 10,
    timeout: options.Timeout = 60,
    margin: options.Margin = 60,
) -> None:
    """Read, import and compare.

    Custom fields are defined as inferred, unless --fields states them: their types cannot be
    changed afterwards, so for anything but a trial: read, check, import.
    """
    source = _source(
        source_url, source_token, attachments, step_attachments, versions, execution_steps
    )
    manners = Manners(parallel, attempts, timeout)
    plan = Plan(work_dir, project, manners, source_token, source, to, to_token)
    run(plan.run(read=timedelta(seconds=margin), bring=(fields, jira), sample=sample))


def _source(url: str, token: Path, *wanted: bool) -> Source:
    attachments, step_attachments, versions, execution_steps = wanted
    try:
        site = site_of(read_token(token))
    except ApiError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    return Source(
        base_url=url.rstrip("/"),
        attachments=attachments,
        step_attachments=step_attachments,
        versions=versions,
        execution_steps=execution_steps,
        site_url=site,
    )


@dataclass(frozen=True)
class Plan:
    """What a command works with; what it does not need is None."""

    work_dir: Path
    projects: list[str]
    manners: Manners
    from_token: Path | None = None
    source: Source | None = None
    to: str = ""
    to_token: Path | None = None

    async def run(
        self,
        read: timedelta | None = None,
        bring: tuple[Path | None, options.Jira] | None = None,
        sample: int | None = None,
        *,
        again: bool = False,
    ) -> None:
        """Do the steps that are given, project by project, each project wholly."""
        stated = stated_fields(bring[0]) if bring else []
        if self.source is not None:
            open_root(self.work_dir, self.source)
        source = self.source or known_source(self.work_dir)
        code = 0
        async with AsyncExitStack() as stack:
            origin = await self._open(stack, source.base_url, self.from_token)
            target = await self._open(stack, f"{self.to.rstrip('/')}/v2", self.to_token)
            shown = stack.enter_context(Shown(_console))
            for key in self.projects:
                project = ProjectCopy(key, Workdir(self.work_dir / key), source, shown)
                if read is not None and origin is not None:
                    await project.read(origin, read)
                if bring is not None and target is not None:
                    in_time = await project.bring(target, self.to, stated, bring[1], again=again)
                    code = code or (0 if in_time else _TOO_LATE)
                if sample is not None and origin is not None and target is not None:
                    outcome = await project.compare(origin, target, sample or None)
                    code = code or (0 if outcome.same else _DIFFERENT)
            for name, api in (("source", origin), ("target", target)):
                if api is not None:
                    shown.note(f"{name}: {api.calls} requests, {api.waits} pauses")
        raise typer.Exit(code)

    async def _open(self, stack: AsyncExitStack, url: str, token: Path | None) -> Api | None:
        if token is None:
            return None
        return await stack.enter_async_context(opened(url, read_token(token), self.manners))


def run(command: Coroutine[Any, Any, None]) -> None:
    """Run a command; what it cannot do is one line and an exit code, no traceback."""
    try:
        asyncio.run(command)
    except (ApiError, WorkdirError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    except ValidationError as error:
        # its own text holds values
        wrong = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in wrong["loc"])
        typer.echo(f"error: a {error.title} of the source: {place}: {wrong['msg']}", err=True)
        raise typer.Exit(1) from None
    except (httpx.HTTPError, OSError) as error:
        typer.echo(f"error: {type(error).__name__}: {error}", err=True)
        raise typer.Exit(1) from None
