"""Holds a reaper's pipe: when this process dies, what it guards is ended."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from devstack.embedded.errors import StackError
from devstack.embedded.process import Process

_ROOT = Path(__file__).resolve().parents[2]


class Guard:
    """Context manager; leaving it releases the guarded, which are then the caller's to end.

    ``PR_SET_PDEATHSIG`` would not do: it fires when the starting *thread* ends, and the JVM's
    and mongod's data folders would stay.
    """

    def __init__(self) -> None:
        self._watched: list[Process] = []
        # isolated (-I) and without site packages (-S): no setting or plugin of the caller in it
        code = f"import sys, runpy; sys.path.insert(0, {str(_ROOT)!r}); "
        code += "runpy.run_module('devstack.embedded.reaper', run_name='__main__')"
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            env={key: value for key, value in os.environ.items() if key in {"PATH", "LANG"}},
        )

    @property
    def pid(self) -> int:
        return self._reaper.pid

    def watch(self, process: Process) -> None:
        """End the process when this one dies."""
        self._watched.append(process)
        self._order(f"process {process.pid} {process.identity.started}")

    def remove_later(self, folder: Path) -> None:
        """Remove the folder when this process dies."""
        self._order(f"folder {folder}")

    def end_watched(self) -> None:
        """End every process that is watched and still runs."""
        for process in reversed(self._watched):
            process.stop()

    def release(self) -> None:
        """Guard nothing any more."""
        with suppress(BrokenPipeError):
            self._order("release")
        assert self._reaper.stdin is not None
        with suppress(BrokenPipeError):
            self._reaper.stdin.close()
        self._reaper.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _order(self, line: str) -> None:
        assert self._reaper.stdin is not None
        self._reaper.stdin.write(line + "\n")
        self._reaper.stdin.flush()


@contextmanager
def guarded_folder(folder: Path) -> Iterator[Guard]:
    """Make a folder that is removed at the end of the block, or when this process dies.

    What the guard watches and the block has not ended is ended too.
    """
    if folder.exists() and any(folder.iterdir()):
        raise StackError(f"{folder} is not empty, so it is not ours to remove")
    folder.mkdir(parents=True, exist_ok=True)
    with Guard() as guard:
        guard.remove_later(folder.resolve())
        try:
            yield guard
        finally:
            guard.end_watched()
            shutil.rmtree(folder, ignore_errors=True)
