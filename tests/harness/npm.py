"""Programs of npm, installed from a lock file and kept from one run to the next."""

import asyncio
import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.harness.processes import ROOT

_CACHE = ROOT / ".ostro" / "foreign"
_INSTALL = ("ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund")
# what npm says when packages cannot be had at all
_OFFLINE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH", "ENOTCACHED")


async def installed(home: Path, files: Sequence[str], what: str) -> tuple[str, Path]:
    """Return node and a folder with these files of ``home`` and the packages of its lock.

    Skips the test, and says why, without node, npm or a registry.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip(f"node and npm are needed to run {what}")
    lock = (home / "package-lock.json").read_bytes()
    folder = _CACHE / hashlib.sha256(lock).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", *files):
        shutil.copy(home / name, folder / name)
    done = folder / "installed"
    if not done.exists():
        process = await asyncio.create_subprocess_exec(
            npm,
            *_INSTALL,
            cwd=folder,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, told = await asyncio.wait_for(process.communicate(), 300)
        text = told.decode(errors="replace")
        if process.returncode and any(word in text for word in _OFFLINE):
            pytest.skip(f"the npm packages of {what} cannot be had here")
        assert process.returncode == 0, text
        done.touch()
    return node, folder
