"""The stack of ``make run`` on free ports and in a folder of its own, for the length of a block."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devstack.settings import StackSettings


@dataclass(frozen=True)
class Stack:
    """A running stack: what ``demo.env`` and ``pids.json`` say."""

    folder: Path
    environment: dict[str, str]
    demo: dict[str, str]
    pids: dict[str, int]

    @property
    def service_pids(self) -> dict[str, int]:
        """The four services."""
        names = ("testcases", "executions", "tenancy", "telemetry")
        return {name: self.pids[name] for name in names}


@contextlib.contextmanager
def stack(**settings: str) -> Iterator[Stack]:
    """Start it, run its demo, yield it, stop it; ``settings`` go to the services."""
    with tempfile.TemporaryDirectory(prefix="ostro-bench-") as folder:
        environment = {**os.environ, **settings, "OSTRO_DATA": folder, "DETACH": "1"}
        environment |= {f"OSTRO_{n.upper()}": str(p) for n, p in _free_ports().items()}
        command = [sys.executable, "-m", "devstack"]
        up = subprocess.run(
            [*command, "up"], env=environment, capture_output=True, text=True, check=False
        )
        try:
            if up.returncode:
                raise SystemExit(f"the stack did not start:\n{up.stdout}\n{up.stderr}")
            yield Stack(
                Path(folder),
                environment,
                _env_file(Path(folder) / "demo.env"),
                json.loads((Path(folder) / "pids.json").read_text()),
            )
        finally:
            subprocess.run([*command, "down"], env=environment, capture_output=True, check=False)


def _env_file(path: Path) -> dict[str, str]:
    pairs = (line.partition("=") for line in path.read_text().splitlines() if "=" in line)
    return {name.removeprefix("export "): value.strip("'\"") for name, _, value in pairs}


def _free_ports() -> dict[str, int]:
    names = [name for name in StackSettings.model_fields if name.startswith("port_")]
    with contextlib.ExitStack() as held:
        ports = {}
        for name in names:
            listener = held.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            ports[name] = int(listener.getsockname()[1])
    return ports
