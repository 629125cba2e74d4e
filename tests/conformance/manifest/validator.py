"""Runs ``@forge/manifest``, which ``forge lint`` runs as well."""

import asyncio
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json", "check.js")
CACHE = HERE.parents[2] / ".ostro" / "foreign"
INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")
# what npm says when packages cannot be had at all
OFFLINE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH", "ENOTCACHED")


@dataclass(frozen=True)
class Validator:
    """Node and a folder with the packages."""

    node: str
    folder: Path

    async def errors(self, manifest: Path) -> list[dict[str, Any]] | None:
        """Return what is wrong with a manifest, None when nothing is."""
        process = await asyncio.create_subprocess_exec(
            *(self.node, "check.js", str(manifest)),
            cwd=self.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, told = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, told.decode()
        found = json.loads(out)
        errors: list[dict[str, Any]] = found["errors"]
        return None if found["success"] and not errors else errors


async def validator() -> Validator:
    """Install the packages once; skip without node, npm or a registry."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are needed to run @forge/manifest")
    lock = (HERE / "package-lock.json").read_bytes()
    folder = CACHE / hashlib.sha256(lock).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(HERE / name, folder / name)
    done = folder / "installed"
    if not done.exists():
        process = await asyncio.create_subprocess_exec(
            npm, *INSTALL, cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=-1
        )
        _, told = await asyncio.wait_for(process.communicate(), 300)
        text = told.decode(errors="replace")
        if process.returncode and any(word in text for word in OFFLINE):
            pytest.skip("the npm package @forge/manifest cannot be had here")
        assert process.returncode == 0, text
        done.touch()
    return Validator(node, folder)
