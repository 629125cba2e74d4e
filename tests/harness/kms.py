"""A server that speaks AWS KMS (moto), in a process of its own that can be frozen."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from tests.harness.installation import free_port

CREDENTIALS: Mapping[str, str] = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""boto3 does not ask without any; set them where the service runs."""
_REGION = "eu-central-1"
_START_SECONDS = 30


@dataclass(frozen=True)
class KmsServer:
    """The running server. Its keys live as long as it does."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def endpoint(self) -> str:
        """Return its URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin(self) -> Any:
        """Return a client of the account's administrator."""
        return boto3.client(
            "kms",
            region_name=_REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id="admin",
            aws_secret_access_key="admin",
        )

    def new_key(self) -> str:
        """Make a key; return its ARN."""
        return str(self.admin.create_key()["KeyMetadata"]["Arn"])

    def freeze(self) -> None:
        """Connections stay open and nothing answers."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.process.pid, signal.SIGCONT)


@contextlib.contextmanager
def kms_server(folder: Path) -> Iterator[KmsServer]:
    """Run the server until the block ends."""
    port = free_port()
    with (folder / "kms.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    found = KmsServer(port, process)
    try:
        _until_up(found, folder / "kms.log")
        yield found
    finally:
        found.thaw()
        process.kill()
        process.wait()


def _until_up(server: KmsServer, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", server.port), timeout=1),
        ):
            return
        if server.process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"moto does not start:\n{log.read_text()}")
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.process.wait(0.05)
