"""``python -m devstack``: the commands behind `make run` and `make stop`, and the front."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.markup import escape
from rich.table import Table

from devstack.demo.flow import run_demo
from devstack.embedded.errors import StackError
from devstack.embedded.ports import LOOPBACK
from devstack.front.serving import Front
from devstack.hold import hold, interruptible
from devstack.progress import Progress
from devstack.roster import Roster
from devstack.settings import load_settings
from devstack.stack import Stack, whole_plan
from kit.clock import SystemClock

app = typer.Typer(
    help="The local stack: Kafka, MongoDB, stand-ins, four services, edge.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def up() -> None:
    """Start the stack, run the demo, stay until Ctrl-C (or return: no terminal, DETACH=1)."""
    with _reported() as progress:
        stack = _stack(progress)
        stay = sys.stdout.isatty() and sys.stdin.isatty() and not stack.settings.detach
        hold(stack, run_demo, stay=stay)


@app.command()
def down() -> None:
    """End every process of the stack; data is kept."""
    with _reported() as progress:
        stack = _stack(progress)
        with progress.step("stop") as notes:
            found = len(stack.roster.running())
            stack.roster.end_owner()
            stack.down()
            notes.append(f"{found} processes ended" if found else "nothing was running")


@app.command()
def status() -> None:
    """List the processes of the stack; exit code 1 when none runs."""
    with _reported() as progress:
        running = _stack(progress).roster.running()
        if not running:
            raise StackError("the stack is down (make run starts it)")
        table = Table("process", "pid", "log")
        for process in running:
            table.add_row(process.name, str(process.pid), escape(str(process.log)))
        progress.console.print(table)


@app.command()
def demo() -> None:
    """Run the demo again on a stack that is up."""
    with _reported() as progress:
        stack = _stack(progress)
        if not stack.roster.running():
            raise StackError("the stack is down (make run starts it)")
        run_demo(stack.settings, progress)


@app.command()
def front(
    to: Annotated[str, typer.Option(help="where Ostro is, without a path")] = "",
    bind: Annotated[str, typer.Option(help="address to listen on")] = LOOPBACK,
    proxy_port: Annotated[int, typer.Option(help="port for HTTPS_PROXY; 0 chooses one")] = 8443,
    tls_port: Annotated[int, typer.Option(help="port for TLS, 443 with a hosts file")] = 0,
    folder: Annotated[Path | None, typer.Option(help="certificates and client.env")] = None,
    *,
    elsewhere: Annotated[bool, typer.Option(help="lead tunnels to other hosts through")] = False,
) -> None:
    """Answer to the vendor's host names, for clients whose address cannot be set; until Ctrl-C.

    Clients that are started after `. .ostro/front/client.env` come to Ostro. docs/clients.md says
    which clients need this.
    """
    with _reported() as progress:
        settings = load_settings()
        address = urlsplit(to or settings.edge_url)
        if address.scheme not in ("http", "https") or not address.netloc or address.path.strip("/"):
            raise StackError("--to wants an address such as http://127.0.0.1:8000, without a path")
        own = Front(
            (folder or settings.folder("front")).resolve(),
            f"{address.scheme}://{address.netloc}",
            bind,
            tls_port,
            proxy_port,
            elsewhere,
        )
        asyncio.run(own.run(SystemClock().now(), partial(_until_stopped, progress, own)))


async def _until_stopped(progress: Progress, own: Front, proxy: str) -> None:
    progress.say(f"leads to {own.to}; clients go through {proxy}")
    progress.say(f"settings for them: . {own.environment}")
    progress.console.print("Ctrl-C ends the front.")
    await asyncio.Event().wait()


def _stack(progress: Progress) -> Stack:
    settings = load_settings()
    return Stack(settings, Roster(settings.data), progress, whole_plan(settings))


@contextmanager
def _reported() -> Iterator[Progress]:
    """Turn failures into a message and exit code 1."""
    interruptible()
    progress = Progress()
    try:
        yield progress
    except StackError as error:
        progress.console.print(f"[red]{escape(str(error))}[/]")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


if __name__ == "__main__":
    app()
