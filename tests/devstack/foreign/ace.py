"""Installs and runs the atlassian-connect-express app beside this file."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack.standin.serving import bind, port_of
from tests.harness.npm import installed

HERE = Path(__file__).parent
APP_ID = "406d303d-0393-4ec4-ad7c-1435be94583a"


@dataclass(frozen=True)
class Ace:
    url: str


async def prepared() -> tuple[str, Path]:
    """Node and a folder with the app and its packages."""
    return await installed(HERE, ("atlassian-connect.json", "app.js"), "the foreign Connect app")


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
