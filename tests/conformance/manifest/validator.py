"""Runs ``@forge/manifest``, which ``forge lint`` runs as well."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness.npm import installed

HERE = Path(__file__).parent


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
    """Install the packages once; skip where they cannot be had."""
    return Validator(*await installed(HERE, ("check.js",), "@forge/manifest"))
