"""The stack as `make run` starts it, with ports and data of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from devstack.embedded.ports import free_ports
from devstack.settings import StackSettings
from tests.harness.processes import ROOT

_PORTS = sorted(name for name in StackSettings.model_fields if name.startswith("port_"))


@dataclass(frozen=True)
class LocalStack:
    """A stack that is up: its data folder, and what `demo.env` says."""

    folder: Path
    demo: Mapping[str, str]


def read_settings(file: Path) -> dict[str, str]:
    """Read a file of ``NAME=value`` lines for the shell."""
    lines = (line.removeprefix("export ") for line in file.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name: value.strip("'\"") for name, _, value in pairs}


@pytest.fixture(scope="session")
def local_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    folder = tmp_path_factory.mktemp("stack")
    ports = free_ports(len(_PORTS))
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OSTRO_")},
        "OSTRO_DATA": str(folder),
        "DETACH": "1",
        **{f"OSTRO_{name.upper()}": str(port) for name, port in zip(_PORTS, ports, strict=True)},
    }

    def command(word: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "devstack", word],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    up = command("up")
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        yield LocalStack(folder, read_settings(folder / "demo.env"))
    finally:
        command("down")
