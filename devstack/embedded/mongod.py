"""mongod, a replica set of one on loopback."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from devstack.embedded.errors import StackError
from devstack.embedded.guard import guarded_folder
from devstack.embedded.ports import LOOPBACK, accepts, free_ports
from devstack.embedded.process import Process, Started, ignore, pause, spawn

READY_SECONDS = 90.0
SETTING = "OSTRO_MONGOD"
_REPLICA_SET = "rs0"
_NO_CONFIGURATION = 94  # NotYetInitialized
_NONE_FOUND = (
    "no mongod for this machine (the wheel is Linux x86-64 only): put one on PATH, name it with "
    f"{SETTING}=<file>, give a replica set with OSTRO_MONGODB_URI=<uri>, or use Docker: "
    "docker compose up"
)


@dataclass(frozen=True)
class Mongod:
    """An executable that runs here, and what its loader needs to find its libraries."""

    executable: Path
    version: str
    library_path: str | None = None

    def environment(self) -> dict[str, str]:
        """The caller's environment; the library path is for this one child only."""
        if self.library_path is None:
            return dict(os.environ)
        return {**os.environ, "LD_LIBRARY_PATH": self.library_path}


@dataclass(frozen=True)
class MongodSite:
    """Where one mongod lives. Its port may differ from that of its last start."""

    folder: Path
    port: int

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def uri(self) -> str:
        return f"mongodb://{self.address}/?replicaSet={_REPLICA_SET}"


def find_mongod(folder: Path) -> Mongod:
    """Return OSTRO_MONGOD, the wheel's or PATH's mongod, the first that runs.

    mongod needs libcurl; where the system has none, pycurl's copy is linked under ``folder``.
    """
    given = os.environ.get(SETTING)
    candidates = [Path(given).expanduser()] if given else [_wheel_mongod(), _on_path()]
    failures = []
    for executable in candidates:
        if executable is None:
            continue
        for library_path in (None, _pycurl_libraries(folder)):
            found = Mongod(executable, "", library_path)
            try:
                return Mongod(executable, _version(found), library_path)
            except StackError as error:
                failures.append(f"{executable}: {error}")
    if failures:
        raise StackError("mongod does not run here. " + "\n".join(dict.fromkeys(failures)))
    raise StackError(_NONE_FOUND)


def start_mongod(
    site: MongodSite, *, log: Path | None = None, started: Started = ignore, cache_gb: float = 0.25
) -> Process:
    """Start mongod and return once it is a writable primary."""
    data = site.folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    mongod = find_mongod(site.folder)
    command: list[str | Path] = [mongod.executable, "--dbpath", data, "--port", str(site.port)]
    command += ["--bind_ip", LOOPBACK, "--nounixsocket", "--replSet", _REPLICA_SET]
    # small journal files and cache: 25 MB on disk instead of 300, 130 MB in memory
    command += ["--wiredTigerCacheSizeGB", str(cache_gb), "--oplogSize", "256"]
    command += ["--wiredTigerEngineConfigString", "log=(file_max=8MB)"]
    # no secondary could take over, so nothing is gained by waiting for one at the end
    command += ["--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"]
    command += ["--setParameter", "diagnosticDataCollectionEnabled=false"]
    log = log or site.folder / "mongod.log"
    process = spawn("mongod", command, log=log, env=mongod.environment())
    started(process)
    process.await_ready(lambda: accepts(site.address), timeout=READY_SECONDS)
    _configure(site)
    process.await_ready(lambda: mongod_is_writable(site.uri), timeout=READY_SECONDS)
    return process


def mongod_is_writable(uri: str) -> bool:
    """Say whether ``hello`` comes from a writable primary."""
    try:
        with _client(uri) as client:
            return bool(client.admin.command("hello")["isWritablePrimary"])
    except PyMongoError:
        return False


@contextmanager
def embedded_mongod(folder: Path, *, cache_gb: float = 0.25) -> Iterator[str]:
    """Run mongod on a free port for the length of the block; gives its URI.

    The folder must be new or empty. Neither it nor mongod stays behind, also when this process
    is killed.
    """
    with guarded_folder(folder) as guard:
        site = MongodSite(folder.resolve(), *free_ports(1))
        start_mongod(site, started=guard.watch, cache_gb=cache_gb)
        yield site.uri


def _configure(site: MongodSite) -> None:
    """Make this node the set's only member under its present address."""
    member = {"_id": 0, "host": site.address}
    with _client(f"mongodb://{site.address}/?directConnection=true") as client:
        try:
            config: dict[str, Any] = client.admin.command("replSetGetConfig")["config"]
        except OperationFailure as error:
            if error.code != _NO_CONFIGURATION:
                raise
            client.admin.command("replSetInitiate", {"_id": _REPLICA_SET, "members": [member]})
            return
        if config["members"][0]["host"] == site.address:
            return
        moved = {**config, "version": config["version"] + 1}
        moved["members"] = [{**config["members"][0], "host": site.address}]
        client.admin.command("replSetReconfig", moved, force=True)
        pause()


def _client(uri: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(uri, serverSelectionTimeoutMS=1000, connectTimeoutMS=2000)


def _version(mongod: Mongod) -> str:
    try:
        done = subprocess.run(
            [mongod.executable, "--version"],
            capture_output=True,
            text=True,
            check=False,
            env=mongod.environment(),
        )
    except OSError as error:
        raise StackError(str(error)) from error
    first = done.stdout.partition("\n")[0]
    if done.returncode or not first.startswith("db version v"):
        raise StackError((done.stderr or done.stdout).strip())
    return first.removeprefix("db version v")


def _wheel_mongod() -> Path | None:
    spec = importlib.util.find_spec("fiftyone")
    for base in (spec.submodule_search_locations or []) if spec else []:
        mongod = Path(base) / "db" / "bin" / "mongod"
        if mongod.exists():
            return mongod
    return None


def _on_path() -> Path | None:
    found = shutil.which("mongod")
    return Path(found) if found else None


def _pycurl_libraries(folder: Path) -> str | None:
    """Link pycurl's libcurl under the name mongod asks for.

    The loader needs the wheel's own folder too: the copy's neighbours have hashed names.
    """
    spec = importlib.util.find_spec("pycurl")
    if spec is None or spec.origin is None:
        return None
    libraries = Path(spec.origin).parents[1] / "pycurl.libs"
    copies = sorted(libraries.glob("libcurl-*.so.4*"))
    if not copies:
        return None
    linked = folder.resolve() / "lib"
    linked.mkdir(parents=True, exist_ok=True)
    link = linked / "libcurl.so.4"
    link.unlink(missing_ok=True)
    link.symlink_to(copies[0])
    return f"{linked}:{libraries}"
