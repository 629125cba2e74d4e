"""Runs one front: Caddy for TLS, the forward proxy before it, and a file with clients' settings."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from devstack.embedded.caddy import READY_SECONDS, find_caddy
from devstack.embedded.ports import LOOPBACK, accepts, free_ports
from devstack.embedded.process import Process, spawn
from devstack.front.caddyfile import render_front
from devstack.front.certificates import TRUST_PASSWORD, Certificates
from devstack.front.hosts import HOSTS
from devstack.front.proxy import ForwardProxy

EVERYWHERE = "0.0.0.0"


@dataclass(frozen=True)
class Front:
    """Where a front listens and where it leads; ports of 0 are chosen."""

    folder: Path
    to: str
    bind: str
    tls_port: int
    proxy_port: int
    elsewhere: bool = False

    @property
    def environment(self) -> Path:
        """Settings for clients, to be sourced by a shell."""
        return self.folder / "client.env"

    async def run(self, now: datetime, until: Callable[[str], Awaitable[None]]) -> None:
        """Serve until ``until`` returns; it gets the forward proxy's URL."""
        files = Certificates(self.folder)
        files.make(HOSTS, now)
        tls, plain = free_ports(2)
        caddy = self._caddy(files, self.tls_port or tls, plain)
        try:
            proxy = ForwardProxy(HOSTS, self.tls_port or tls, plain, self.elsewhere)
            server = await proxy.serve(self.bind, self.proxy_port)
            port = server.sockets[0].getsockname()[1]
            self.environment.write_text(_environment(files, self._reached(), port))
            await until(f"http://{self._reached()}:{port}")
            server.close()  # tunnels that are open end with the process
        finally:
            await asyncio.to_thread(caddy.stop)

    def _reached(self) -> str:
        return LOOPBACK if self.bind == EVERYWHERE else self.bind

    def _caddy(self, files: Certificates, tls: int, plain: int) -> Process:
        caddyfile = self.folder / "Caddyfile"
        caddyfile.write_text(
            render_front(HOSTS, files, to=self.to, bind=self.bind, port=tls, plain_port=plain)
        )
        process = spawn(
            "caddy",
            [find_caddy(), "run", "--config", caddyfile, "--adapter", "caddyfile"],
            log=self.folder / "caddy.log",
            env={
                **os.environ,
                "XDG_DATA_HOME": str(self.folder / "share"),
                "XDG_CONFIG_HOME": str(self.folder / "config"),
            },
        )
        process.await_ready(lambda: accepts(f"{self._reached()}:{tls}"), timeout=READY_SECONDS)
        return process


def _environment(files: Certificates, host: str, port: int) -> str:
    proxy, bundle = f"http://{host}:{port}", files.bundle
    java = " ".join(
        (
            f"-Dhttps.proxyHost={host} -Dhttps.proxyPort={port}",
            f"-Djavax.net.ssl.trustStore={files.truststore}",
            f"-Djavax.net.ssl.trustStorePassword={TRUST_PASSWORD}",
        )
    )
    settings = {
        "HTTPS_PROXY": proxy,
        "https_proxy": proxy,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "REQUESTS_CA_BUNDLE": bundle,
        "SSL_CERT_FILE": bundle,
        "CURL_CA_BUNDLE": bundle,
        "NODE_EXTRA_CA_CERTS": files.authority,
        "OSTRO_FRONT_JAVA": java,
    }
    return "".join(f"export {name}='{value}'\n" for name, value in settings.items())
