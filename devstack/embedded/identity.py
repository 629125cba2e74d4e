"""Which process a pid means: a pid alone may have been given to somebody else since."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_STATE, _START_TICKS = 0, 19  # fields of /proc/<pid>/stat, counted after the command name


@dataclass(frozen=True)
class Identity:
    """A pid together with the moment the process was started."""

    pid: int
    started: str
    """Opaque; equal only for one process of one boot."""

    def running(self) -> bool:
        """Say whether this very process is still there (a zombie is not)."""
        return _started(self.pid) == self.started


def identify(pid: int) -> Identity | None:
    """Return who has the pid now, or None when nobody (or a zombie) does."""
    started = _started(pid)
    return None if started is None else Identity(pid, started)


def command_of(pid: int) -> str | None:
    """Return the command line of a process, or None when it cannot be read."""
    try:
        raw = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return None
    return raw.replace(b"\0", b" ").decode(errors="replace").strip() or None


def _started(pid: int) -> str | None:
    if not _PROC.joinpath("self").exists():
        return _started_from_ps(pid)
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[_STATE] in "ZX" else f"{boot}/{fields[_START_TICKS]}"


def _started_from_ps(pid: int) -> str | None:
    """Systems without /proc (macOS) have ps."""
    out = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    ).stdout.strip()
    state, _, started = out.partition(" ")
    return None if not started or state.startswith("Z") else started.strip()
