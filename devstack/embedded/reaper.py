"""Ends processes when the one that started them is gone, however it went.

Reads lines from standard input, the other end of which only the starter holds: ``process <pid>
<started>``, ``folder <path>``, ``release``. End of file without ``release`` means the starter
died: the processes' groups get SIGTERM, then SIGKILL; the folders are removed.
"""

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress

from devstack.embedded.identity import Identity

_GRACE_SECONDS = 8.0
_POLL_SECONDS = 0.1


def read_orders(lines: Iterable[str]) -> tuple[list[Identity], list[str]]:
    """Return what is to be ended and removed once the lines are over; nothing after release."""
    processes: list[Identity] = []
    folders: list[str] = []
    for line in lines:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "release":
            return [], []
        if word == "folder":
            folders.append(rest)
        elif word == "process":
            pid, _, started = rest.partition(" ")
            processes.append(Identity(int(pid), started))
    return processes, folders


def end(processes: list[Identity]) -> None:
    """End the groups of those that are still the processes they were."""
    _signal(processes, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    while any(p.running() for p in processes) and time.monotonic() < deadline:
        threading.Event().wait(_POLL_SECONDS)
    _signal(processes, signal.SIGKILL)


def _signal(processes: list[Identity], number: signal.Signals) -> None:
    for process in processes:
        if process.running():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)


if __name__ == "__main__":
    ending, leftover = read_orders(sys.stdin)
    end(ending)
    for path in leftover:
        shutil.rmtree(path, ignore_errors=True)
