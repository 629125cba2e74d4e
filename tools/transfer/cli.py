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

from contracts.importing import JiraIds, Missing
from contracts.transfer import Part
from tools.transfer.checking import Forecast, Job, check_all
from tools.transfer.client import Client, Failed, Wish, named
from tools.transfer.files import FileFault, Packed, contents, pack, pieces
from tools.transfer.files import check as check_file

_HELP = """Export a project to a file, and import it into another tenant or installation.

The file holds everything of the project: options, custom fields, folders, test cases with scripts
and versions, plans, cycles, executions with steps, links and attached files; its form is described
in docs/export-format.md. Numbers are kept: PROJ-T1 stays number 1.

  export --url https://ostro.example --token-file token.txt --project DEMO --file demo.zip

  show demo.zip

  import --url https://other.example --token-file other.txt --file demo.zip --check

  import --url https://other.example --token-file other.txt --file demo.zip

The target project must be enabled and empty. A file is in two parts, the library and its
executions; both are checked wholly before anything of either is stored, and what is wrong is said
with its key. Projects that refer to each other (calls of test cases, plans linked to cycles) are
imported in one command with several --file, or one after the other with --missing drop. An import
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
            check_file(archives[wanted])
        pack(archives, file)
        _show(contents(file))
    _console.print(f"{file}: {file.stat().st_size:,} bytes")


@cli.command("import")
def import_(
    url: Url,
    file: Annotated[
        list[Path],
        typer.Option(
            "--file",
            exists=True,
            dir_okay=False,
            help="the file; several times for projects that refer to each other",
        ),
    ],
    project: Annotated[
        str | None,
        typer.Option("--project", help="key of the project there; by default that in the file"),
    ] = None,
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
    missing: Annotated[
        Missing,
        typer.Option(
            help="references to things of other projects that are neither there nor in a file: "
            "drop leaves them out (a call of a test case becomes a text) and lists them"
        ),
    ] = Missing.REFUSE,
    check: Annotated[
        bool, typer.Option("--check", help="only say what would happen; nothing is written")
    ] = False,
) -> None:
    """Bring projects from files into empty ones. The token needs the scope write.

    All parts of all files are checked before anything is written, and once more before each is.
    """
    with _faults(), Client(url, _token(token, token_file)) as client:
        jobs = _jobs(file, project, part)
        coming = [job.project for job in jobs] if len(jobs) > 1 else []
        wish = Wish(jira, missing, coming)
        with _console.status("checking"):
            found = check_all(client, jobs, wish)
        if check:
            for forecast in found:
                _tell(forecast)
            return
        for forecast in sorted(found, key=lambda one: list(Part).index(one.part)):
            _import(client, forecast, wish)


@cli.command()
def show(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Say what a file holds."""
    with _faults():
        _show(contents(file))


def _jobs(files: list[Path], project: str | None, part: Part | None) -> list[Job]:
    if project is not None and len(files) > 1:
        raise typer.BadParameter(
            "several files go to the projects that they name", param_hint="--project"
        )
    jobs = []
    for file in files:
        packed = [p for p in contents(file) if part in {None, p.part}]
        if not packed:
            raise FileFault(f"{file} holds no part '{part}'.")
        jobs.append(Job(file, project or packed[0].manifest.project.key, packed))
    if len({job.project for job in jobs}) < len(jobs):
        raise typer.BadParameter("two files are of the same project", param_hint="--file")
    return jobs


def _import(client: Client, forecast: Forecast, wish: Wish) -> None:
    job, part = forecast.job, forecast.part
    packed = job.get(part)
    assert packed is not None
    last: dict[str, Any] = {}
    with _rows() as bar:
        total = sum(entry.rows for entry in packed.manifest.members.values())
        task = bar.add_task(f"{part} of {job.project}", total=total)
        for last in client.send(part, job.project, pieces(job.file, part), packed.size, wish):
            bar.update(task, completed=sum(last["written"].values()))
    if last.get("state") != "done":
        raise Failed(last.get("message") or "the answer broke off; give the same command again")
    _tell_losses(last)


def _tell(forecast: Forecast) -> None:
    rows = f"{sum(forecast.answer['total'].values()):,} rows"
    _say(
        f"{forecast.part} of {forecast.job.project}: "
        + {
            "ready": f"{rows} would be imported",
            "continues": f"an import of {rows} that broke off would go on",
            "done": "imported already; nothing would be done",
        }[forecast.answer["state"]]
    )
    _tell_losses(forecast.answer)


def _tell_losses(answer: dict[str, Any]) -> None:
    """Say what is left out; the names too, as many as Ostro tells."""
    for what, count in answer["leftOut"].items():
        if count and what == "references":
            _say(f"left out, since it is not there: {count} references")
        elif count:
            _say(f"left out, since it is from another Jira site: {count} {what}")
    for reference in answer.get("references", ()):
        _say(f"  {named(reference)}")


def _say(text: str) -> None:
    _console.print(text, markup=False, highlight=False, soft_wrap=True)


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
