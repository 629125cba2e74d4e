"""Services as processes of their own: killed, measured and read from outside."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.harness.installation import Installation
from tests.harness.polling import eventually

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class ServiceProcess:
    """One running process; what it prints goes to ``log``."""

    process: asyncio.subprocess.Process
    log: Path
    internal_url: str

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()

    async def ended(self, seconds: float = 30) -> int:
        """Return the exit code; negative for a signal."""
        return await asyncio.wait_for(self.process.wait(), seconds)

    def peak_memory(self) -> int:
        """Return the most bytes it ever had in memory (Linux: VmHWM)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(row for row in status.splitlines() if row.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    async def until_ready(self, seconds: float = 60) -> None:
        """Wait until it says that it is ready; fail at once when it has ended."""

        async def ready() -> bool:
            if self.process.returncode is not None:
                raise AssertionError(f"it has ended:\n{self.log.read_text()}")
            async with httpx.AsyncClient(trust_env=False) as http:
                with contextlib.suppress(httpx.HTTPError):
                    answer = await http.get(f"{self.internal_url}/health/ready")
                    return answer.status_code == 200
            return False

        await eventually(ready, seconds=seconds)


@contextlib.asynccontextmanager
async def process(
    installation: Installation,
    name: str,
    *,
    role: str = "all",
    command: Sequence[str] | None = None,
    ready: bool = True,
    **settings: object,
) -> AsyncIterator[ServiceProcess]:
    """Run ``python -m services.<name> --role ...`` (or a command); killed when the block ends."""
    environment = installation.environment(name, **{k: str(v) for k, v in settings.items()})
    arguments = command or ("-m", f"services.{name}", "--role", role)
    log = installation.folder / f"{name}-{role}-{os.urandom(3).hex()}.log"
    with log.open("wb") as output:
        started = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
        )
    port = environment["OSTRO_INTERNAL_PORT"]
    found = ServiceProcess(started, log, f"http://127.0.0.1:{port}")
    try:
        if ready:
            await found.until_ready()
        yield found
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()
