"""One child process: its own group, its output in a file, found again later, ended for certain."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from devstack.embedded.errors import StackError
from devstack.embedded.identity import Identity, identify

_POLL_SECONDS = 0.03
_KILL_SECONDS = 10.0


def pause(seconds: float = _POLL_SECONDS) -> None:
    """Wait between two looks at a process of the outside world."""
    threading.Event().wait(seconds)


@dataclass
class Process:
    """A process that we started, in this run or in an earlier one."""

    name: str
    identity: Identity
    log: Path
    _popen: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        return self.identity.pid

    def running(self) -> bool:
        return self.identity.running()

    def exit_code(self) -> int | None:
        """Exit code of a child of this run that has ended."""
        return None if self._popen is None else self._popen.poll()

    def stop(self, grace: float = 15.0) -> None:
        """SIGTERM to the group, SIGKILL after ``grace`` seconds; returns when it is gone."""
        if self.running():
            self._signal(signal.SIGTERM)
            if not self.ended_within(grace):
                self._signal(signal.SIGKILL)
                self.ended_within(_KILL_SECONDS)
        if self._popen is not None:
            # the unreaped leader still holds the pid, so the group cannot be another one
            self._signal(signal.SIGKILL)
            self._popen.wait()

    def leave_running(self) -> None:
        """Let the process outlive this interpreter without a warning about it."""
        if self._popen is not None and self._popen.returncode is None:
            self._popen.returncode = 0

    def tail(self, lines: int = 20) -> str:
        """Return the last lines of its output."""
        try:
            text = self.log.read_text(errors="replace")
        except OSError:
            return "(no output)"
        return "\n".join(text.splitlines()[-lines:]) or "(no output)"

    def await_ready(self, probe: Callable[[], bool], *, timeout: float) -> None:
        """Poll the probe; raise a StackError with the log's end when it ends or takes too long."""
        deadline = time.monotonic() + timeout
        while not probe():
            if not self.running():
                raise StackError(self._post_mortem(f"ended at start (exit {self.exit_code()})"))
            if time.monotonic() > deadline:
                raise StackError(self._post_mortem(f"was not ready within {timeout:.0f} s"))
            pause()

    def _post_mortem(self, what: str) -> str:
        return f"{self.name} {what}; the end of {self.log}:\n{self.tail()}"

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def ended_within(self, seconds: float) -> bool:
        """Wait for its end; say whether it came in time."""
        deadline = time.monotonic() + seconds
        while self.running():
            if time.monotonic() > deadline:
                return False
            pause()
        return True


Started = Callable[[Process], None]
"""Told about a process as soon as it exists, before it is ready."""


def ignore(_process: Process) -> None:
    """Nobody keeps record of the process."""


def spawn(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Process:
    """Start a command in a session of its own; the log of its last run stays beside as .1."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_suffix(log.suffix + ".1"))
    with log.open("wb") as output:
        popen = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    # a child that has ended already is an unreaped zombie: nobody else can get its pid
    identity = identify(popen.pid) or Identity(popen.pid, "ended")
    return Process(name, identity, log, popen)
