"""Programs in Go, built from their sources here and kept from one run to the next."""

import asyncio
import hashlib
import os
import shutil
from pathlib import Path

import pytest

from tests.harness.processes import ROOT

_CACHE = ROOT / ".ostro" / "foreign"
_SECONDS = 540
# what go says when modules cannot be had at all
_OFFLINE = (
    "no such host",
    "connection refused",
    "i/o timeout",
    "network is unreachable",
    "module lookup disabled",
    "Forbidden",
)


async def built(home: Path, what: str) -> Path:
    """Return the binary of ``home``; skips the test, and says why, without go or its modules."""
    go = shutil.which("go")
    if go is None:
        pytest.skip(f"go is needed to build {what}")
    sources = b"".join(path.read_bytes() for path in sorted(home.glob("*.*")))
    binary = _CACHE / hashlib.sha256(sources).hexdigest()[:16] / home.name
    if not binary.exists():
        binary.parent.mkdir(parents=True, exist_ok=True)
        part = binary.with_suffix(f".{os.getpid()}")
        process = await asyncio.create_subprocess_exec(
            *(go, "build", "-mod=readonly", "-o", str(part), "."),
            cwd=home,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, told = await asyncio.wait_for(process.communicate(), _SECONDS)
        text = told.decode(errors="replace")
        if process.returncode and any(word in text for word in _OFFLINE):
            pytest.skip(f"the Go modules of {what} cannot be had here")
        assert process.returncode == 0, text
        part.replace(binary)
    return binary
