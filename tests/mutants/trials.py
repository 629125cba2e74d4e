"""Runs named tests in a copy of the tree, on servers that run already."""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_ALL_PASSED, _SOME_FAILED = 0, 1
_SECONDS = 600


@dataclass(frozen=True)
class Trial:
    """What pytest said."""

    code: int
    passed: int
    failed: tuple[str, ...]
    """Tests that failed by themselves, not in a fixture."""
    unusable: tuple[str, ...]
    """Tests that could not run: an error in a fixture, or skipped."""
    output: str

    @property
    def good(self) -> bool:
        """Whether every test ran and passed."""
        return self.code == _ALL_PASSED and self.passed > 0 and not self.unusable

    @property
    def noticed(self) -> bool:
        """Whether a test failed in its own words."""
        return self.code == _SOME_FAILED and bool(self.failed)


def run(
    folder: Path, tests: Sequence[str], servers: dict[str, str], *, stop_early: bool = True
) -> Trial:
    """Run the tests; the interpreter's environment is shared, the code is the copy's."""
    with tempfile.TemporaryDirectory(prefix="ostro-mutant-") as scratch:
        report = Path(scratch) / "report.xml"
        options = ["-q", "--no-header", "-p", "no:cacheprovider", f"--junitxml={report}"]
        try:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", *options, *["-x"] * stop_early, *tests],
                cwd=folder,
                env={**os.environ, **servers},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Trial(-1, 0, (), (), f"not done after {_SECONDS} s")
        return _read(report, done.returncode, done.stdout)


def _read(report: Path, code: int, output: str) -> Trial:
    passed = 0
    failed: list[str] = []
    unusable: list[str] = []
    if report.exists():
        # our own pytest wrote it
        for case in ET.parse(report).iter("testcase"):  # noqa: S314
            name = case.get("name", "")
            if case.find("failure") is not None:
                failed.append(name)
            elif case.find("error") is not None or case.find("skipped") is not None:
                unusable.append(name)
            else:
                passed += 1
    return Trial(code, passed, tuple(failed), tuple(unusable), output)
