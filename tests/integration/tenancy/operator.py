"""The admin command as an operator runs it: in a process of its own, without Kafka.

``Operator`` starts the command anew each time, as a shell would. ``Console`` runs many commands in
one process, because starting Python costs more than they do.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.harness.installation import Installation

ROOT = Path(__file__).parents[3]
_NOT_NEEDED = ("KAFKA_BOOTSTRAP", "TOPIC_PREFIX", "SERVICE_KEY_FILE", "PEER_KEYS_FILE", "HTTP_PORT")
_CONSOLE = """
import json, sys
from typer.testing import CliRunner
from services.tenancy.__main__ import cli
for line in sys.stdin:
    arguments, environment = json.loads(line)
    result = CliRunner().invoke(cli, ["admin", *arguments], env=environment)
    crash = result.exception and not isinstance(result.exception, SystemExit)
    out, err = result.stdout, repr(result.exception) if crash else result.stderr
    sys.__stdout__.write(json.dumps([result.exit_code, out, err]) + "\\n")
    sys.__stdout__.flush()
"""


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[list[str]]:
        """Return a printed table without its heading."""
        return [line.split() for line in self.out.splitlines()[1:]]


def environment(installation: Installation) -> dict[str, str]:
    """What the admin command needs, and nothing of what only the service needs."""
    values = installation.environment(
        "tenancy",
        master_key_file=str(installation.secret("master")),
        jira_hosts="127.0.0.1",
        jira_allow_http="true",
        public_url="http://ostro.test:8000/",
    )
    for name in _NOT_NEEDED:
        del values[f"OSTRO_{name}"]
    return values | {"COLUMNS": "100"}


class Operator:
    """Runs each command as ``python -m services.tenancy admin``."""

    def __init__(self, installation: Installation) -> None:
        self._environment = environment(installation)

    async def run(self, *arguments: str) -> Result:
        """Run one command to its end."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-W", "error", "-m", "services.tenancy", "admin", *arguments),
            cwd=ROOT,
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return Result(process.returncode, out.decode(), err.decode())


class Console:
    """Runs commands in one process, one after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def run(self, *arguments: str, **settings: str) -> Result:
        """Run one command; settings replace those of the installation for it alone."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        changed = {f"OSTRO_{name.upper()}": value for name, value in settings.items()}
        self._process.stdin.write(json.dumps([arguments, changed]).encode() + b"\n")
        return Result(*json.loads(await self._process.stdout.readline()))


@contextlib.asynccontextmanager
async def console(
    installation: Installation, more: Mapping[str, str] | None = None
) -> AsyncIterator[Console]:
    """Start the process, with more variables than our own; it ends with the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "error", "-c", _CONSOLE),
        cwd=ROOT,
        env=environment(installation) | dict(more or {}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Console(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
