"""CPU time and peak memory of processes, from the kernel."""

from collections.abc import Mapping
from pathlib import Path

import psutil


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """Return user plus system time of each process."""
    found = {}
    for name, pid in pids.items():
        times = psutil.Process(pid).cpu_times()
        found[name] = times.user + times.system
    return found


def reset_peaks(pids: Mapping[str, int]) -> None:
    """Start counting peak memory anew."""
    for pid in pids.values():
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_megabytes(pids: Mapping[str, int]) -> dict[str, float]:
    """Return the highest resident size since the last reset."""
    found = {}
    for name, pid in pids.items():
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                found[name] = int(line.split()[1]) / 1024
    return found
