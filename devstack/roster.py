"""Which processes of the stack exist: recorded at start, found again by the next command."""

import contextlib
import fcntl
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from devstack.embedded.errors import StackError
from devstack.embedded.guard import Guard
from devstack.embedded.identity import Identity, identify
from devstack.embedded.process import Process, pause

_STOP_SECONDS = 20.0
_RUN = "run"


class Roster:
    """The record of one data folder. Thread-safe; every change is on disk before it returns."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "processes.json"
        self._pids = folder / "pids.json"
        self._lock = threading.Lock()
        self._closing = False
        self._guard: Guard | None = None
        self._processes: dict[str, Process] = {}
        self._fingerprints: dict[str, str] = {}
        self._adopt()

    def find(self, name: str) -> Process | None:
        """Return the process of that name if it still runs."""
        process = self._processes.get(name)
        return process if process is not None and process.running() else None

    def fingerprint(self, name: str) -> str | None:
        """Return what the process was started from."""
        return self._fingerprints.get(name)

    def running(self) -> list[Process]:
        """Return what runs, also what another command has started meanwhile."""
        self._adopt()
        return [process for process in self._processes.values() if process.running()]

    def guarded_by(self, guard: Guard | None) -> None:
        """End what is recorded from now on when this command dies."""
        self._guard = guard
        if guard is not None:
            for process in self.running():
                guard.watch(process)

    def add(self, process: Process, fingerprint: str) -> None:
        """Record a process that was just started. Ends it at once when all are being ended."""
        with self._lock:
            if not self._closing:
                if self._guard is not None:
                    self._guard.watch(process)
                self._processes[process.name] = process
                self._fingerprints[process.name] = fingerprint
                self._save()
                return
        process.stop()
        raise StackError(f"{process.name} is not needed any more")

    def stop(self, *names: str) -> None:
        """End the named processes together and forget them."""
        found = [self._processes[name] for name in names if name in self._processes]
        threads = [threading.Thread(target=p.stop, args=(_STOP_SECONDS,)) for p in found]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with self._lock:
            for process in found:
                self._processes.pop(process.name, None)
                self._fingerprints.pop(process.name, None)
            self._save()

    def stop_all(self, order: list[set[str]]) -> None:
        """End everything, group after group; whatever is in no group comes first."""
        with self._lock:
            self._closing = True
        self._adopt()
        grouped = set().union(*order)
        for group in [self._processes.keys() - grouped, *order]:
            self.stop(*group)

    def leave_running(self) -> None:
        """Let everything outlive this command."""
        for process in self._processes.values():
            process.leave_running()

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Let one command at a time change the stack; another one gets a StackError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackError(
                    f"another command is just starting the stack in {self._folder}"
                ) from None
            yield

    def owner(self) -> Identity | None:
        """Return the command that holds the stack on a terminal, if it is another one than this."""
        try:
            found = Identity(**json.loads((self._folder / _RUN).read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return found if found.running() and found.pid != os.getpid() else None

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Be the command that `make stop` asks to end."""
        me = identify(os.getpid())
        assert me is not None
        _replace(self._folder / _RUN, {"pid": me.pid, "started": me.started})
        try:
            yield
        finally:
            (self._folder / _RUN).unlink(missing_ok=True)

    def end_owner(self) -> None:
        """Ask the command that holds the stack to end it, and wait until it has."""
        owner = self.owner()
        if owner is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(owner.pid, signal.SIGTERM)
        deadline = time.monotonic() + 3 * _STOP_SECONDS
        while owner.running() and time.monotonic() < deadline:
            pause()

    def _adopt(self) -> None:
        """Take over from the file what this command does not know yet."""
        try:
            rows: dict[str, dict[str, Any]] = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return
        for name, row in rows.items():
            identity = Identity(row["pid"], row["started"])
            known = self._processes.get(name)
            if known is None or known.identity != identity:
                self._processes[name] = Process(name, identity, Path(row["log"]))
                self._fingerprints[name] = row["fingerprint"]

    def _save(self) -> None:
        rows = {
            name: {
                "pid": process.pid,
                "started": process.identity.started,
                "log": str(process.log),
                "fingerprint": self._fingerprints[name],
            }
            for name, process in self._processes.items()
            if process.running()
        }
        _replace(self._file, rows)
        _replace(self._pids, {name: row["pid"] for name, row in rows.items()})
        if not rows:
            self._file.unlink()
            self._pids.unlink()


def _replace(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(content, indent=2) + "\n")
    part.replace(path)
