"""The stack of docker-compose.yml, brought up for real under a name of its own."""

import contextlib
import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.make_secrets import make, write
from tests.compose.composefile import ROOT
from tests.harness.installation import free_port

PROBES = Path(__file__).parent / "probes"
STANDINS = Path(__file__).parent / "standins.yml"
MONGO_TAGS = ("7.0", "6.0")


class Stack:
    """One compose project: its own secrets, volumes, networks and edge port."""

    def __init__(self, folder: Path) -> None:
        self.project = f"ostro-test-{secrets.token_hex(3)}"
        self.edge_port = free_port()
        make(folder)
        for name in ("segment-write-key", "amplitude-api-key", "bugsnag-api-key"):
            write(folder / name, f"test-{name}")
        self._environment = os.environ | {
            "OSTRO_SECRETS_DIR": str(folder),
            "OSTRO_EDGE_PORT": str(self.edge_port),
            "OSTRO_PUBLIC_URL": self.url,
            "OSTRO_TAG": "test",
            "MONGO_TAG": os.environ.get("MONGO_TAG", _mongo_tag()),
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.edge_port}"

    def compose(self, *arguments: str, stdin: str = "", seconds: float = 120) -> str:
        """Run a compose command and return its output; fails with what it wrote to stderr."""
        files = ["-f", str(ROOT / "docker-compose.yml"), "-f", str(STANDINS)]
        command = [*compose_command(), "-p", self.project, *files, *arguments]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self._environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr[-2000:]}"
        return done.stdout

    def probe(self, container: str, name: str, *arguments: str) -> Any:
        """Run a script of probes/ in a running container and return the JSON it prints."""
        script = (PROBES / f"{name}.py").read_text()
        return json.loads(
            self.compose("exec", "-T", container, "python", "-", *arguments, stdin=script)
        )

    def admin(self, service: str, *arguments: str) -> str:
        """Run an admin command of a service in its container; return what it prints."""
        command = ("exec", "-T", service, "python", "-m", f"services.{service}", "admin")
        return self.compose(*command, *arguments).strip()

    def administrator(self, name: str, *arguments: str) -> Any:
        """Run a script of probes/ in a container with Kafka's administrator's credentials."""
        script = (PROBES / f"{name}.py").read_text()
        run = ("run", "--rm", "-T", "--no-deps", "--entrypoint", "python", "topics", "-")
        return json.loads(self.compose(*run, *arguments, stdin=script))

    def containers(self) -> list[dict[str, Any]]:
        """Return `docker inspect` of every container of the project."""
        ids = self.compose("ps", "-aq").split()
        shown = subprocess.run(["docker", "inspect", *ids], capture_output=True, check=True)
        found: list[dict[str, Any]] = json.loads(shown.stdout)
        return found


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Stack]:
    """Build, bring up, and remove everything but the images afterwards."""
    stack = Stack(folder)
    try:
        stack.compose("build", seconds=900)
        stack.compose("up", "-d", seconds=300)
        yield stack
    except AssertionError:
        with contextlib.suppress(AssertionError):
            print(stack.compose("logs", "--tail", "40"))  # noqa: T201  shown only on failure
        raise
    finally:
        stack.compose("down", "-v", "--remove-orphans", "--timeout", "5", seconds=120)


def compose_command() -> list[str]:
    """Return `docker compose`, else the older `docker-compose`."""
    v2 = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return ["docker", "compose"] if v2.returncode == 0 else ["docker-compose"]


def engine_answers() -> bool:
    """Whether there is a Docker engine to bring the stack up on."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


def _mongo_tag() -> str:
    for tag in MONGO_TAGS:
        inspect = ["docker", "image", "inspect", f"mongo:{tag}"]
        if subprocess.run(inspect, capture_output=True, check=False).returncode == 0:
            return tag
    return MONGO_TAGS[0]
