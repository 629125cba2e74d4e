"""A real browser without a network: only loopback, and hosts that a test stands in for."""

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


async def opened(
    url: str, profile: Path, hosts: Mapping[str, str] | None = None
) -> tuple[str, str]:
    """Open a page; return its DOM when the network is quiet, and the browser's log.

    ``hosts`` maps names (``host:port``) to addresses on loopback, whose certificates are not
    checked.
    """
    assert BROWSER is not None
    rules = [f"MAP {name} {address}" for name, address in (hosts or {}).items()]
    process = await asyncio.create_subprocess_exec(
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-proxy-server",
        "--host-resolver-rules=" + " , ".join([*rules, "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1"]),
        *(["--ignore-certificate-errors"] if hosts else []),
        f"--user-data-dir={profile}",
        "--enable-logging=stderr",
        "--virtual-time-budget=30000",
        "--dump-dom",
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, log = await asyncio.wait_for(process.communicate(), 50)
    return out.decode(), log.decode(errors="replace")
