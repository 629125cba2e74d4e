"""Installs and runs the atlassian-connect-express app beside this file."""

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from devstack.standin.serving import bind, port_of

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json", "atlassian-connect.json", "app.js")
CACHE = HERE.parents[2] / ".ostro" / "foreign"
APP_ID = "406d303d-0393-4ec4-ad7c-1435be94583a"
INSTALL = ("ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund")
# What npm says when packages cannot be had at all.
OFFLINE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH", "ENOTCACHED")


@dataclass(frozen=True)
class Ace:
    url: str


def _programs() -> tuple[str, str]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are needed to run the foreign Connect app")
    return node, npm


async def prepared() -> tuple[str, Path]:
    """Node and a folder with the app and its packages, kept from one run to the next."""
    node, npm = _programs()
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
            pytest.skip("the npm packages of the foreign Connect app cannot be had here")
        assert process.returncode == 0, text
        done.touch()
    return node, folder


@asynccontextmanager
async def running(jira_url: str) -> AsyncIterator[Ace]:
    """The app on a free port, with the stand-in's key servers in place of Atlassian's."""
    node, folder = await prepared()
    with bind("127.0.0.1", 0) as sock:
        port = port_of(sock)
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "NODE_ENV": "development",
        "PORT": str(port),
        "AC_LOCAL_BASE_URL": url,
        "AC_APP_ID": APP_ID,
        "CONNECT_KEYS_CDN_URL": f"{jira_url}/install-keys",
        "FORGE_JWKS_URL": f"{jira_url}/forge/.well-known/jwks.json",
    }
    process = await asyncio.create_subprocess_exec(
        node, "app.js", cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        while (line := await asyncio.wait_for(process.stdout.readline(), 60)) != b"ready\n":
            assert line, "the foreign app ended before it was ready"
        yield Ace(url)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.communicate(), 30)
