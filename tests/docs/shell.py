"""Runs shell blocks of the documentation in a folder that looks like the checkout."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.docs.pages import ROOT


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a block: this one's, without proxies."""
    own = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**own, "PYTHONPATH": str(ROOT), "no_proxy": "127.0.0.1", **(more or {})}


def like_checkout(folder: Path) -> Path:
    """Give a folder what blocks expect of a checkout: the interpreter and the tests."""
    python = folder / ".venv" / "bin" / "python"
    if not python.exists():
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        (folder / "tests").symlink_to(ROOT / "tests")
    return folder


async def sh(
    script: str, folder: Path, more: Mapping[str, str] | None = None, *, seconds: float = 50
) -> str:
    """Run a block; return what it prints."""
    process = await asyncio.create_subprocess_exec(
        "sh",
        "-euc",
        script,
        cwd=like_checkout(folder),
        env=environment(more),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await asyncio.wait_for(process.communicate(), seconds)
    assert process.returncode == 0, out.decode()[-2000:] + errors.decode()[-2000:]
    return out.decode()
