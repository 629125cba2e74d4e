"""Loopback ports: a free one, or a plain word about who holds the one we want."""

import os
import random
import socket
from pathlib import Path

from devstack.embedded.errors import StackError
from devstack.embedded.identity import command_of

LOOPBACK = "127.0.0.1"
# below the range from which kernels give ports to outgoing connections, so that none of those
# takes the port between our look and the server's bind
_FREE_RANGE = range(20000, 32000)
_TCP_LISTEN = "0A"


def is_free(port: int) -> bool:
    """Say whether a server could listen on the loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> tuple[int, ...]:
    """Return that many different ports that were free a moment ago."""
    found: set[int] = set()
    for port in random.SystemRandom().sample(_FREE_RANGE, len(_FREE_RANGE)):
        if is_free(port):
            found.add(port)
        if len(found) == count:
            return tuple(found)
    raise StackError(f"no {count} free ports between {_FREE_RANGE.start} and {_FREE_RANGE.stop}")


def accepts(address: str) -> bool:
    """Say whether somebody takes connections at ``host:port``."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1.0):
            return True
    except OSError:
        return False


def require_free(port: int, *, what: str, setting: str) -> None:
    """Raise a StackError that names port, holder and setting when the port is taken."""
    if is_free(port):
        return
    holder = holder_of(port)
    by = f" by {holder}" if holder else ""
    raise StackError(
        f"port {port} for {what} is taken{by}.\n"
        f"Stop that process or choose another port: {setting}=<port> make run"
    )


def holder_of(port: int) -> str | None:
    """Describe the process that listens on the port, as far as /proc tells this user."""
    inodes = {
        inode
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for inode in _listening_inodes(Path(table), port)
    }
    if not inodes:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        if _holds_socket(process, inodes):
            command = command_of(int(process.name)) or "unknown command"
            return f"pid {process.name} ({command[:120]})"
    return "a process of another user"


def _listening_inodes(table: Path, port: int) -> set[str]:
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return set()
    suffix = f":{port:04X}"
    return {row[9] for row in rows if row[1].endswith(suffix) and row[3] == _TCP_LISTEN}


def _holds_socket(process: Path, inodes: set[str]) -> bool:
    wanted = {f"socket:[{inode}]" for inode in inodes}
    try:
        return any(_link(fd) in wanted for fd in (process / "fd").iterdir())
    except OSError:
        return False


def _link(path: Path) -> str | None:
    try:
        return os.readlink(path)  # noqa: PTH115  a socket's name, not a path
    except OSError:
        return None
