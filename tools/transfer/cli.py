"""The commands."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from contracts.transfer import JiraIds, Part
from tools.transfer.client import Client, Failed
from tools.transfer.files import FileFault, Packed, check, contents, pack, pieces

_HELP = """Export a project to a file, and import it into another tenant or installation.

The file holds everything of the project: options, custom fields, folders, test cases with scripts
and versions, plans, cycles, executions with steps, links and attached files; its form is described
in docs/export-format.md. Numbers are kept: PROJ-T1 stays number 1.

  export --url https://ostro.example --token-file token.txt --project DEMO --file demo.zip

  import --url https://other.example --token-file other.txt --project DEMO --file demo.zip

  show demo.zip

The target project must be enabled and empty. A file is in two parts, the library and then its
executions; what is wrong with a part is said before anything of that part is stored. An import
that was broken off goes on when the same command is given again.

Exit codes: 0 done, 1 it did not work (the reason is said), 2 wrong use.
"""

cli = typer.Typer(help=_HELP, no_args_is_help=True, rich_markup_mode=None, add_completion=False)
_console = Console(stderr=True)

Url = Annotated[str, typer.Option("--url", help="base URL of Ostro, such as https://ostro.example")]
Token = Annotated[
    str | None,
    typer.Option("--token", envvar="OSTRO_TOKEN", help="API token; others may see it, so better:"),
]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", exists=True, dir_okay=False, help="file with the API token"),
]
Project = Annotated[str, typer.Option("--project", help="key of the project, such as DEMO")]
Parts = Annotated[Part | None, typer.Option("--part", help="move one part alone; both by default")]


@cli.command("export")
def export_(
    url: Url,
    project: Project,
    file: Annotated[Path, typer.Option("--file", help="file to write; it must not exist")],
    token: Token = None,
    token_file: TokenFile = None,
    part: Parts = None,
) -> None:
    """Write a project to a file. The token needs the scope read."""
    if file.exists():
        raise typer.BadParameter(f"{file} is there already", param_hint="--file")
    with _faults(), Client(url, _token(token, token_file)) as client, _temporary(file) as folder:
        archives = {}
        for wanted in [part] if part else list(Part):
            archives[wanted] = folder / f"{wanted}.zip"
            with _bytes() as bar:
                task = bar.add_task(f"{wanted} of {project}", total=None)
                client.export(
                    wanted,
                    project,
                    archives[wanted],
                    lambda count, bar=bar, task=task: bar.advance(task, count),  # type: ignore[misc]  # of this turn
                )
            check(archives[wanted])
        pack(archives, file)
        _show(contents(file))
    _console.print(f"{file}: {file.stat().st_size:,} bytes")


@cli.command("import")
def import_(
    url: Url,
    project: Project,
    file: Annotated[Path, typer.Option("--file", exists=True, dir_okay=False, help="the file")],
    token: Token = None,
    token_file: TokenFile = None,
    part: Parts = None,
    jira: Annotated[
        JiraIds,
        typer.Option(
            help="ids of issues, components and Jira versions: auto keeps them where the file is "
            "from the same Jira site"
        ),
    ] = JiraIds.AUTO,
) -> None:
    """Bring a project from a file into an empty one. The token needs the scope write."""
    with _faults(), Client(url, _token(token, token_file)) as client:
        packed = [p for p in contents(file) if part in {None, p.part}]
        if not packed:
            raise FileFault(f"{file} holds no part '{part}'.")
        for one in packed:
            _import(client, project, file, one, jira)


@cli.command()
def show(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Say what a file holds."""
    with _faults():
        _show(contents(file))


def _import(client: Client, project: str, file: Path, packed: Packed, jira: JiraIds) -> None:
    last: dict[str, Any] = {}
    with _rows() as bar:
        total = sum(entry.rows for entry in packed.manifest.members.values())
        task = bar.add_task(f"{packed.part} of {project}", total=total)
        content = pieces(file, packed.part)
        for last in client.send(packed.part, project, content, packed.size, jira.value):
            bar.update(task, completed=sum(last["written"].values()))
    if last.get("state") != "done":
        raise Failed(last.get("message") or "the answer broke off; give the same command again")
    for what, count in last["leftOut"].items():
        if count:
            _console.print(f"left out, since it is from another Jira site: {count} {what}")


def _token(token: str | None, file: Path | None) -> str:
    found = file.read_text(encoding="utf-8") if file is not None else token or ""
    if not found.strip():
        raise typer.BadParameter("give --token-file, --token or OSTRO_TOKEN")
    return found.strip()


def _show(packed: list[Packed]) -> None:
    table = Table("part", "of", "what", "rows")
    for one in packed:
        manifest = one.manifest
        origin = f"{manifest.project.key} ({manifest.source.kind}), {manifest.created_on:%Y-%m-%d}"
        for member, entry in manifest.members.items():
            if entry.rows:
                table.add_row(one.part, origin, member.removesuffix(".jsonl"), f"{entry.rows:,}")
    _console.print(table)


@contextmanager
def _temporary(beside: Path) -> Iterator[Path]:
    """A folder on the disk where the file will be."""
    with tempfile.TemporaryDirectory(prefix=".transfer-", dir=beside.absolute().parent) as found:
        yield Path(found)


@contextmanager
def _bytes() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_console) as bar:
        yield bar


@contextmanager
def _rows() -> Iterator[Progress]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_console) as bar:
        yield bar


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except (Failed, FileFault) as error:
        _console.print(str(error), style="red", markup=False, highlight=False)
        raise typer.Exit(1) from None
    except OSError as error:
        _console.print(f"{error.filename or 'disk'}: {error.strerror}", style="red", markup=False)
        raise typer.Exit(1) from None
